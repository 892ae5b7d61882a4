//! Running other programs.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// Runs to the end and gives what it wrote; an error when it fails.
///
/// # Errors
/// It cannot be started or fails; with what it said.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?} ended with {}: {}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    String::from_utf8(output.stdout).context("output that is not UTF-8")
}

/// The cargo that runs us.
#[must_use]
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// git in the repository.
#[must_use]
pub fn git(root: &std::path::Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(root);
    command
}
