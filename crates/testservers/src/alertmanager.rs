//! An Alertmanager for tests.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::daemon::{Daemon, Home};
use crate::host::random_hex;
use crate::monitoring::{monitoring, monitoring_root};

/// Where Debian's looks for its own templates.
const ITS_TEMPLATES: &[u8] = b"/usr/share/prometheus/alertmanager";
/// The same from the folder that it was unpacked into; as long, because it is written over it.
const OURS: &[u8] = b"usr/share/prometheus/alertmanager/";

/// A running Alertmanager on loopback; it ends with the value, its data too.
#[derive(Debug)]
pub struct Alertmanager(Daemon);

impl Alertmanager {
    /// Starts one with this configuration. Templates are named by whole paths.
    ///
    /// # Errors
    /// It is not there and cannot be had, or does not become ready; the message has its log.
    pub fn start(config: &str) -> io::Result<Self> {
        let (program, folder) = program()?;
        let home = Home::new("Alertmanager")?;
        let mut command = Command::new(program);
        command
            .arg(format!(
                "--storage.path={}",
                home.folder.join("data").display()
            ))
            .arg("--cluster.listen-address=")
            .current_dir(folder);
        home.start(command, config).map(Self)
    }

    /// Where it listens, as `127.0.0.1:9093`.
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

/// The program, and the folder to start it in. Debian's has the place of its templates written into it
/// and refuses every configuration without them; where nothing may be installed, a copy looks for them
/// where they were unpacked.
fn program() -> io::Result<(PathBuf, PathBuf)> {
    let program = monitoring("prometheus-alertmanager")?;
    let Ok(root) = monitoring_root() else {
        return Ok((program, std::env::temp_dir()));
    };
    if !program.starts_with(&root) {
        return Ok((program, root));
    }
    let copy = root.join("usr/bin/alertmanager-unpacked");
    if !copy.is_file() {
        let mut bytes = fs::read(&program)?;
        let mut at = 0;
        while let Some(found) = find(&bytes[at..], ITS_TEMPLATES) {
            bytes[at + found..at + found + OURS.len()].copy_from_slice(OURS);
            at += found + OURS.len();
        }
        // Tests that start at once each write a whole one.
        let half = copy.with_extension(random_hex()?);
        fs::write(&half, bytes)?;
        fs::set_permissions(&half, PermissionsExt::from_mode(0o755))?;
        fs::rename(&half, &copy)?;
    }
    Ok((copy, root))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    let first = *what.first()?;
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|byte| *byte == first) {
        at += found;
        if bytes[at..].starts_with(what) {
            return Some(at);
        }
        at += 1;
    }
    None
}
