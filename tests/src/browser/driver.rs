//! Chromium by its driver, and what every visit has to pass: no errors, nothing that the content
//! security policy had to stop, nothing that jumps.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use techcommerce_testkit::{Client, Process, TempDir, folder, free_address};
use thirtyfour::common::log::LoggingPrefsLogLevel;
use thirtyfour::prelude::*;
use tokio::time::{Instant, sleep};

const PATIENCE: Duration = Duration::from_secs(30);
/// Cumulative layout shift; 0.1 is what is called good.
const MOST_SHIFT: f64 = 0.02;

/// How the browser is set up.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub width: u32,
    pub height: u32,
    pub dark: bool,
    pub javascript: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            width: 1280,
            height: 900,
            dark: false,
            javascript: true,
        }
    }
}

/// A browser with an empty profile; [`Browser::close`] it, so that what went wrong is told.
pub struct Browser {
    pub driver: WebDriver,
    base: String,
    javascript: bool,
    // Ended in this order: the browser ends with its driver, then the profile goes.
    _process: Process,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser for the shop at this address, as `http://127.0.0.1:3000`.
    pub async fn start(base: String, look: Look) -> Result<Self> {
        Self::start_with(base, look, &[]).await
    }

    /// The same with more arguments.
    pub async fn start_with(base: String, look: Look, arguments: &[String]) -> Result<Self> {
        let profile = folder();
        let address = free_address();
        let mut command = Command::new(program("TECHCOMMERCE_TEST_CHROMEDRIVER", "chromedriver"));
        command.arg(format!("--port={}", address.port()));
        let process = Process::start(&mut command, &profile.path().join("driver.log"))?;
        let end = Instant::now() + PATIENCE;
        let client = Client::new(format!("http://{address}"));
        while !client
            .get("/status")
            .send()
            .await
            .is_ok_and(|answer| answer.status == 200)
        {
            ensure!(
                Instant::now() < end,
                "the driver does not start: {}",
                process.output()
            );
            sleep(Duration::from_millis(50)).await;
        }

        let mut capabilities = DesiredCapabilities::chrome();
        let browser = program("TECHCOMMERCE_TEST_CHROMIUM", "chromium");
        if browser.is_absolute() {
            capabilities.set_binary(&browser.to_string_lossy())?;
        }
        let size = format!("--window-size={},{}", look.width, look.height);
        let folder = format!(
            "--user-data-dir={}",
            profile.path().join("profile").display()
        );
        for argument in [
            "--headless=new",
            // Containers and root have no sandbox to give; it shows only our own pages.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--hide-scrollbars",
            "--lang=en",
            &size,
            &folder,
        ] {
            capabilities.add_arg(argument)?;
        }
        for argument in arguments {
            capabilities.add_arg(argument)?;
        }
        capabilities.add_experimental_option("prefs", json!({"intl.accept_languages": "en"}))?;
        capabilities.set_browser_log_level(LoggingPrefsLogLevel::All)?;
        let driver = WebDriver::new(format!("http://{address}"), capabilities)
            .await
            .with_context(|| process.output())?;
        let browser = Self {
            driver,
            base,
            javascript: look.javascript,
            _process: process,
            _profile: profile,
        };
        browser.apply(look).await?;
        Ok(browser)
    }

