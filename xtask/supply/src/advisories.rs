//! Known flaws of the crates that we build on: cargo-audit, by a copy of RustSec's list. A test depends on
//! nobody's server: where there is no copy, it says so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::finding::Finding;
use crate::run::output;
use crate::tools;

/// Names a folder with the list, or an archive of one.
pub const VARIABLE: &str = "TECHCOMMERCE_ADVISORY_DB";

const ARCHIVE: &str = "rustsec-advisory-db.tar.xz";

/// A copy of the list, if this machine has one.
#[must_use]
pub fn database(root: &Path) -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        return Some(PathBuf::from(named));
    }
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    // Where cargo-audit keeps its own; else an archive among the data beside the repository.
    if let Some(own) = home.map(|home| home.join("advisory-db"))
        && own.join("crates").is_dir()
    {
        return Some(own);
    }
    let beside = fs::read_dir(root.join("..")).ok()?;
    beside
        .flatten()
        .map(|entry| entry.path().join("data").join(ARCHIVE))
        .find(|archive| archive.is_file())
}

/// How many crates were looked at and what is known of them; nothing where there is no list.
///
/// # Errors
/// cargo-audit cannot be had or does not run.
pub fn check(root: &Path) -> Result<Option<(usize, Vec<Finding>)>> {
    let Some(database) = database(root) else {
        return Ok(None);
    };
    let database = unpacked(root, &database)?;
    let lock = root.join("Cargo.lock");
    Ok(Some(audit(root, &database, &lock)?))
}

/// The folder with the list.
///
/// # Errors
/// The archive cannot be unpacked, or has none in it.
pub fn unpacked(root: &Path, database: &Path) -> Result<PathBuf> {
    if database.is_dir() {
        return Ok(database.to_path_buf());
    }
    let folder = root.join("target/tools/advisory-db");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    output(
        Command::new("tar")
            .arg("--extract")
            .arg("--file")
            .arg(database)
            .arg("--directory")
            .arg(&folder),
    )?;
    if folder.join("crates").is_dir() {
        return Ok(folder);
    }
    fs::read_dir(&folder)?
        .flatten()
        .map(|entry| entry.path())
        .find(|inner| inner.join("crates").is_dir())
        .with_context(|| format!("{} holds no list of flaws", database.display()))
}

/// What is known of the crates of a lock file.
///
/// # Errors
/// cargo-audit cannot be had or does not run.
pub fn audit(root: &Path, database: &Path, lock: &Path) -> Result<(usize, Vec<Finding>)> {
    let ended = Command::new(tools::audit(root)?)
        .arg("audit")
        .arg("--db")
        .arg(database)
        .args(["--no-fetch", "--stale", "--json", "--file"])
        .arg(lock)
        // Not where a file of exceptions could be: deny.toml has them, with reasons.
        .current_dir(std::env::temp_dir())
        .output()
        .context("cargo-audit")?;
    let said: Value = serde_json::from_slice(&ended.stdout).with_context(|| {
        format!(
            "cargo-audit ended with {}: {}",
            ended.status,
            String::from_utf8_lossy(&ended.stderr)
        )
    })?;
    let mut found = Vec::new();
    for one in said["vulnerabilities"]["list"]
        .as_array()
        .into_iter()
        .flatten()
    {
        found.push(finding(one, "a known flaw"));
    }
    // Unmaintained crates deep below are deny.toml's business; what is unsound is a flaw.
    for (kind, what) in [
        ("unsound", "unsound"),
        ("yanked", "withdrawn by who made it"),
    ] {
        for one in said["warnings"][kind].as_array().into_iter().flatten() {
            found.push(finding(one, what));
        }
    }
    let count = said["lockfile"]["dependency-count"]
        .as_u64()
        .context("a report without a count")?;
    Ok((usize::try_from(count)?, found))
}

fn finding(one: &Value, what: &str) -> Finding {
    let (package, advisory) = (&one["package"], &one["advisory"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Finding::new(
        format!("{} {}", text(&package["name"]), text(&package["version"])),
        format!(
            "{what}: {} {}",
            text(&advisory["id"]),
            text(&advisory["title"])
        ),
        "cargo update --package NAME, or another crate.",
    )
}
