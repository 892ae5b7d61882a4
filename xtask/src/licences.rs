//! Licences, sources and known flaws of what we build on, by cargo-deny and deny.toml.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::program::run;
use crate::tools::Tool;

/// Checks licences, bans and sources always; advisories where there is a copy of the database,
/// because a test must not depend on somebody's server.
pub fn check() -> Result<String> {
    let deny = Tool::DENY.find()?;
    let checks = ["bans", "licenses", "sources"];
    let mut command = Command::new(&deny);
    // Repeated versions are warnings; `cargo deny check bans` lists them.
    command.args(["--offline", "--all-features", "-L", "error", "check"]);
    run(command.args(checks))?;
    if advisory_databases().is_some_and(|folder| folder.is_dir()) {
        let mut command = Command::new(&deny);
        run(command.args([
            "--offline",
            "-L",
            "error",
            "check",
            "--disable-fetch",
            "advisories",
        ]))?;
        return Ok("licences, bans, sources, advisories".to_owned());
    }
    Ok(
        "licences, bans, sources (advisories: no local database, `cargo deny fetch` gets it)"
            .to_owned(),
    )
}

fn advisory_databases() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))?;
    Some(home.join("advisory-dbs"))
}
