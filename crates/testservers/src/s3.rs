//! A throw-away S3 server: loopback, random keys, signatures checked.

use std::fs;
use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::host::{detached, find_program, free_port, new_home, random_hex, stop};
use crate::{Kind, S3_BUCKET};

const PROGRAM: &str = "s3s-fs";

/// The server's program: built by `cargo xtask test`, or installed by hand.
pub fn program() -> io::Result<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/bin");
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    [Some(built), home.map(|home| home.join("bin"))]
        .into_iter()
        .flatten()
        .map(|folder| folder.join(PROGRAM))
        .find(|file| file.is_file())
        .or_else(|| find_program(PROGRAM))
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "an S3 server is needed by the tests and was not found. Install it with:\n  \
                 cargo install --locked s3s-fs --features binary\n\
                 or let `cargo xtask test` install it.",
            )
        })
}

/// Starts a server; its address and its folder.
pub fn launch() -> io::Result<(String, PathBuf)> {
    let program = program()?;
    let home = new_home(Kind::S3)?;
    start_in(&program, &home).inspect_err(|_| {
        let _ = stop(Kind::S3, &home);
    })
}

/// Starts another one, with keys of its own, for what the one in `other` holds.
pub fn launch_beside(other: &Path) -> io::Result<(String, PathBuf)> {
    let program = program()?;
    let home = new_home(Kind::S3)?;
    start_on(&program, &home, &other.join("data")).inspect_err(|_| {
        let _ = stop(Kind::S3, &home);
    })
}

fn start_in(program: &Path, home: &Path) -> io::Result<(String, PathBuf)> {
    let data = home.join("data");
    fs::create_dir_all(data.join(S3_BUCKET))?;
    start_on(program, home, &data)
}

fn start_on(program: &Path, home: &Path, data: &Path) -> io::Result<(String, PathBuf)> {
    let (access, secret) = (random_hex()?, random_hex()?);
    // The port was free a moment ago; another process may have been faster.
    for _ in 0..5 {
        let port = free_port()?;
        // By way of a shell, so that the server is no child of ours that someone must wait for.
        let script = format!(
            "'{program}' --host 127.0.0.1 --port {port} --access-key {access} \
             --secret-key {secret} '{data}' > '{home}/server.log' 2>&1 & \
             echo $! > '{home}/s3.pid'",
            program = program.display(),
            home = home.display(),
            data = data.display(),
        );
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).env("RUST_LOG", "warn");
        detached(&mut shell)?.wait()?;
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                let url = format!("http://{access}:{secret}@127.0.0.1:{port}");
                return Ok((url, home.to_path_buf()));
            }
            thread::sleep(Duration::from_millis(30));
        }
    }
    Err(io::Error::other(format!(
        "the S3 server did not start:\n{}",
        fs::read_to_string(home.join("server.log")).unwrap_or_default()
    )))
}
