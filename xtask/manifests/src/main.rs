//! `cargo xtask manifests`: checks `k8s/` (docs/manifest-checks.md).

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command-line tool for developers"
)]

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Parser;
use techcommerce_manifests::finding::Finding;
use techcommerce_manifests::outside::{admission, crds, flows, hardening, schemas, tool};
use techcommerce_manifests::program::Program;
use techcommerce_manifests::render::{self, Kustomize};
use techcommerce_manifests::rendered::Rendered;
use techcommerce_manifests::{checks, listed, program};

/// Checks k8s/ without a cluster, and against the program.
#[derive(Parser)]
struct Cli {
    /// Only these folders, as k8s/overlays/production; none: all overlays and combinations
    folders: Vec<String>,
    /// The program
    #[arg(long, default_value = "target/debug/techcommerce")]
    program: PathBuf,
    /// Only what needs neither tools of others nor running processes
    #[arg(long)]
    quick: bool,
    /// Starts none of the pods' programs
    #[arg(long)]
    no_run: bool,
    /// Installs the tools into target/tools, and ends
    #[arg(long)]
    install: bool,
    /// Writes xtask/manifests/components.txt anew: what each component changes
    #[arg(long)]
    write_components: bool,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What a part of the work found, and how long it took.
struct Part {
    name: &'static str,
    found: Vec<Finding>,
    seconds: f64,
}

fn timed(name: &'static str, work: impl FnOnce() -> Result<Vec<Finding>>) -> Part {
    let begin = Instant::now();
    let found = work().unwrap_or_else(|error| {
        vec![Finding::of(
            name,
            "",
            format!("could not be done: {error:#}"),
            "",
        )]
    });
    Part {
        name,
        found,
        seconds: begin.elapsed().as_secs_f64(),
    }
}

fn run(cli: &Cli) -> Result<bool> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .context("the root")?;
    std::env::set_current_dir(root)?;
    if cli.install {
        tool::install(root)?;
        println!("the tools are in target/tools");
        return Ok(true);
    }
    let kustomize = Kustomize::find(root)?;
    if cli.write_components {
        listed::write(root, &kustomize)?;
        return Ok(true);
    }
    let mut program = Program::ask(&cli.program, root)?;
    let scratch =
        std::env::temp_dir().join(format!("techcommerce-manifests-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let parts = all(cli, root, &kustomize, &mut program, &scratch);
    let _ = std::fs::remove_dir_all(&scratch);
    report(&parts?)
}

fn all(
    cli: &Cli,
    root: &Path,
    kustomize: &Kustomize,
    program: &mut Program,
    scratch: &Path,
) -> Result<Vec<Part>> {
    let folders = if cli.folders.is_empty() {
        render::all(root)?
    } else {
        cli.folders.clone()
    };
    let begin = Instant::now();
    let mut renderings = Vec::new();
    let mut unbuilt = Vec::new();
    let rendered = side_by_side(&folders, |folder| kustomize.render(root, folder));
    for (folder, rendered) in folders.iter().zip(rendered) {
        match rendered {
            Ok(rendered) => renderings.push(rendered),
            Err(error) => unbuilt.push(Finding::of(
                "render",
                folder,
                format!("{error:#}"),
                "kubectl kustomize says the same",
            )),
        }
    }
    let mut parts = vec![Part {
        name: "render",
        found: unbuilt,
        seconds: begin.elapsed().as_secs_f64(),
    }];
    println!(
        "{} renderings, {} objects",
        renderings.len(),
        renderings.iter().map(|r| r.objects.len()).sum::<usize>()
    );
    if cli.quick {
        parts.push(timed("checks", || Ok(of_all(&renderings, program))));
        return Ok(parts);
    }
    let everything = cli.folders.is_empty();
    let asked = std::thread::scope(|scope| {
        // Two chains of about the same length: the machine that runs this may have no more than two cores.
        let outside = scope.spawn(|| {
            vec![
                timed("schemas", || schemas::check(root, &renderings, scratch)),
                timed("crds", || crds::check(root, &renderings)),
                timed("admission", || admission::check(root, &renderings)),
                timed("flows", || {
                    let each = renderings
                        .iter()
                        .map(|rendered| flows::check(root, rendered, scratch));
                    Ok(each.collect::<Result<Vec<_>>>()?.concat())
                }),
            ]
        });
        let begin = Instant::now();
        let asked = if cli.no_run {
            Ok(Default::default())
        } else {
            program::run::run(program, &renderings, scratch)
        };
        let seconds = begin.elapsed().as_secs_f64();
        if everything {
            parts.push(timed("components", || listed::check(root, kustomize)));
        }
        parts.push(timed("hardening", || {
            hardening::check(root, &renderings, everything, scratch)
        }));
        parts.extend(outside.join().unwrap_or_default());
        asked.map(|asked| (asked, seconds))
    });
    match asked {
        Ok(((answers, found), seconds)) => {
            program.answers = answers;
            parts.push(Part {
                name: "running",
                found,
                seconds,
            });
        }
        Err(error) => parts.push(timed("running", || Err(error))),
    }
    parts.push(timed("checks", || Ok(of_all(&renderings, program))));
    Ok(parts)
}

/// What comes of each, in their order, on as many cores as there are.
fn side_by_side<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(all.len()));
    let run = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = all.get(number) else { break };
            let result = work(one);
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push((number, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, NonZero::get) {
            scope.spawn(run);
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Our own checks on each rendering; what several have in common is said once.
fn of_all(renderings: &[Rendered], program: &Program) -> Vec<Finding> {
    let mut found: Vec<(Finding, Vec<&str>)> = Vec::new();
    for rendered in renderings {
        for finding in checks::run(rendered, program) {
            match found.iter_mut().find(|(known, _)| *known == finding) {
                Some((_, folders)) => folders.push(&rendered.folder),
                None => found.push((finding, vec![&rendered.folder])),
            }
        }
    }
    found
        .into_iter()
        .map(|(mut finding, folders)| {
            let more = folders.len() - 1;
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            finding.place = format!("{}{more}: {}", folders[0], finding.place);
            finding
        })
        .collect()
}

fn report(parts: &[Part]) -> Result<bool> {
    let mut wrong = 0;
    for part in parts {
        for finding in &part.found {
            println!("{finding}");
            wrong += 1;
        }
    }
    for part in parts {
        println!(
            "{:<12} {:>6.1} s  {} found",
            part.name,
            part.seconds,
            part.found.len()
        );
    }
    println!(
        "{} checks, {wrong} found",
        checks::ALL.len() + parts.len() - 1
    );
    Ok(wrong == 0)
}
