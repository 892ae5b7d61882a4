//! `cargo xtask monitoring`: checks alerts, their tests, runbooks and routes (docs/alerts.md).

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command-line tool for developers"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Parser;
use techcommerce_monitoring::finding::Finding;
use techcommerce_monitoring::repository::Repository;
use techcommerce_monitoring::{
    alertmanager, compose, inhibition, lint, metrics, mutation, objectives, promtool, runbooks,
    runbooks_run, templates,
};

/// Checks alerts, their tests, runbooks and routes.
#[derive(Parser)]
struct Cli {
    /// Writes what is made of other files anew: compose/rules, compose/alertmanager.yml, how messages
    /// look, and which test notices which mutation
    #[arg(long)]
    write: bool,
    /// Without the mutations, which take longest
    #[arg(long)]
    quick: bool,
    /// Only these mutations: those whose rule has this in its name
    #[arg(long, value_name = "RULE")]
    mutate: Option<String>,
    /// Only this part, by the name that it is reported under
    #[arg(long, value_name = "PART")]
    only: Option<String>,
    /// The program
    #[arg(long, default_value = "target/debug/techcommerce")]
    program: PathBuf,
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

struct Report {
    only: Option<String>,
    checks: usize,
    wrong: usize,
}

impl Report {
    fn part(&mut self, name: &str, work: impl FnOnce() -> Result<(usize, Vec<Finding>)>) {
        if self.only.as_ref().is_some_and(|only| only != name) {
            return;
        }
        let begin = Instant::now();
        let (checks, found) = work().unwrap_or_else(|error| {
            let wrong = Finding::new(
                "monitoring",
                name,
                format!("could not be done: {error:#}"),
                "",
            );
            (1, vec![wrong])
        });
        for finding in &found {
            println!("{finding}");
        }
        println!(
            "{name:<16} {:>6.1} s  {checks} checked, {} found",
            begin.elapsed().as_secs_f64(),
            found.len()
        );
        self.checks += checks;
        self.wrong += found.len();
    }
}

fn run(cli: &Cli) -> Result<bool> {
    let program = std::path::absolute(&cli.program)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .context("the root")?;
    let mut repository = Repository::read(root)?;
    if cli.write {
        compose::write(&repository)?;
    }
    let scratch =
        std::env::temp_dir().join(format!("techcommerce-monitoring-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let mut report = Report {
        only: cli.only.clone(),
        checks: 0,
        wrong: 0,
    };
    if let Some(name) = &cli.mutate {
        let wanted =
            |rule: &techcommerce_monitoring::rules::Rule| rule.name().contains(name.as_str());
        for file in &mut repository.rules {
            let keep = file.rules().any(wanted);
            if !keep {
                file.groups.clear();
            }
        }
        report.part("mutations", || {
            let (count, found, _) = mutation::check(&repository, &scratch)?;
            Ok((count, found))
        });
    } else {
        all(cli, &repository, &program, &scratch, &mut report);
    }
    let _ = std::fs::remove_dir_all(&scratch);
    println!("{} checks, {} found", report.checks, report.wrong);
    Ok(report.wrong == 0)
}

fn all(cli: &Cli, repository: &Repository, program: &Path, scratch: &Path, report: &mut Report) {
    let alerts = repository.alerts().count();
    report.part("alerts", || Ok((alerts, lint::check(repository))));
    report.part("metrics", || Ok((alerts, metrics::check(repository))));
    report.part("objectives", || Ok((6, objectives::check(repository))));
    report.part("compose", || {
        Ok((repository.rules.len() + 1, compose::check(repository)?))
    });
    report.part("runbooks", || {
        Ok((repository.runbooks.len(), runbooks::check(repository)))
    });
    report.part("queries", || runbooks::queries(repository, scratch));
    report.part("promtool check", || {
        Ok((repository.rules.len(), promtool::lint(repository, scratch)?))
    });
    report.part("routes", || alertmanager::check(repository, scratch));
    report.part("templates", || {
        templates::check(repository, scratch, cli.write)
    });
    report.part("inhibition", || inhibition::check(repository, scratch));
    report.part("commands", || {
        runbooks_run::check(repository, program, scratch)
    });
    report.part("kubectl", || runbooks_run::kubectl(repository, scratch));
    report.part("promtool test", || promtool::tests(repository, scratch));
    if !cli.quick {
        report.part("mutations", || {
            let (count, found, noticed) = mutation::check(repository, scratch)?;
            if cli.write {
                mutation::write(repository, &noticed)?;
            }
            Ok((count, found))
        });
    }
}
