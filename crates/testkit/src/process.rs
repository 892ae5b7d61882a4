//! The program itself, as a child process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep};

/// The `techcommerce` program: `TECHCOMMERCE_TEST_BINARY`, else the one that was built beside
/// this test.
///
/// # Errors
/// It is not there; the message says how to build it.
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("TECHCOMMERCE_TEST_BINARY") {
        return Ok(path.into());
    }
    let test = std::env::current_exe()?;
    // target/debug/deps/test → target/debug/techcommerce
    let binary = test
        .ancestors()
        .nth(2)
        .context("a test binary lies in the target folder")?
        .join("techcommerce");
    if !binary.is_file() {
        bail!(
            "{} is not there: run `cargo build -p techcommerce` first",
            binary.display()
        );
    }
    Ok(binary)
}

/// A child process with its output in a file; it is killed when the value goes.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its output (both streams) at the end of the file `log`.
    ///
    /// # Errors
    /// The program or the file cannot be opened.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let out = File::options().create(true).append(true).open(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("{command:?}"))?;
        Ok(Self {
            child,
            log: log.to_path_buf(),
        })
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far.
    #[must_use]
    pub fn output(&self) -> String {
        std::fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// The exit status if it has ended.
    ///
    /// # Errors
    /// The system does not say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// It did not within `limit`; the message has its output.
    pub async fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > end {
                bail!("did not end within {limit:?}:\n{}", self.output());
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// SIGKILL: no destructor runs, nothing is flushed.
    ///
    /// # Errors
    /// The system does not let us.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM, then waits for the orderly end.
    ///
    /// # Errors
    /// It did not end within `limit`.
    pub async fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        Command::new("kill")
            .args(["-TERM", &self.id().to_string()])
            .status()?;
        self.wait(limit).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
