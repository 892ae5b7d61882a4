//! Prometheus, Alertmanager and their tools: Debian 13's, unpacked, so that every machine checks rules
//! and queries by the same version.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::daemon::{Daemon, Home};
use crate::debian::unpack;
use crate::host::find_program;

const PACKAGES: [&str; 3] = ["promtool", "prometheus", "prometheus-alertmanager"];

/// Where they are unpacked: `usr/bin`, and what Alertmanager has in `usr/share`.
///
/// # Errors
/// They are not there and cannot be had: no apt, or no network.
pub fn monitoring_root() -> io::Result<PathBuf> {
    let folder = crate::shared::folder().join("../tools/monitoring");
    fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    // Tests that start at once unpack it once.
    let lock = fs::File::create(folder.join("lock"))?;
    lock.lock()?;
    let root = folder.join("root");
    if !root.join("usr/bin/promtool").is_file() {
        unpack(&PACKAGES, &root)?;
    }
    Ok(root)
}

/// Where `prometheus`, `promtool`, `prometheus-alertmanager` or `amtool` is: unpacked, or, where there
/// is no apt, that of the system.
///
/// # Errors
/// It is neither here nor to be had; the message says how to install it.
pub fn monitoring(program: &str) -> io::Result<PathBuf> {
    let missing = match monitoring_root() {
        Ok(root) => match root.join("usr/bin").join(program) {
            found if found.is_file() => return Ok(found),
            absent => io::Error::other(format!("{} is not there", absent.display())),
        },
        Err(error) => error,
    };
    // Elsewhere Alertmanager goes by its own name.
    let plain = program.trim_start_matches("prometheus-");
    find_program(program)
        .or_else(|| find_program(plain))
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!(
                    "{program} is missing: install Prometheus 2.53 or later (Debian 13: `prometheus`, `promtool`, \
                     `prometheus-alertmanager`; Homebrew: `prometheus`, `alertmanager`). Unpacking Debian's failed: {missing}"
                ),
            )
        })
}

/// A running Prometheus on loopback; it ends with the value, its data too.
#[derive(Debug)]
pub struct Prometheus(Daemon);

impl Prometheus {
    /// Starts one with this configuration; files that it names by relative paths lie in [`Self::home`]
    /// if `prepare` puts them there.
    ///
    /// # Errors
    /// It is not there and cannot be had, or does not become ready; the message has its log.
    pub fn start(config: &str, prepare: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<Self> {
        let mut command = Command::new(monitoring("prometheus")?);
        let home = Home::new("Prometheus")?;
        prepare(&home.folder)?;
        let data = home.folder.join("data");
        command
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg("--web.enable-lifecycle")
            .current_dir(&home.folder);
        home.start(command, config).map(Self)
    }

    /// Where it listens, as `127.0.0.1:9090`.
    #[must_use]
    pub fn place(&self) -> String {
        self.0.place()
    }

    /// Its folder: its log is `server.log`.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.0.folder()
    }
}
