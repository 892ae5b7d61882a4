//! `k8s/` without a cluster, by the package techcommerce-manifests: of its own, because the types of
//! Kubernetes take longer to compile than all the other chores.

use std::process::Command;

use anyhow::{Result, bail};

use crate::nextest;
use crate::pipeline::{Context, Report};
use crate::program::{cargo, run, show, target, techcommerce};
use crate::tools;

/// The step of `cargo xtask test`: first the package's own tests, which plant mistakes and see that
/// each is found, then what there is.
pub fn check(context: &Context) -> Result<Report> {
    let install = !context.options.no_install;
    tools::manifests(install)?;
    let program = target().join("debug/techcommerce-manifests");
    if install {
        run(Command::new(&program).arg("--install"))?;
    }
    let planted = nextest::run(context, "package(techcommerce-manifests)")?;
    let mut command = Command::new(&program);
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
        detail: format!(
            "{}: {counts}; planted mistakes: {}",
            said.lines().next().unwrap_or_default(),
            planted.detail
        ),
    })
}

/// The chore by itself: builds what it needs, then the same with what the user says.
pub fn chore(arguments: &[String]) -> Result<bool> {
    tools::manifests(true)?;
    let packages = [
        "--package",
        "techcommerce",
        "--package",
        "techcommerce-manifests",
    ];
    run(cargo().arg("build").args(packages))?;
    let program = target().join("debug/techcommerce-manifests");
    run(Command::new(&program).arg("--install"))?;
    let status = Command::new(&program)
        .arg("--program")
        .arg(std::path::absolute(techcommerce())?)
        .args(arguments)
        .status()?;
    Ok(status.success())
}
