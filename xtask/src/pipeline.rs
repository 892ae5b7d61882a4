//! Steps in order, each timed, with one summary at the end whatever happens.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use techcommerce_testservers::{Kind, Server};

/// What to run and how.
#[derive(clap::Args, Clone, Default)]
pub struct Options {
    /// The full sizes of races and kills, for the nightly run.
    #[arg(long)]
    pub nightly: bool,
    /// Only this step and what it needs; may be given several times.
    #[arg(long, value_name = "STEP")]
    pub only: Vec<String>,
    /// Install nothing; say what is missing and fail.
    #[arg(long)]
    pub no_install: bool,
}

/// One step of a pipeline.
pub struct Step {
    /// The name for `--only`.
    pub name: &'static str,
    /// Names of the steps without which it makes no sense.
    pub needs: &'static [&'static str],
    /// Does it. An error is one failure.
    pub run: fn(&Context) -> Result<Report>,
}

/// What a step has to say.
pub struct Report {
    /// Checks or tests that passed.
    pub passed: usize,
    /// Those that failed.
    pub failed: usize,
    /// One line for the summary.
    pub detail: String,
}

impl Report {
    /// One check that passed.
    pub fn ok(detail: impl Into<String>) -> Self {
        Self {
            passed: 1,
            failed: 0,
            detail: detail.into(),
        }
    }
}

/// What steps share.
pub struct Context {
    /// As the user asked.
    pub options: Options,
    servers: OnceCell<Vec<(Kind, Server)>>,
}

impl Context {
    /// A command with the addresses of PostgreSQL, Redis and an S3 server, which are started at the first
    /// call and stop with us.
    pub fn with_servers<'a>(&self, command: &'a mut Command) -> Result<&'a mut Command> {
        if self.servers.get().is_none() {
            let mut servers = Vec::new();
            for kind in [Kind::Postgres, Kind::Redis, Kind::S3] {
                // One that the environment names is used as it is.
                if std::env::var_os(kind.variable()).is_none() {
                    servers.push((kind, techcommerce_testservers::start(kind)?));
                }
            }
            let _ = self.servers.set(servers);
        }
        for (kind, server) in self.servers.get().into_iter().flatten() {
            command.env(kind.variable(), server.url());
        }
        Ok(command)
    }
}

/// Steps with the user's choice.
pub struct Pipeline {
    context: Context,
    steps: &'static [Step],
}

enum Outcome {
    Done(Report),
    Failed(String),
    Skipped(String),
}

impl Pipeline {
    /// The given steps, or the part of them that `--only` names.
    pub fn new(options: Options, steps: &'static [Step]) -> Self {
        Self {
            context: Context {
                options,
                servers: OnceCell::new(),
            },
            steps,
        }
    }

    /// Runs the steps and prints the summary; whether all passed.
    pub fn run(self) -> Result<bool> {
        let chosen = self.chosen()?;
        let begin = Instant::now();
        let mut outcomes: BTreeMap<&str, bool> = BTreeMap::new();
        let mut rows = Vec::new();
        for step in self.steps.iter().filter(|step| chosen.contains(&step.name)) {
            let missing = step
                .needs
                .iter()
                .find(|need| outcomes.get(*need) == Some(&false));
            let start = Instant::now();
            let outcome = match missing {
                Some(need) => Outcome::Skipped(format!("needs {need}")),
                None => {
                    println!("\n── {} ──", step.name);
                    match (step.run)(&self.context) {
                        Ok(report) => Outcome::Done(report),
                        Err(error) => {
                            eprintln!("{error:#}");
                            Outcome::Failed(first_line(&format!("{error:#}")))
                        }
                    }
                }
            };
            let good = matches!(&outcome, Outcome::Done(report) if report.failed == 0);
            outcomes.insert(step.name, good);
            rows.push((step.name, start.elapsed(), outcome));
        }
        Ok(summary(&rows, begin.elapsed()))
    }

    fn chosen(&self) -> Result<Vec<&'static str>> {
        let all = || self.steps.iter().map(|step| step.name);
        if self.context.options.only.is_empty() {
            return Ok(all().collect());
        }
        let mut chosen = Vec::new();
        let mut open = self.context.options.only.clone();
        while let Some(name) = open.pop() {
            let Some(step) = self.steps.iter().find(|step| step.name == name) else {
                bail!(
                    "there is no step `{name}`; the steps are: {}",
                    all().collect::<Vec<_>>().join(", ")
                );
            };
            if !chosen.contains(&step.name) {
                chosen.push(step.name);
                open.extend(step.needs.iter().map(ToString::to_string));
            }
        }
        Ok(chosen)
    }
}

fn summary(rows: &[(&str, Duration, Outcome)], all: Duration) -> bool {
    println!("\n{:<12} {:<8} {:>9}  detail", "step", "result", "time");
    let (mut passed, mut failed) = (0, 0);
    for (name, time, outcome) in rows {
        let (result, detail) = match outcome {
            Outcome::Done(report) => {
                passed += report.passed;
                failed += report.failed;
                let result = if report.failed == 0 { "ok" } else { "FAILED" };
                (result, &report.detail)
            }
            Outcome::Failed(detail) => {
                failed += 1;
                ("FAILED", detail)
            }
            // What was not checked has not passed.
            Outcome::Skipped(detail) => {
                failed += 1;
                ("not run", detail)
            }
        };
        let seconds = time.as_secs_f64();
        println!("{name:<12} {result:<8} {seconds:>7.1} s  {detail}");
    }
    println!("{:<12} {:<8} {:>7.1} s", "all", "", all.as_secs_f64());
    println!("\n{passed} passed, {failed} failed");
    failed == 0
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
