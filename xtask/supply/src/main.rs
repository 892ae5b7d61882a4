//! `cargo xtask supply`: what comes into the product and what goes out of it (docs/supply-chain.md).

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command-line tool for developers"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Parser, Subcommand};
use techcommerce_supply::finding::Finding;
use techcommerce_supply::sbom::Subject;
use techcommerce_supply::{
    advisories, elf, parts, sbom, secrets, signer, sources, threats, tools, trivyignore, updates,
};

/// Checks what comes into the product and what goes out of it; without a command, everything.
#[derive(Parser)]
#[command(name = "cargo xtask supply --", bin_name = "cargo xtask supply --")]
struct Cli {
    /// Only this part, by the name that it is reported under
    #[arg(long, value_name = "PART")]
    only: Option<String>,
    #[command(subcommand)]
    command: Option<Work>,
}

#[derive(Subcommand)]
enum Work {
    /// Writes the list of parts of a program or an image, after it was held against Cargo.lock.
    Sbom(SbomOptions),
    /// Installs what the checks and their tests are made with.
    Install,
}

#[derive(Args)]
struct SbomOptions {
    /// The program, built by `cargo auditable`
    #[arg(long)]
    program: PathBuf,
    /// Of the image that has this program in it: REPOSITORY@sha256:DIGEST
    #[arg(long)]
    image: Option<String>,
    /// What the program has to be for: amd64 or arm64
    #[arg(long)]
    arch: Option<String>,
    /// Where it goes; without it, it is only checked
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<bool> {
    let root = &Path::new(".").canonicalize()?;
    match &cli.command {
        None => check(root, cli.only.as_deref()),
        Some(Work::Sbom(options)) => write(root, options),
        Some(Work::Install) => {
            tools::install(root, advisories::database(root).is_some()).map(|()| true)
        }
    }
}

struct Report<'a> {
    only: Option<&'a str>,
    checks: usize,
    wrong: usize,
}

impl Report<'_> {
    fn part(&mut self, name: &str, work: impl FnOnce() -> Result<(usize, Vec<Finding>)>) {
        if self.only.is_some_and(|only| only != name) {
            return;
        }
        let begin = Instant::now();
        let (checks, found) = work().unwrap_or_else(|error| {
            let wrong = Finding::new(name, format!("could not be done: {error:#}"), "");
            (1, vec![wrong])
        });
        for finding in &found {
            println!("{finding}");
        }
        let seconds = begin.elapsed().as_secs_f64();
        println!(
            "{name:<12} {seconds:>6.1} s  {checks} checked, {} found",
            found.len()
        );
        self.checks += checks;
        self.wrong += found.len();
    }
}

fn check(root: &Path, only: Option<&str>) -> Result<bool> {
    let mut report = Report {
        only,
        checks: 0,
        wrong: 0,
    };
    report.part("signer", || signer::check(&signer::Texts::read(root)?));
    report.part("updates", || {
        let (count, mut found) = updates::check(
            &fs::read_to_string(root.join(updates::FILE))?,
            &updates::files(root)?,
        )?;
        found.extend(updates::schema(root, &root.join(updates::FILE))?);
        Ok((count + 1, found))
    });
    report.part("trivyignore", || {
        let text = fs::read_to_string(root.join(trivyignore::FILE)).context(trivyignore::FILE)?;
        Ok(trivyignore::check(&text, today()?))
    });
    report.part("threats", || {
        let text = fs::read_to_string(root.join(threats::FILE)).context(threats::FILE)?;
        threats::check(&text, &updates::files(root)?)
    });
    report.part("secrets", || secrets::check(root));
    let mut without = "";
    report.part("advisories", || {
        Ok(advisories::check(root)?.unwrap_or_else(|| {
            println!(
                "there is no copy of RustSec's list here; {} names one",
                advisories::VARIABLE
            );
            without = "; advisories: no copy of the list here";
            (0, Vec::new())
        }))
    });
    if let Some(only) = only.filter(|_| report.checks == 0 && without.is_empty()) {
        bail!("there is no part {only}");
    }
    println!("{} checked, {} found{without}", report.checks, report.wrong);
    Ok(report.wrong == 0)
}

/// In days since 1970.
fn today() -> Result<i64> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    Ok(i64::try_from(seconds / 86_400)?)
}

fn write(root: &Path, options: &SbomOptions) -> Result<bool> {
    let file = &options.program;
    let program = fs::read(file).with_context(|| file.display().to_string())?;
    let name = || file.display().to_string();
    let architecture = elf::architecture(&program).with_context(name)?;
    if options
        .arch
        .as_ref()
        .is_some_and(|wanted| wanted != architecture)
    {
        bail!("{} is for {architecture}", file.display());
    }
    let listed = parts::of_program(&program).with_context(name)?;
    let cargo = parts::Cargo::ask(root, &parts::target(architecture))?;
    let mut found = parts::compare(&listed, &cargo);
    found.extend(sources::unknown(&listed));
    for finding in &found {
        println!("{finding}");
    }
    let subject = match &options.image {
        None => Subject::Program {
            architecture: architecture.to_owned(),
        },
        Some(image) => {
            let (repository, digest) = image
                .split_once('@')
                .filter(|(_, digest)| digest.starts_with("sha256:") && digest.len() == 71)
                .with_context(|| {
                    format!("{image} is no image by its digest: REPOSITORY@sha256:DIGEST")
                })?;
            Subject::Image {
                repository: repository.to_owned(),
                digest: digest.to_owned(),
            }
        }
    };
    let list = sbom::write(&program, &listed, &cargo, &sources::read(root)?, &subject)?;
    let text = format!("{list:#}\n");
    valid(root, &text)?;
    let count = list["components"].as_array().map_or(0, Vec::len);
    if let Some(out) = options.out.as_ref().filter(|_| found.is_empty()) {
        if let Some(folder) = out.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(out, text)?;
    }
    println!("{count} parts, {} found", found.len());
    Ok(found.is_empty())
}

/// As the schema of CycloneDX wants it.
fn valid(root: &Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    use std::process::Stdio;
    const SCRIPT: &str = "import sys\n\
        from cyclonedx.schema import SchemaVersion\n\
        from cyclonedx.validation.json import JsonStrictValidator\n\
        wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())\n\
        sys.exit(str(wrong)[:2000] if wrong else 0)\n";
    let mut python = Command::new(tools::cyclonedx(root)?)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    python
        .stdin
        .take()
        .context("no input")?
        .write_all(text.as_bytes())?;
    let ended = python.wait_with_output()?;
    if !ended.status.success() {
        bail!(
            "the list is not as CycloneDX 1.6 wants it: {}",
            String::from_utf8_lossy(&ended.stderr)
        );
    }
    Ok(())
}
