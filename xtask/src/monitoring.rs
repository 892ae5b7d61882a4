//! Alerts, by the package techcommerce-monitoring: of its own, because others start it too, and what it
//! plants needs its inside.

use std::process::Command;

use anyhow::{Result, bail};

use crate::nextest;
use crate::pipeline::{Context, Report};
use crate::program::{cargo, run, show, target, techcommerce};

/// The step of `cargo xtask test`: first the package's own tests, which plant mistakes and see that
/// each is found, then what there is. promtool, amtool and Alertmanager come by themselves.
pub fn check(context: &Context) -> Result<Report> {
    let planted = nextest::run(context, "package(techcommerce-monitoring)")?;
    let mut command = Command::new(target().join("debug/techcommerce-monitoring"));
    command
        .arg("--program")
        .arg(std::path::absolute(techcommerce())?);
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    let counts = said.lines().last().unwrap_or_default();
    if !output.status.success() {
        bail!("{} ended with {}: {counts}", show(&command), output.status);
    }
    let passed = counts.split(' ').next().and_then(|word| word.parse().ok());
    Ok(Report {
        passed: planted.passed + passed.unwrap_or(1),
        failed: planted.failed,
        detail: format!("{counts}; planted mistakes: {}", planted.detail),
    })
}

/// The chore by itself: builds what it needs, then the same with what the user says.
pub fn chore(arguments: &[String]) -> Result<bool> {
    let packages = [
        "--package",
        "techcommerce",
        "--package",
        "techcommerce-monitoring",
    ];
    run(cargo().arg("build").args(packages))?;
    let status = Command::new(target().join("debug/techcommerce-monitoring"))
        .arg("--program")
        .arg(std::path::absolute(techcommerce())?)
        .args(arguments)
        .status()?;
    Ok(status.success())
}