    async fn apply(&self, look: Look) -> Result<()> {
        let cdp = self.driver.cdp();
        let scheme = if look.dark { "dark" } else { "light" };
        cdp.send_raw(
            "Emulation.setEmulatedMedia",
            json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]}),
        )
        .await?;
        cdp.send_raw(
            "Emulation.setDeviceMetricsOverride",
            json!({
                "width": look.width, "height": look.height,
                "deviceScaleFactor": 1, "mobile": look.width < 600,
            }),
        )
        .await?;
        if !look.javascript {
            // The pages' own scripts; what the driver runs is not concerned.
            cdp.send_raw(
                "Emulation.setScriptExecutionDisabled",
                json!({"value": true}),
            )
            .await?;
        }
        Ok(())
    }

    /// Opens a page of the shop.
    pub async fn open(&self, path: &str) -> Result<()> {
        self.driver.goto(format!("{}{path}", self.base)).await?;
        self.settled().await
    }

    /// Nothing has jumped on this page since it was opened.
    pub async fn settled(&self) -> Result<()> {
        if !self.javascript {
            return Ok(());
        }
        let script = r"
            const done = arguments[arguments.length - 1];
            let sum = 0;
            const where = [];
            new PerformanceObserver((list) => {
                for (const entry of list.getEntries()) {
                    if (entry.hadRecentInput) continue;
                    sum += entry.value;
                    for (const source of entry.sources) where.push(source.node?.outerHTML?.slice(0, 120));
                }
            }).observe({ type: 'layout-shift', buffered: true });
            setTimeout(() => done([sum, where]), 400);
        ";
        let result = self
            .driver
            .execute_async(script, Vec::<Value>::new())
            .await?;
        let found = result.json();
        let shift = found[0].as_f64().context("a number")?;
        ensure!(
            shift < MOST_SHIFT,
            "{} jumped by {shift}: {}",
            self.driver.current_url().await?,
            found[1]
        );
        Ok(())
    }

    /// The page's path, without its query.
    pub async fn path(&self) -> Result<String> {
        Ok(self.driver.current_url().await?.path().to_owned())
    }

    /// The first element for a CSS selector, as soon as it is there and shown.
    pub async fn find(&self, selector: &str) -> Result<WebElement> {
        let end = Instant::now() + PATIENCE;
        loop {
            for element in self.driver.find_all(By::Css(selector)).await? {
                if element.is_displayed().await.unwrap_or(false) {
                    return Ok(element);
                }
            }
            if Instant::now() > end {
                bail!(
                    "no {selector} on {}:\n{}",
                    self.driver.current_url().await?,
                    self.text().await?
                );
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether an element is there and shown, now.
    pub async fn shows(&self, selector: &str) -> Result<bool> {
        for element in self.driver.find_all(By::Css(selector)).await? {
            if element.is_displayed().await.unwrap_or(false) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The text of an element; a script may put another in its place meanwhile.
    pub async fn text_of(&self, selector: &str) -> Result<String> {
        loop {
            // What is not there at last is told by `find`.
            if let Ok(text) = self.find(selector).await?.text().await {
                return Ok(text);
            }
        }
    }

    /// Clicks the element; a script may put another in its place meanwhile.
    pub async fn click(&self, selector: &str) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            let element = self.find(selector).await?;
            let clicked = async {
                element.scroll_into_view().await?;
                element.click().await
            };
            match clicked.await {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() > end => return Err(error.into()),
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
    }

    /// Writes into a field, in place of what stands there.
    pub async fn fill(&self, selector: &str, text: &str) -> Result<()> {
        let field = self.find(selector).await?;
        field.clear().await?;
        field.send_keys(text).await?;
        Ok(())
    }

    /// All text that the page shows.
    pub async fn text(&self) -> Result<String> {
        Ok(self.driver.find(By::Tag("body")).await?.text().await?)
    }

    /// Waits until the page shows this text.
    pub async fn wait_for_text(&self, wanted: &str) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            // The page may be just about to change.
            let text = self.text().await.unwrap_or_default();
            if text.contains(wanted) {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("{} never showed {wanted:?}:\n{text}", self.path().await?);
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until the address has this path.
    pub async fn wait_for_path(&self, start: &str) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while !self.path().await?.starts_with(start) {
            if Instant::now() > end {
                bail!(
                    "still at {} instead of {start}:\n{}",
                    self.driver.current_url().await?,
                    self.text().await?
                );
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Runs a script of the test; its `return` value.
    pub async fn run(&self, script: &str) -> Result<Value> {
        let result = self.driver.execute(script, Vec::<Value>::new()).await?;
        Ok(result.json().clone())
    }

    /// Ends the visit: the browser has nothing to complain of.
    pub async fn close(self) -> Result<()> {
        let log = self.driver.browser_log().await?;
        self.driver.quit().await?;
        let complaints: Vec<String> = log
            .iter()
            .filter(|entry| matches!(entry.level.as_str(), "WARNING" | "SEVERE"))
            .map(|entry| format!("{}: {}", entry.level, entry.message))
            // A refused form is a page with a status of its own, not a fault.
            .filter(|entry| {
                let refused = entry.contains("responded with a status of 4");
                !refused || entry.contains("/static/") || entry.contains("/images/")
            })
            .collect();
        ensure!(
            complaints.is_empty(),
            "the browser says:\n{}",
            complaints.join("\n")
        );
        Ok(())
    }
}

fn program(variable: &str, name: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return path.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| name.into())
}
