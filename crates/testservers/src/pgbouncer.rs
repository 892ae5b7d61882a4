//! `PgBouncer` before a throw-away PostgreSQL: transaction mode, as a cluster runs it.

use std::fs;
use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::debian::unpack;
use crate::host::{detached, find_program, free_port, is_root, random_hex, run};

/// From this version on prepared statements work in transaction mode.
const LEAST: (u32, u32) = (1, 21);
/// Debian 13's package and what it is linked with; on an older system they run by their own loader.
const PACKAGES: [&str; 8] = [
    "pgbouncer",
    "libc6",
    "libcares2",
    "libevent-2.1-7t64",
    "libldap2",
    "libpam0g",
    "libssl3t64",
    "libsystemd0",
];

/// A running pooler; it ends with the value.
#[derive(Debug)]
pub struct Pooler {
    child: Child,
    port: u16,
    home: PathBuf,
}

impl Pooler {
    /// Starts one before the server of `postgres`, the superuser's address, with the settings of
    /// `ini`: only where it listens, where the server is and where the superuser's password stands
    /// are put in.
    ///
    /// # Errors
    /// It is not there and cannot be had, or does not start; the message has the end of its log.
    pub fn start(postgres: &str, ini: &str) -> io::Result<Self> {
        let wrong = || io::Error::other("no address of PostgreSQL");
        let (user, rest) = postgres
            .strip_prefix("postgres://")
            .and_then(|rest| rest.rsplit_once('@'))
            .ok_or_else(wrong)?;
        let (name, password) = user.split_once(':').ok_or_else(wrong)?;
        let server = rest.split('/').next().unwrap_or_default();
        let (host, server_port) = server.rsplit_once(':').ok_or_else(wrong)?;
        let home = std::env::temp_dir().join(format!("techcommerce-test-pooler-{}", random_hex()?));
        fs::create_dir(&home)?;
        let port = free_port()?;
        let users = home.join("users");
        fs::write(&users, format!("\"{name}\" \"{password}\"\n"))?;
        let mut text = String::new();
        for line in ini.lines() {
            let key = line.split(['=', ' ']).next().unwrap_or_default();
            match key {
                "*" => text.push_str(&format!("* = host={host} port={server_port}")),
                "listen_addr" => text.push_str("listen_addr = 127.0.0.1"),
                "listen_port" => text.push_str(&format!("listen_port = {port}")),
                "auth_user" => text.push_str(&format!("auth_user = {name}")),
                "auth_file" => text.push_str(&format!("auth_file = {}", users.display())),
                _ => text.push_str(line),
            }
            text.push('\n');
        }
        let settings = home.join("pgbouncer.ini");
        fs::write(&settings, text)?;
        let log = fs::File::create(home.join("server.log"))?;
        let mut command = program()?.command(is_root());
        let child = command
            .arg(&settings)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        if is_root() {
            run(Command::new("chown").arg("-R").arg("postgres").arg(&home))?;
        }
        let mut pooler = Self {
            child: child.spawn()?,
            port,
            home,
        };
        // Should we be killed, it does not stay behind.
        let (ours, its) = (std::process::id(), pooler.child.id());
        let script = format!("while kill -0 {ours} 2>/dev/null; do sleep 2; done; kill -9 {its}");
        detached(Command::new("sh").arg("-c").arg(script))?;
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(pooler);
            }
            if pooler.child.try_wait()?.is_some() {
                break;
            }
            thread::sleep(Duration::from_millis(25));
        }
        Err(io::Error::other(format!(
            "PgBouncer did not start:\n{}",
            fs::read_to_string(pooler.home.join("server.log")).unwrap_or_default()
        )))
    }

    /// Where it listens, as `127.0.0.1:6432`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // Its end at once: what is under way is thrown away anyway.
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-QUIT", &id]).status();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// How `PgBouncer` is run here.
#[derive(Debug)]
enum Program {
    Installed(PathBuf),
    /// Unpacked into this folder.
    Unpacked(PathBuf),
}

impl Program {
    fn command(&self, root: bool) -> Command {
        let mut words: Vec<PathBuf> = Vec::new();
        if root {
            // It refuses to run as root. `setpriv` becomes the program, so that its id is ours.
            words.extend(
                [
                    "setpriv",
                    "--reuid=postgres",
                    "--regid=postgres",
                    "--clear-groups",
                ]
                .map(Into::into),
            );
        }
        match self {
            Self::Installed(program) => words.push(program.clone()),
            Self::Unpacked(folder) => {
                let libraries = folder.join("usr/lib/x86_64-linux-gnu");
                words.push(libraries.join("ld-linux-x86-64.so.2"));
                words.push("--library-path".into());
                words.push(libraries);
                words.push(folder.join("usr/sbin/pgbouncer"));
            }
        }
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command
    }
}

fn program() -> io::Result<Program> {
    if let Some(found) = find_program("pgbouncer").filter(|found| is_recent(found)) {
        return Ok(Program::Installed(found));
    }
    let folder = crate::shared::folder().join("../tools/pgbouncer");
    fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    let lock = fs::File::create(folder.join("lock"))?;
    lock.lock()?;
    let root = folder.join("root");
    if !root.join("usr/sbin/pgbouncer").is_file() {
        unpack(&PACKAGES, &root).map_err(|error| {
            io::Error::other(format!(
                "PgBouncer 1.21 or later is needed by this test and was not found. Install it from \
                 Debian 13, Fedora or Homebrew (`pgbouncer`). Unpacking Debian's failed: {error}"
            ))
        })?;
    }
    Ok(Program::Unpacked(root))
}

/// `PgBouncer 1.24.1` and some lines about its libraries.
fn is_recent(program: &Path) -> bool {
    let Ok(output) = Command::new(program).arg("--version").output() else {
        return false;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.split_whitespace().nth(1).unwrap_or_default();
    let mut numbers = version
        .split('.')
        .map_while(|part| part.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(LEAST.0), Some(LEAST.1))
}
