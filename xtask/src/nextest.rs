//! Tests by cargo-nextest, with the numbers from its JUnit report.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::pipeline::{Context, Report};
use crate::program::{self, cargo, show};
use crate::tools::{self, Tool};

/// Runs the tests that the filter selects (nextest's language of filters).
pub fn run(context: &Context, filter: &str) -> Result<Report> {
    run_with(
        context,
        context.options.nightly,
        &[],
        &["--filterset", filter],
    )
}

/// The same for tests of the whole program: they wait for its processes about half of their time, so
/// that there are more of them at once than there are cores (.config/nextest.toml says which).
pub fn run_whole(context: &Context, filter: &str) -> Result<Report> {
    let arguments = ["--test-threads", "4", "--filterset", filter];
    run_with(context, context.options.nightly, &[], &arguments)
}

/// As [`run_whole`], with variables in place of our own, and in the usual sizes at night too.
pub fn run_in(context: &Context, environment: &[(&str, &OsStr)], filter: &str) -> Result<Report> {
    let arguments = ["--test-threads", "4", "--filterset", filter];
    run_with(context, false, environment, &arguments)
}

/// Runs tests that are not part of a usual run.
pub fn run_ignored(context: &Context, filter: &str) -> Result<Report> {
    let ignored = ["--run-ignored", "only", "--filterset", filter];
    run_with(context, context.options.nightly, &[], &ignored)
}

/// One test of the whole program that is not part of a usual run, built and its tools there; what it
/// says is seen as it comes.
pub fn seen(profile: &str, name: &str) -> Result<Command> {
    let mut test = nextest()?;
    test.args(["nextest", "run", "--package", "techcommerce-tests"])
        .args(["--profile", profile])
        .args(["--run-ignored", "only", "--no-capture", "--filterset"])
        .arg(format!("package(techcommerce-tests) and test(={name})"));
    Ok(test)
}

/// nextest, with the program that the tests start.
fn nextest() -> Result<Command> {
    let mut command = program::command(Tool::NEXTEST.find()?);
    command.env("CARGO", cargo().get_program()).env(
        "TECHCOMMERCE_TEST_BINARY",
        absolute(program::techcommerce())?,
    );
    Ok(command)
}

fn run_with(
    context: &Context,
    nightly: bool,
    environment: &[(&str, &OsStr)],
    arguments: &[&str],
) -> Result<Report> {
    let profile = if nightly { "nightly" } else { "default" };
    let report = report_file(profile);
    let _ = fs::remove_file(&report);

    let mut command = nextest()?;
    command
        .args(["nextest", "run", "--workspace", "--profile", profile])
        .args(arguments);
    if nightly {
        command.env("TECHCOMMERCE_TEST_NIGHTLY", "1");
    }
    if let Some(browser) = tools::chromium() {
        command.env("TECHCOMMERCE_TEST_CHROMIUM", browser);
    }
    if let Some(driver) = tools::chromedriver() {
        command.env("TECHCOMMERCE_TEST_CHROMEDRIVER", driver);
    }
    if let Some(axe) = tools::axe() {
        command.env("TECHCOMMERCE_TEST_AXE", axe);
    }
    if let Some(libraries) = tools::webhooks() {
        command.env("TECHCOMMERCE_TEST_WEBHOOKS", libraries);
    }
    context.with_servers(&mut command)?;
    let status = command.envs(environment.iter().copied()).status()?;
    let Ok(xml) = fs::read_to_string(&report) else {
        bail!("`{}` ended with {status} and no report", show(&command));
    };
    let counts = Counts::read(&xml).context("a report that is not JUnit's")?;
    if counts.failed == 0 && !status.success() {
        bail!("`{}` ended with {status}", show(&command));
    }
    Ok(Report {
        passed: counts.passed,
        failed: counts.failed,
        detail: if counts.failed == 0 {
            format!("{} tests", counts.passed)
        } else {
            format!(
                "{} of {} tests failed",
                counts.failed,
                counts.passed + counts.failed
            )
        },
    })
}

fn report_file(profile: &str) -> PathBuf {
    // nextest keeps its reports here wherever cargo builds.
    Path::new("target/nextest").join(profile).join("junit.xml")
}

fn absolute(path: PathBuf) -> Result<PathBuf> {
    Ok(std::path::absolute(path)?)
}

struct Counts {
    passed: usize,
    failed: usize,
}

impl Counts {
    /// From the root element: `<testsuites name=… tests="6" failures="1" errors="0" …>`.
    fn read(xml: &str) -> Option<Self> {
        let root = xml.split_once("<testsuites ")?.1.split_once('>')?.0;
        let number = |name: &str| -> Option<usize> {
            let rest = root.split_once(&format!(" {name}=\""))?.1;
            rest.split_once('"')?.0.parse().ok()
        };
        let failed = number("failures")? + number("errors")?;
        Some(Self {
            passed: number("tests")?.checked_sub(failed)?,
            failed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_from_the_root_element() {
        let xml = r#"<?xml version="1.0"?><testsuites name="nextest-run" tests="7" failures="1" errors="1" uuid="x"><testsuite tests="9"/>"#;
        let counts = Counts::read(xml).unwrap();
        assert_eq!((counts.passed, counts.failed), (5, 2));
        assert!(Counts::read("<html>").is_none());
    }
}
