//! The processes of a shop: one, or one for each service.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::future::try_join_all;
use techcommerce_testkit::{Client, Process};
use tokio::time::{Instant, sleep};

/// A debug build on a busy machine with two cores needs longer than the product promises.
pub const START: Duration = Duration::from_secs(60);

/// One process of a shop: how it is started, and where it says that it can serve.
#[derive(Debug)]
pub struct Part {
    /// What it serves, as `order-api`; `shop` is everything.
    pub name: String,
    /// Starts it.
    pub command: Command,
    /// Where it serves.
    pub address: std::net::SocketAddr,
}

/// The processes, each with its output in a file of its own.
#[derive(Debug)]
pub struct Processes {
    parts: BTreeMap<String, (Part, Option<Process>)>,
    folder: PathBuf,
}

impl Processes {
    /// Starts all at once.
    pub fn start(parts: Vec<Part>, folder: &Path) -> Result<Self> {
        let mut processes = Self {
            parts: parts
                .into_iter()
                .map(|part| (part.name.clone(), (part, None)))
                .collect(),
            folder: folder.to_path_buf(),
        };
        processes.start_all()?;
        Ok(processes)
    }

    /// Takes in more of them, to be started later.
    pub fn add(&mut self, parts: Vec<Part>) {
        for part in parts {
            self.parts.insert(part.name.clone(), (part, None));
        }
    }

    /// Those of these names, to be handled apart from the others; [`Processes::unite`] brings them
    /// back.
    pub fn split_off(&mut self, names: &[String]) -> Self {
        let mut parts = BTreeMap::new();
        for name in names {
            if let Some(part) = self.parts.remove(name) {
                parts.insert(name.clone(), part);
            }
        }
        let folder = self.folder.clone();
        Self { parts, folder }
    }

    /// Takes those that were split off back.
    pub fn unite(&mut self, others: Self) {
        self.parts.extend(others.parts);
    }

    /// Starts all that do not run.
    pub fn start_all(&mut self) -> Result<()> {
        let names = self.names();
        let resting = names.iter().filter(|name| self.parts[*name].1.is_none());
        let resting: Vec<&String> = resting.collect();
        for name in resting {
            self.start_one(name)?;
        }
        Ok(())
    }

    /// Starts the one of this name.
    pub fn start_one(&mut self, name: &str) -> Result<()> {
        let log = self.folder.join(format!("output-{name}.log"));
        let (part, process) = self.parts.get_mut(name).context("no such process")?;
        *process = Some(Process::start(&mut part.command, &log)?);
        Ok(())
    }

    /// What they serve.
    pub fn names(&self) -> Vec<String> {
        self.parts.keys().cloned().collect()
    }

    /// Whether the one of this name was started and not ended.
    pub fn runs(&self, name: &str) -> bool {
        self.parts
            .get(name)
            .is_some_and(|(_, process)| process.is_some())
    }

    /// Whether the one of this name does not run, also where it ended by itself.
    pub fn has_ended(&mut self, name: &str) -> Result<bool> {
        let (_, process) = self.parts.get_mut(name).context("no such process")?;
        match process {
            Some(process) => Ok(process.ended()?.is_some()),
            None => Ok(true),
        }
    }

    /// The system's number of the one of this name, while it runs.
    pub fn id(&self, name: &str) -> Option<u32> {
        let (_, process) = self.parts.get(name)?;
        process.as_ref().map(Process::id)
    }

    /// Where the one of this name serves.
    pub fn client(&self, name: &str) -> Result<Client> {
        let (part, _) = self.parts.get(name).context("no such process")?;
        Ok(Client::new(format!("http://{}", part.address)))
    }

    /// Waits until every one that was started can serve.
    pub async fn wait_until_ready(&mut self) -> Result<()> {
        let folder = self.folder.clone();
        let waits = self.parts.values_mut().filter_map(|(part, process)| {
            let process = process.as_mut()?;
            Some(wait_until_ready(part, process))
        });
        match try_join_all(waits).await {
            Ok(_) => Ok(()),
            Err(error) => Err(error.context(format!("its output is in {}", folder.display()))),
        }
    }

    /// SIGKILL for all, as a crash.
    pub fn kill_all(&mut self) -> Result<()> {
        self.names().iter().try_for_each(|name| self.kill(name))
    }

    /// SIGKILL for one.
    pub fn kill(&mut self, name: &str) -> Result<()> {
        let (_, process) = self.parts.get_mut(name).context("no such process")?;
        match process.take() {
            Some(mut process) => process.kill(),
            None => Ok(()),
        }
    }

    /// Sends a signal to one.
    pub fn signal(&self, name: &str, signal: &str) -> Result<()> {
        let (_, process) = self.parts.get(name).context("no such process")?;
        let process = process.as_ref().context("it does not run")?;
        let id = process.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &id])
            .status()?;
        ensure!(sent.success(), "SIG{signal} cannot be sent");
        Ok(())
    }

    /// Sends a signal to all.
    pub fn signal_all(&self, name: &str) -> Result<()> {
        for (_, process) in self.parts.values() {
            if let Some(process) = process {
                let id = process.id().to_string();
                let sent = Command::new("kill")
                    .args([&format!("-{name}"), &id])
                    .status()?;
                ensure!(sent.success(), "SIG{name} cannot be sent");
            }
        }
        Ok(())
    }

    /// SIGTERM and the orderly end, of all at once.
    pub async fn stop_all(&mut self) -> Result<()> {
        let running = self
            .parts
            .values_mut()
            .filter_map(|(_, process)| process.take());
        try_join_all(running.map(stop)).await.map(drop)
    }

    /// SIGTERM and the orderly end of one.
    pub async fn stop(&mut self, name: &str) -> Result<()> {
        let (_, process) = self.parts.get_mut(name).context("no such process")?;
        match process.take() {
            Some(process) => stop(process).await,
            None => Ok(()),
        }
    }

    /// What they wrote so far, over all of their starts.
    pub fn output(&self) -> String {
        let names = self.names();
        names.iter().map(|name| self.output_of(name)).collect()
    }

    /// The last lines of each.
    pub fn last_lines(&self, count: usize) -> String {
        let of = |name: &String| {
            let lines = self.last_lines_of(name, count);
            format!("── the end of the output of {name} ──\n{lines}\n")
        };
        self.parts.keys().map(of).collect()
    }

    fn output_of(&self, name: &str) -> String {
        let log = self.folder.join(format!("output-{name}.log"));
        let bytes = std::fs::read(log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The last lines of one.
    pub fn last_lines_of(&self, name: &str, count: usize) -> String {
        let output = self.output_of(name);
        let lines: Vec<&str> = output.lines().collect();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }
}

async fn stop(mut process: Process) -> Result<()> {
    let status = process.terminate(START).await?;
    ensure!(
        status.success(),
        "ended with {status}:\n{}",
        process.output()
    );
    Ok(())
}

async fn wait_until_ready(part: &Part, process: &mut Process) -> Result<()> {
    let client = Client::new(format!("http://{}", part.address));
    let end = Instant::now() + START;
    loop {
        if let Some(status) = process.ended()? {
            bail!("{} ended with {status}:\n{}", part.name, process.output());
        }
        let ready = client.get("/readyz").send().await;
        if ready.is_ok_and(|answer| answer.status == 200) {
            return Ok(());
        }
        if Instant::now() > end {
            bail!(
                "{} is not ready within {START:?}:\n{}",
                part.name,
                process.output()
            );
        }
        sleep(Duration::from_millis(20)).await;
    }
}
