//! A throw-away PostgreSQL cluster: no durability, loopback, a random password.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Kind;
use crate::host::{find_program, free_port, is_root, missing, new_home, random_hex, run};

/// Nothing here has to survive a crash, and many tests connect at once.
const SETTINGS: &[&str] = &[
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=4GB",
    "checkpoint_timeout=1h",
    "autovacuum=off",
    "max_connections=600",
    "shared_buffers=256MB",
    "listen_addresses=127.0.0.1",
    "log_min_messages=warning",
];

/// Names another folder than the one that [`bin`] would find.
pub const BIN: &str = "TECHCOMMERCE_TEST_POSTGRES_BIN";

/// The folder with `initdb`, `pg_ctl` and `postgres`: the one that [`BIN`] names, else of the newest
/// version installed.
pub fn bin() -> io::Result<PathBuf> {
    if let Some(named) = std::env::var_os(BIN) {
        return Ok(named.into());
    }
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for (parent, prefix) in [
        ("/usr/lib/postgresql", ""),
        ("/usr", "pgsql-"),
        ("/opt/homebrew/opt", "postgresql@"),
        ("/usr/local/opt", "postgresql@"),
    ] {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let version = name
                .to_str()
                .and_then(|name| name.strip_prefix(prefix))
                .and_then(|version| version.parse().ok());
            let bin = entry.path().join("bin");
            if let Some(version) = version
                && bin.join("initdb").is_file()
            {
                found.push((version, bin));
            }
        }
    }
    found.sort();
    found
        .pop()
        .map(|(_, bin)| bin)
        .or_else(|| find_program("initdb")?.parent().map(Path::to_path_buf))
        .ok_or_else(|| {
            missing(
                "PostgreSQL (15 or later)",
                "postgresql",
                "postgresql-server",
                "postgresql@17",
            )
        })
}

/// Makes and starts a cluster with settings (`name=value`) on top of ours; its address and its
/// folder.
pub fn launch(settings: &[&str]) -> io::Result<(String, PathBuf)> {
    launch_by(&bin()?, settings)
}

/// As [`launch`], with the programs in `bin`.
pub fn launch_by(bin: &Path, settings: &[&str]) -> io::Result<(String, PathBuf)> {
    let home = new_home(Kind::Postgres)?;
    start_in(bin, &home, settings).inspect_err(|_| {
        let _ = crate::host::stop(Kind::Postgres, &home);
    })
}

fn start_in(bin: &Path, home: &Path, settings: &[&str]) -> io::Result<(String, PathBuf)> {
    let password = random_hex()?;
    let password_file = home.join("password");
    fs::write(&password_file, &password)?;
    let root = is_root();
    if root {
        // PostgreSQL refuses to run as root; its package made a user for it.
        run(Command::new("chown").arg("-R").arg("postgres").arg(home))?;
    }
    run(Command::new("chmod").arg("-R").arg("go=").arg(home))?;

    let data = home.join("data");
    run(as_postgres(root, &bin.join("initdb"))
        .arg("--pgdata")
        .arg(&data)
        .args(["--username=postgres", "--auth=password", "--no-sync"])
        .args(["--encoding=UTF8", "--locale=C"])
        .arg(format!("--pwfile={}", password_file.display()))
        .current_dir(home))?;

    let mut last = io::Error::other("not tried");
    // The port was free a moment ago; another process may have been faster.
    for _ in 0..5 {
        let port = free_port()?;
        let mut options = format!("-p {port} -k '{}'", home.display());
        for setting in SETTINGS.iter().chain(settings) {
            options.push_str(" -c ");
            options.push_str(setting);
        }
        let log = home.join("server.log");
        let status = as_postgres(root, &bin.join("pg_ctl"))
            .args(["start", "-w", "-t", "60", "-D"])
            .arg(&data)
            .arg("-l")
            .arg(&log)
            .args(["-o", &options])
            .current_dir(home)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if status.success() {
            let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
            return Ok((url, home.to_path_buf()));
        }
        last = io::Error::other(format!(
            "PostgreSQL did not start:\n{}",
            fs::read_to_string(&log).unwrap_or_default()
        ));
    }
    Err(last)
}

/// Starts the cluster in `home` again, with the options of its last start.
pub fn resume(home: &Path) -> io::Result<()> {
    let status = as_postgres(is_root(), &bin()?.join("pg_ctl"))
        .args(["restart", "-w", "-t", "60", "-D"])
        .arg(home.join("data"))
        .arg("-l")
        .arg(home.join("server.log"))
        .current_dir(home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    match status.success() {
        true => Ok(()),
        false => Err(io::Error::other("PostgreSQL did not start again")),
    }
}

fn as_postgres(root: bool, program: &Path) -> Command {
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}
