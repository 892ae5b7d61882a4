//! Checks that are programs of their own: others start them too, and what their tests plant needs
//! their inside.

use std::path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::nextest;
use crate::pipeline::{Context, Report};
use crate::program::{cargo, run, show, target, techcommerce};

/// The program of this package, as it was built.
pub fn program(package: &str) -> Command {
    Command::new(target().join("debug").join(package))
}

/// A step of `cargo xtask test`: first the package's own tests, which plant mistakes and see that
/// each is found, then what there is.
pub fn check(context: &Context, package: &str) -> Result<Report> {
    check_by(context, package, against_the_shop(package)?)
}

/// The same for one that is called in another way.
pub fn check_by(context: &Context, package: &str, mut command: Command) -> Result<Report> {
    let planted = nextest::run(context, &format!("package({package})"))?;
    let output = command.stderr(Stdio::inherit()).output()?;
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

/// Builds what the chore by itself needs.
pub fn build(package: &str) -> Result<()> {
    run(cargo().args(["build", "--package", "techcommerce", "--package", package]))
}

/// The chore by itself, with what the user says; whether it found nothing.
pub fn chore(package: &str, arguments: &[String]) -> Result<bool> {
    let status = against_the_shop(package)?.args(arguments).status()?;
    Ok(status.success())
}

fn against_the_shop(package: &str) -> Result<Command> {
    let mut command = program(package);
    command
        .arg("--program")
        .arg(path::absolute(techcommerce())?);
    Ok(command)
}
