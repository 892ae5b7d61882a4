//! A throw-away Redis: loopback, a random password, nothing on disk.

use std::fs;
use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::host::{detached, find_program, free_port, missing, new_home, random_hex, stop};
use crate::{Kind, REDIS_DATABASES};

/// The server's program: Redis, or Valkey where a system has that instead.
pub fn program() -> io::Result<PathBuf> {
    find_program("redis-server")
        .or_else(|| find_program("valkey-server"))
        .ok_or_else(|| missing("Redis", "redis-server", "valkey", "redis"))
}

/// Starts a server; its address and its folder.
pub fn launch() -> io::Result<(String, PathBuf)> {
    let program = program()?;
    let home = new_home(Kind::Redis)?;
    start_in(&program, &home).inspect_err(|_| {
        let _ = stop(Kind::Redis, &home);
    })
}

fn start_in(program: &Path, home: &Path) -> io::Result<(String, PathBuf)> {
    let password = random_hex()?;
    let log = home.join("server.log");
    // The port was free a moment ago; another process may have been faster.
    for _ in 0..5 {
        let port = free_port()?;
        // As a file, so that the password shows in no list of processes.
        let settings = home.join("redis.conf");
        fs::write(
            &settings,
            format!(
                "bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave \"\"\nappendonly no\n\
                 databases {REDIS_DATABASES}\ndir \"{home}\"\npidfile \"{home}/redis.pid\"\n\
                 logfile \"{log}\"\ndaemonize yes\n",
                home = home.display(),
                log = log.display(),
            ),
        )?;
        run_daemon(program, &settings)?;
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() && home.join("redis.pid").is_file() {
                return Ok((
                    format!("redis://:{password}@127.0.0.1:{port}"),
                    home.to_path_buf(),
                ));
            }
            thread::sleep(Duration::from_millis(30));
        }
    }
    Err(io::Error::other(format!(
        "Redis did not start:\n{}",
        fs::read_to_string(&log).unwrap_or_default()
    )))
}

/// Starts the server in `home` again, at the same address.
pub fn resume(home: &Path) -> io::Result<()> {
    let settings = home.join("redis.conf");
    run_daemon(&program()?, &settings)?;
    for _ in 0..100 {
        if home.join("redis.pid").is_file() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(30));
    }
    Err(io::Error::other("Redis did not start again"))
}

fn run_daemon(program: &Path, settings: &Path) -> io::Result<()> {
    detached(Command::new(program).arg(settings))?
        .wait()
        .map(drop)
}
