//! What the machine offers: programs, ports, random names, processes that outlive us.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::{IDLE_MINUTES, Kind};

/// A program on the `PATH`.
#[must_use]
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        // Debian keeps runuser and its like where a user's PATH may not look.
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Whether this process runs as root, which PostgreSQL refuses.
#[must_use]
pub fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Below the ports that systems give to outgoing connections (32768 and up on Linux, 49152 on
/// macOS), so that none of those takes the port before its server does.
const PORTS: std::ops::Range<u16> = 15_000..32_000;

/// A loopback port that is free. Tests that run at the same time get different ones: they are
/// handed out in turn, by a number in a file that is locked meanwhile.
///
/// # Errors
/// No port can be bound, or the file cannot be written.
pub fn free_port() -> io::Result<u16> {
    let folder = crate::shared::folder();
    fs::create_dir_all(&folder)?;
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(folder.join("next-port"))?;
    file.lock()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let count = PORTS.end - PORTS.start;
    let mut turn = match text.trim().parse::<u16>() {
        Ok(turn) => turn % count,
        Err(_) => {
            let [high, low, ..] = random_bytes()?;
            u16::from_be_bytes([high, low]) % count
        }
    };
    let mut last = io::Error::other("not tried");
    for _ in 0..100 {
        let port = PORTS.start + turn;
        turn = (turn + 1) % count;
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(_) => {
                file.set_len(0)?;
                file.rewind()?;
                write!(file, "{turn}")?;
                return Ok(port);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn random_bytes() -> io::Result<[u8; 16]> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// 128 random bits in hexadecimal, for names and passwords.
pub fn random_hex() -> io::Result<String> {
    Ok(random_bytes()?
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// A new folder for a server's files, outside the repository: a server that may not run as
/// root must be able to reach it.
pub fn new_home(kind: Kind) -> io::Result<PathBuf> {
    let home = std::env::temp_dir().join(format!(
        "techcommerce-test-{}-{}",
        kind.name(),
        random_hex()?
    ));
    fs::create_dir(&home)?;
    Ok(home)
}

/// Runs to the end; a failure's message has what the program said.
pub fn run(command: &mut Command) -> io::Result<Output> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(output);
    }
    Err(io::Error::other(format!(
        "{command:?} ended with {}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    )))
}

/// When a watchdog stops its server.
pub enum Until {
    /// When the process with this id is gone.
    ProcessEnds(u32),
    /// When this file was not written for [`IDLE_MINUTES`], or is gone.
    Idle(PathBuf),
}

/// Starts the process that stops the server in `home` when it is not needed any more, even if
/// we are killed.
pub fn watch(kind: Kind, home: &Path, until: &Until) -> io::Result<()> {
    let wait = match until {
        Until::ProcessEnds(id) => format!("while kill -0 {id} 2>/dev/null; do sleep 2; done"),
        Until::Idle(stamp) => format!(
            "while [ -d '{home}' ] && [ -n \"$(find '{stamp}' -mmin -{IDLE_MINUTES} 2>/dev/null)\" ]; do sleep 20; done",
            home = home.display(),
            stamp = stamp.display(),
        ),
    };
    let script = format!("{wait}; {}", stop_script(kind, home));
    detached(Command::new("sh").arg("-c").arg(script)).map(drop)
}

/// Starts a process in its own group, with nothing of ours: neither a Ctrl-C nor a test
/// runner that waits for open pipes is concerned by it.
pub fn detached(command: &mut Command) -> io::Result<std::process::Child> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/")
        .process_group(0)
        .spawn()
}

/// Stops the server and removes its files.
pub fn stop(kind: Kind, home: &Path) -> io::Result<()> {
    run(Command::new("sh").arg("-c").arg(stop_script(kind, home))).map(drop)
}

/// Where a server writes its process's id.
const fn pid_file(kind: Kind) -> &'static str {
    match kind {
        Kind::Postgres => "data/postmaster.pid",
        Kind::Redis => "redis.pid",
        Kind::S3 => "s3.pid",
    }
}

/// Sends a signal to the server.
pub fn signal(kind: Kind, home: &Path, name: &str) -> io::Result<()> {
    let text = fs::read_to_string(home.join(pid_file(kind)))?;
    let id = text.lines().next().unwrap_or_default().trim();
    run(Command::new("kill").args([&format!("-{name}"), id])).map(drop)
}

/// Ends the server; its files stay.
pub fn halt(kind: Kind, home: &Path) -> io::Result<()> {
    let file = home.join(pid_file(kind));
    // PostgreSQL takes SIGINT for an orderly end that waits for nobody.
    let name = match kind {
        Kind::Postgres => "INT",
        Kind::Redis | Kind::S3 => "TERM",
    };
    signal(kind, home, name)?;
    // Each removes the file as the last thing it does.
    for _ in 0..500 {
        if !file.exists() {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    Err(io::Error::other(format!("{} does not end", kind.name())))
}

fn stop_script(kind: Kind, home: &Path) -> String {
    // They all end at once on SIGQUIT or SIGKILL; what they hold is thrown away anyway.
    let file = pid_file(kind);
    let signal = match kind {
        Kind::Postgres => "QUIT",
        Kind::Redis | Kind::S3 => "KILL",
    };
    let home = home.display();
    format!(
        "pid=$(head -n 1 '{home}/{file}' 2>/dev/null) && kill -{signal} \"$pid\" 2>/dev/null; \
         for i in 1 2 3 4 5; do kill -0 \"$pid\" 2>/dev/null || break; sleep 0.2; done; \
         rm -rf '{home}'"
    )
}

/// The message for a program that is not there.
pub fn missing(what: &str, debian: &str, fedora: &str, brew: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::NotFound,
        format!(
            "{what} is needed by the tests and was not found. Install it with one of:\n  \
             Debian, Ubuntu: sudo apt-get install -y {debian}\n  \
             Fedora, RHEL:   sudo dnf install -y {fedora}\n  \
             macOS:          brew install {brew}\n\
             or let `cargo xtask test` install it."
        ),
    )
}
