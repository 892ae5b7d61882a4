//! A server for tests that says at `/-/ready` that it is: Prometheus and Alertmanager.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::host::{detached, free_port, random_hex};

/// Its folder, before it starts.
#[derive(Debug)]
pub(crate) struct Home {
    name: &'static str,
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
}

impl Home {
    /// A folder and a port for the server of this name.
    pub(crate) fn new(name: &'static str) -> io::Result<Self> {
        let lower = name.to_lowercase();
        let folder =
            std::env::temp_dir().join(format!("techcommerce-test-{lower}-{}", random_hex()?));
        fs::create_dir(&folder)?;
        let port = free_port()?;
        Ok(Self { name, folder, port })
    }

    /// Writes its configuration, starts it and waits until it is ready.
    ///
    /// # Errors
    /// It does not become ready; the message has its log.
    pub(crate) fn start(self, mut command: Command, config: &str) -> io::Result<Daemon> {
        let Self { name, folder, port } = self;
        let file = folder.join("config.yml");
        fs::write(&file, config)?;
        let log = fs::File::create(folder.join("server.log"))?;
        let child = command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut server = Daemon {
            child,
            port,
            folder,
        };
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
        let log = fs::read_to_string(server.folder.join("server.log")).unwrap_or_default();
        Err(io::Error::other(format!("{name} did not start:\n{log}")))
    }
}

/// A running one on loopback; it ends with the value, its data too.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Daemon {
    pub(crate) fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Whether what listens there says that it is ready.
fn is_ready(port: u16) -> bool {
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
