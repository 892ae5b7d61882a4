//! promtool: its lint, and its tests.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use techcommerce_testservers::monitoring;

use crate::finding::Finding;
use crate::repository::Repository;

pub const LINT: &str = "promtool check";
pub const TESTS: &str = "promtool test";

/// What a program said, and whether it was content.
pub fn say(command: &mut Command) -> Result<(bool, String)> {
    let output = command
        .output()
        .with_context(|| format!("{command:?}"))?;
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok((output.status.success(), text))
}

/// Writes all rule files into a folder, as Prometheus reads them.
///
/// # Errors
/// The folder cannot be written.
pub fn write_rules(repository: &Repository, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for file in &repository.rules {
        let name = format!("{}.yaml", file.name);
        fs::write(folder.join(name), serde_norway::to_string(&file.plain())?)?;
    }
    Ok(())
}

/// `promtool check rules`, all lints, fatal.
///
/// # Errors
/// promtool is not there.
pub fn lint(repository: &Repository, scratch: &Path) -> Result<Vec<Finding>> {
    let folder = scratch.join("lint");
    write_rules(repository, &folder)?;
    let mut found = Vec::new();
    for file in &repository.rules {
        let path = folder.join(format!("{}.yaml", file.name));
        let mut command = Command::new(monitoring("promtool")?);
        command.args(["check", "rules", "--lint=all", "--lint-fatal"]);
        let (well, said) = say(command.arg(&path))?;
        if !well {
            found.push(Finding::new(
                LINT,
                format!("k8s/monitoring/rules/{}.yaml", file.name),
                said.trim(),
                "",
            ));
        }
    }
    Ok(found)
}

/// `promtool test rules`, each file of tests against the rules as they are in `k8s/`.
///
/// # Errors
/// promtool is not there.
pub fn tests(repository: &Repository, scratch: &Path) -> Result<(usize, Vec<Finding>)> {
    let home = scratch.join("tests");
    // The tests name the rules by this path, from where they stand in the repository.
    write_rules(repository, &home.join("compose/rules"))?;
    let folder = home.join(crate::repository::TESTS);
    fs::create_dir_all(&folder)?;
    let program = monitoring("promtool")?;
    let mut files: Vec<(&String, &String)> = repository.tests.iter().collect();
    // The longest first, so that none runs alone in the end.
    files.sort_by_key(|(_, text)| std::cmp::Reverse(text.len()));
    let run = |(name, text): &(&String, &String)| -> Result<Option<Finding>> {
        let path = folder.join(name);
        fs::write(&path, text)?;
        let (well, said) = say(Command::new(&program).args(["test", "rules"]).arg(&path))?;
        let place = format!("{}/{name}", crate::repository::TESTS);
        Ok((!well).then(|| Finding::new(TESTS, place, shorten(&said), "")))
    };
    let found = in_parallel(&files, &run)?;
    let cases = repository
        .tests
        .values()
        .map(|text| text.matches("\n  - name: ").count())
        .sum();
    Ok((cases, found))
}

/// One thread for each core: promtool computes all the time.
pub fn in_parallel<T: Sync>(
    all: &[T],
    work: &(dyn Fn(&T) -> Result<Option<Finding>> + Sync),
) -> Result<Vec<Finding>> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let each = std::thread::scope(|scope| {
        let run = || {
            let mut found = Vec::new();
            while let Some(one) = all.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                if let Some(finding) = work(one)? {
                    found.push(finding);
                }
            }
            Ok(found)
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        handles
            .into_iter()
            .map(|handle| {
                handle
                    .join()
                    .unwrap_or_else(|_| Err(anyhow::anyhow!("a thread of the checks ended")))
            })
            .collect::<Result<Vec<_>>>()
    })?;
    let mut found = each.concat();
    found.sort();
    Ok(found)
}

fn shorten(said: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[..lines.len().min(12)].join("\n")
}
