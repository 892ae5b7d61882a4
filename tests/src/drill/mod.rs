//! The drill: faults are made one after another in a running shop that is watched by the repository's own
//! rules and routes, and of each the right alert and no other has to reach people, and to clear.
//!
//! `cargo xtask drill` runs it, and the nightly tests do; not those of every day, because where ten
//! compilers run, services really do not answer for seconds, and that is told. The windows of the rules
//! are shorter by a factor; thresholds are as they are.

#![allow(clippy::print_stdout, reason = "the account is for whoever runs it")]

mod alertmanager;
mod doubles;
mod durations;
mod faults;
mod ground;
mod load;
mod rules;
mod run;
mod watch;

use std::collections::BTreeSet;

use anyhow::{Result, bail, ensure};

use self::faults::Fault;
use self::run::Drill;

/// By how much windows are shorter.
const FACTOR: f64 = 20.0;

/// What `cargo xtask drill` passes on.
struct Options {
    only: Vec<String>,
    factor: f64,
    keep: bool,
}

impl Options {
    fn read() -> Result<Self> {
        let text =
            |name: &str| std::env::var(format!("TECHCOMMERCE_DRILL_{name}")).unwrap_or_default();
        let factor = text("FACTOR");
        Ok(Self {
            only: text("ONLY")
                .split(',')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
            factor: if factor.is_empty() {
                FACTOR
            } else {
                factor.parse()?
            },
            keep: text("KEEP") == "1",
        })
    }
}

/// The faults of these names, in the drill's order.
fn chosen(names: &[String]) -> Result<Vec<&'static Fault>> {
    let all = faults::all();
    for name in names {
        let known: Vec<&str> = all.iter().map(|fault| fault.name).collect();
        ensure!(
            known.contains(&name.as_str()),
            "there is no fault {name}; there are {}",
            known.join(", ")
        );
    }
    let wanted = |fault: &&Fault| names.is_empty() || names.iter().any(|name| name == fault.name);
    Ok(all.into_iter().filter(wanted).collect())
}

/// Every fault: `cargo xtask drill`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes most of an hour: cargo xtask drill"]
async fn all() -> Result<()> {
    let options = Options::read()?;
    let faults = chosen(&options.only)?;
    let mut drill = Drill::open(options.factor).await?;
    if options.only.is_empty() {
        drill.planted().await?;
    }
    drill.finish(faults, options.keep).await
}

/// What there is: `cargo xtask drill --list`.
#[test]
#[ignore = "a list, no test"]
fn list() {
    for fault in faults::all() {
        println!(
            "{:<24} {}\n{:24} → {}",
            fault.name,
            fault.what,
            "",
            fault.expected.join(", ")
        );
    }
}

/// Every fault expects alerts that exist, so that one with a new name is not waited for in vain.
#[test]
fn what_is_expected_exists() -> Result<()> {
    let known = rules::alerts()?;
    let mut names = BTreeSet::new();
    for fault in faults::all() {
        ensure!(names.insert(fault.name), "two are called {}", fault.name);
        ensure!(!fault.expected.is_empty(), "{} proves nothing", fault.name);
        for alert in fault
            .expected
            .iter()
            .chain(fault.also)
            .chain(fault.aftermath)
        {
            let name = alert.split('{').next().unwrap_or_default();
            if !known.contains(name) {
                bail!("{} expects {name}, which no rule makes", fault.name);
            }
        }
    }
    ensure!(names.len() >= 15, "only {} faults", names.len());
    Ok(())
}
