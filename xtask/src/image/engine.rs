//! buildah and podman, set up for tests: found or installed, with a configuration of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use techcommerce_testservers::is_root;

use crate::program::{output, target};
use crate::tools;

/// Where mounts are kept while they last; paths to sockets below may not be long.
const RUNNING: &str = "/run/techcommerce-test";

/// So many images without a name are layers of builds long past.
const LAYERS: usize = 60;

/// Builds and runs containers, in a store of its own that goes with the folder `target`: whatever else
/// is on this machine stays as it is.
pub struct Engine {
    configuration: PathBuf,
    store: Vec<String>,
}

impl Engine {
    /// Finds or installs it.
    pub fn prepare(install: bool) -> Result<Self> {
        tools::containers(install)?;
        let folder = target().join("tools/containers");
        fs::create_dir_all(&folder)?;
        let configuration = std::path::absolute(folder.join("containers.conf"))?;
        fs::write(&configuration, settings())?;
        let root = std::path::absolute(folder.join("storage"))?;
        let mut store = vec![format!("--root={}", root.display())];
        if is_root() {
            store.push(format!("--runroot={RUNNING}"));
        }
        let engine = Self {
            configuration,
            store,
        };
        let unnamed = ["images", "--quiet", "--filter", "dangling=true"];
        if output(engine.podman().args(unnamed))?.lines().count() > LAYERS {
            output(engine.podman().args(["image", "prune", "--force"]))?;
        }
        Ok(engine)
    }

    pub fn podman(&self) -> Command {
        let mut command = self.command("podman");
        command.args(&self.store);
        command
    }

    /// A build on two cores takes them for minutes: whoever works beside it goes first.
    pub fn buildah(&self) -> Command {
        let mut command = self.command("nice");
        command.args(["-n", "10", "buildah"]).args(&self.store);
        command
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("CONTAINERS_CONF", &self.configuration);
        command
    }

    /// What podman says of something, by a template of its own.
    pub fn inspect(&self, kind: &str, name: &str, template: &str) -> Result<String> {
        let said = output(
            self.podman()
                .args([kind, "inspect", "--format", template, name]),
        )?;
        Ok(said.trim().to_owned())
    }

    pub fn has_image(&self, name: &str) -> bool {
        output(self.podman().args(["image", "exists", name])).is_ok()
    }
}

/// Limits that any machine can give: the defaults ask for more than a container inside a container
/// may have. crun does not run where both versions of control groups are mounted, runc does.
fn settings() -> String {
    let runtime = match Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        true => String::new(),
        false => "[engine]\nruntime = \"runc\"\n".to_owned(),
    };
    let files = limit("Max open files").unwrap_or(4096).min(20_000);
    let processes = limit("Max processes").unwrap_or(4096).min(16_384);
    format!(
        "[containers]\ndefault_ulimits = [\"nofile={files}:{files}\", \"nproc={processes}:{processes}\"]\n{runtime}"
    )
}

/// The hard limit of this process, from /proc.
fn limit(name: &str) -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with(name))?;
    line.strip_prefix(name)?
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

/// The folder where an image's files can be read, until it is dropped.
pub struct Mount<'a> {
    engine: &'a Engine,
    image: String,
    pub folder: PathBuf,
}

impl<'a> Mount<'a> {
    pub fn of(engine: &'a Engine, image: &str) -> Result<Self> {
        let said = output(engine.podman().args(["image", "mount", image]))
            .context("only root can look into an image")?;
        Ok(Self {
            engine,
            image: image.to_owned(),
            folder: said.trim().into(),
        })
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = output(self.engine.podman().args(["image", "unmount", &self.image]));
    }
}
