//! Licences, sources and known flaws of what we build on, by cargo-deny and deny.toml.

use std::path::PathBuf;

use anyhow::Result;

use crate::program::{cargo, command, run};
use crate::tools::Tool;

/// Checks licences, bans and sources always; advisories where there is a copy of the database,
/// because a test must not depend on somebody's server.
pub fn check() -> Result<String> {
    // Offline it needs every package here, those of other systems too.
    run(cargo().args(["fetch", "--locked", "--quiet"]))?;
    let deny = Tool::DENY.find()?;
    // Repeated versions are warnings; `cargo deny check bans` lists them.
    let offline = ["--offline", "--all-features", "-L", "error", "check"];
    run(command(&deny)
        .args(offline)
        .args(["bans", "licenses", "sources"]))?;
    if advisory_databases().is_some_and(|folder| folder.is_dir()) {
        run(command(&deny)
            .args(offline)
            .args(["--disable-fetch", "advisories"]))?;
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
