//! Throws bytes at what reads from outside, by the targets of `fuzz/` (docs/supply-chain.md).

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use techcommerce_testservers::find_program;

use crate::program::{output, run};
use crate::tools::Tool;

/// For how long, and what.
#[derive(clap::Args)]
pub struct Options {
    /// How long each target runs
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Only this target; may be given several times
    #[arg(long, value_name = "TARGET")]
    target: Vec<String>,
}

/// More than any of them may need for what it is given.
const MEMORY: &str = "-rss_limit_mb=2048";
/// Of one input, in seconds.
const SLOW: &str = "-timeout=20";

/// Runs each target; whether none of them found anything.
pub fn chore(options: &Options) -> Result<bool> {
    nightly()?;
    let fuzz = Tool::FUZZ.get()?;
    let targets = targets()?;
    if let Some(unknown) = options.target.iter().find(|it| !targets.contains(it)) {
        bail!(
            "there is no target {unknown}; there are: {}",
            targets.join(", ")
        );
    }
    let chosen = |name: &&String| options.target.is_empty() || options.target.contains(name);
    for target in targets.iter().filter(chosen) {
        println!("\n── {target} ──");
        let found = format!("fuzz/corpus/{target}");
        fs::create_dir_all(&found)?;
        let mut command = Command::new("rustup");
        command
            .args(["run", "nightly"])
            .arg(&fuzz)
            .args([
                "fuzz",
                "run",
                target,
                &found,
                &format!("fuzz/seeds/{target}"),
                "--",
            ])
            .arg(format!("-max_total_time={}", options.seconds))
            .args([MEMORY, SLOW, "-print_final_stats=1"]);
        if let Err(error) = run(&mut command) {
            eprintln!("{error:#}");
            eprintln!("what broke it lies in fuzz/artifacts/{target}");
            return Ok(false);
        }
    }
    Ok(true)
}

/// Each is a file.
fn targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir("fuzz/targets")? {
        let path = entry?.path();
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .context("a name")?;
        if !Path::new("fuzz/seeds").join(name).is_dir() {
            bail!("{name} has nothing to begin with: put an example into fuzz/seeds/{name}");
        }
        names.push(name.to_owned());
    }
    names.sort();
    Ok(names)
}

fn nightly() -> Result<()> {
    let there =
        || output(Command::new("rustup").args(["run", "nightly", "rustc", "--version"])).is_ok();
    if !there() && find_program("rustup").is_some() {
        let _ = run(Command::new("rustup").args([
            "toolchain",
            "install",
            "nightly",
            "--profile",
            "minimal",
        ]));
    }
    if !there() {
        bail!(
            "fuzzing needs a nightly Rust; install it with: rustup toolchain install nightly --profile minimal"
        );
    }
    Ok(())
}
