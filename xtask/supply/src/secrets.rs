//! No secret is in the files or in their history: gitleaks with `.gitleaks.toml`, which first has to find
//! what is planted.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::finding::Finding;
use crate::run::{git, output};
use crate::tools;

/// What is passed over, and why.
pub const CONFIG: &str = ".gitleaks.toml";

/// What gitleaks would read beside it: a list of marks, without reasons.
const IGNORED: &str = ".gitleaksignore";

/// What gitleaks ends with when it found something; anything else is a failure of its own.
const FOUND: i32 = 7;

/// Both: what is there now, committed or not, and all that ever was.
///
/// # Errors
/// gitleaks cannot be had or does not run.
pub fn check(root: &Path) -> Result<(usize, Vec<Finding>)> {
    let work = root.join("target/tools/secrets");
    let _ = fs::remove_dir_all(&work);
    let tree = work.join("tree");
    // What git ignores is never published, and most of what lies here.
    let files = output(git(root).args(["ls-files", "--cached", "--others", "--exclude-standard"]))?;
    let mut count = 0;
    for path in files.lines() {
        let (from, to) = (root.join(path), tree.join(path));
        if from.is_file() {
            fs::create_dir_all(to.parent().context("a folder")?)?;
            fs::copy(from, to)?;
            count += 1;
        }
    }
    let mut found = scan(root, &tree, false)?;
    if root.join(IGNORED).exists() {
        found.push(Finding::new(
            IGNORED,
            "it passes secrets over without saying why",
            "Say it in .gitleaks.toml.",
        ));
    }
    let commits = output(git(root).args(["rev-list", "--count", "--all"]))?;
    found.extend(scan(root, root, true)?);
    fs::remove_dir_all(&work)?;
    Ok((count + commits.trim().parse::<usize>()?, found))
}

/// Every mistake in a folder, or in the history of a repository.
///
/// # Errors
/// gitleaks cannot be had or does not run.
pub fn scan(root: &Path, folder: &Path, history: bool) -> Result<Vec<Finding>> {
    let report = root.join(format!(
        "target/tools/gitleaks-{}-{history}.json",
        std::process::id()
    ));
    let mut command = Command::new(tools::find(root, "gitleaks")?);
    command
        .arg("detect")
        .arg("--source")
        .arg(folder)
        .arg("--config")
        .arg(root.join(CONFIG))
        .args(["--no-banner", "--redact", "--log-level", "error"])
        .args(["--exit-code", &FOUND.to_string()])
        .args(["--report-format", "json", "--report-path"])
        .arg(&report);
    if history {
        command.arg("--log-opts=--all");
    } else {
        command.arg("--no-git");
    }
    let ended = command.output().context("gitleaks")?;
    if !matches!(ended.status.code(), Some(0 | FOUND)) {
        bail!(
            "gitleaks ended with {}: {}",
            ended.status,
            String::from_utf8_lossy(&ended.stderr)
        );
    }
    let said: Value = serde_json::from_str(&fs::read_to_string(&report)?)?;
    let _ = fs::remove_file(report);
    let findings: Vec<Finding> = said
        .as_array()
        .into_iter()
        .flatten()
        .map(|leak| finding(leak, folder))
        .collect();
    if findings.is_empty() == (ended.status.code() == Some(FOUND)) {
        bail!(
            "gitleaks ended with {} and a report of {}",
            ended.status,
            findings.len()
        );
    }
    Ok(findings)
}

fn finding(leak: &Value, folder: &Path) -> Finding {
    let text = |field: &str| leak[field].as_str().unwrap_or_default();
    let file = text("File");
    let file = file
        .strip_prefix(&folder.display().to_string())
        .unwrap_or(file);
    let mut place = format!("{}:{}", file.trim_start_matches('/'), leak["StartLine"]);
    if let Some(commit) = text("Commit").get(..7) {
        place += &format!(" in {commit}");
    }
    Finding::new(
        place,
        format!("{}: {}", text("RuleID"), text("Description")),
        "If it is a secret: make it worthless first, then remove it. If not: name it in .gitleaks.toml, with the reason.",
    )
}
