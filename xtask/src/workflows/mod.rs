//! The step `workflows`: what GitHub runs for us (`.github`), and the scripts behind it, checked without
//! GitHub: by the linters of others, and by what we know of our own commands.

mod commands;
mod ours;
mod planted;
mod read;
mod tools;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::pipeline::{Context, Report};
use crate::program::{cargo, output, run};
use read::Workflow;

const FOLDER: &str = ".github/workflows";

/// Something that is wrong, and where.
pub struct Finding {
    place: String,
    wrong: String,
}

impl Finding {
    fn new(place: impl Into<String>, wrong: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            wrong: wrong.into(),
        }
    }
}

/// The step of `cargo xtask test`.
pub fn check(context: &Context) -> Result<Report> {
    look(!context.options.no_install)
}

/// The chore by itself: builds the programs whose flags are asked for.
pub fn chore() -> Result<bool> {
    let packages = [
        "--package",
        "techcommerce",
        "--package",
        "techcommerce-supply",
    ];
    run(cargo().arg("build").args(packages))?;
    println!("{}", look(true)?.detail);
    Ok(true)
}

/// Planted mistakes first: a linter that finds nothing in what is wrong says nothing of what is right.
fn look(install: bool) -> Result<Report> {
    tools::prepare(install)?;
    let workflows = workflows()?;
    let scripts = scripts()?;
    // All scripts, by a program that uses one core, beside the others.
    let (planted, mut found) = std::thread::scope(|scope| {
        let of_scripts = scope.spawn(|| tools::shellcheck(&scripts));
        let planted = planted::all()?;
        let mut found = tools::lint(Path::new(FOLDER))?;
        let of_scripts = of_scripts.join();
        found.extend(of_scripts.unwrap_or_else(|_| bail!("shellcheck's thread ended"))?);
        anyhow::Ok((planted, found))
    })?;
    let mut asked = commands::Asked::default();
    let known = ours::Known::of_repository()?;
    for workflow in &workflows {
        found.extend(ours::check(workflow, &known));
        found.extend(commands::check(workflow, &mut asked)?);
    }
    found.extend(ours::rules(&workflows)?);
    found.extend(ours::owners(&fs::read_to_string(".github/CODEOWNERS")?));
    for finding in &found {
        println!("  {}: {}", finding.place, finding.wrong);
    }
    if let Some(first) = found.first() {
        bail!(
            "{} found, as: {}: {}",
            found.len(),
            first.place,
            first.wrong
        );
    }
    Ok(Report {
        passed: workflows.len() + scripts.len() + asked.count() + planted,
        failed: 0,
        detail: format!(
            "{} workflows, {} scripts, {} commands called with flags that they know; {planted} planted mistakes",
            workflows.len(),
            scripts.len(),
            asked.count()
        ),
    })
}

fn workflows() -> Result<Vec<Workflow>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(FOLDER).context(FOLDER)? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        all.push(Workflow::read(&path.display().to_string(), &text)?);
    }
    all.sort_by(|one, other| one.place.cmp(&other.place));
    Ok(all)
}

/// Every script of the repository, those that nobody has committed yet as well.
fn scripts() -> Result<Vec<String>> {
    let listed = output(std::process::Command::new("git").args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "*.sh",
    ]))?;
    let there = |name: &&str| Path::new(name).is_file();
    Ok(listed.lines().filter(there).map(str::to_owned).collect())
}
