//! Prometheus, Alertmanager and their tools: Debian 13's, unpacked, so that every machine checks rules
//! and queries by the same version.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::debian::unpack;
use crate::host::{detached, find_program, free_port, random_hex};

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
pub struct Prometheus {
    child: Child,
    port: u16,
    home: PathBuf,
}

impl Prometheus {
    /// Starts one with this configuration; files that it names by relative paths lie in [`Self::home`]
    /// if `prepare` puts them there.
    ///
    /// # Errors
    /// It is not there and cannot be had, or does not become ready; the message has the end of its log.
    pub fn start(config: &str, prepare: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<Self> {
        let program = monitoring("prometheus")?;
        let home =
            std::env::temp_dir().join(format!("techcommerce-test-prometheus-{}", random_hex()?));
        fs::create_dir(&home)?;
        prepare(&home)?;
        let file = home.join("prometheus.yml");
        fs::write(&file, config)?;
        let log = fs::File::create(home.join("server.log"))?;
        let port = free_port()?;
        let child = Command::new(program)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                home.join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--web.enable-lifecycle")
            .current_dir(&home)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut server = Self { child, port, home };
        // Should we be killed, it does not stay behind.
        let (ours, its) = (std::process::id(), server.child.id());
        let script = format!("while kill -0 {ours} 2>/dev/null; do sleep 2; done; kill -9 {its}");
        detached(Command::new("sh").arg("-c").arg(script))?;
        for _ in 0..600 {
            if is_ready(port) {
                return Ok(server);
            }
            if server.child.try_wait()?.is_some() {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err(io::Error::other(format!(
            "Prometheus did not start:\n{}",
            fs::read_to_string(server.home.join("server.log")).unwrap_or_default()
        )))
    }

    /// Where it listens, as `127.0.0.1:9090`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its folder: its log is `server.log`.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// Whether what listens there says that it is ready.
pub(crate) fn is_ready(port: u16) -> bool {
    let ask = || -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /-/ready HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.0 200"))
}
