//! Commands of runbooks are run: those of our own program, against a shop that this starts.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use techcommerce_testservers::{find_program, free_port};

use crate::finding::Finding;
use crate::promtool::{in_parallel, say};
use crate::repository::Repository;
use crate::runbooks::{NAME, all_commands, commands};

/// What people type for a place of theirs, and what stands for it here.
const STANDS_FOR: &[(&str, &str)] = &[
    ("postgres:5432", "127.0.0.1:{management}"),
    ("redis:6379", "127.0.0.1:{management}"),
    (
        "http://worker:8081/health",
        "http://127.0.0.1:{management}/health",
    ),
    (
        "http://product-api:5000/health",
        "http://127.0.0.1:{management}/health",
    ),
    (
        "http://order-api:7000/health",
        "http://127.0.0.1:{management}/health",
    ),
    (
        "http://auth:5001/health",
        "http://127.0.0.1:{management}/health",
    ),
    (
        "http://images:8080/health",
        "http://127.0.0.1:{management}/health",
    ),
    (
        "http://api:8000/health",
        "http://127.0.0.1:{management}/health",
    ),
    (
        "http://frontend:3000/health",
        "http://127.0.0.1:{management}/health",
    ),
    ("dns postgres", "dns localhost"),
    ("dns redis", "dns localhost"),
];

struct Shop {
    child: Child,
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Each command of `techcommerce` in the runbooks once, as in a pod; it has to end well.
///
/// # Errors
/// The shop does not start.
pub fn check(
    repository: &Repository,
    program: &Path,
    scratch: &Path,
) -> Result<(usize, Vec<Finding>)> {
    let mut asked: BTreeMap<String, String> = BTreeMap::new();
    for (alert, text) in &repository.runbooks {
        for command in commands(text) {
            let own = command
                .split_once(" -- techcommerce ")
                .map(|(_, own)| own)
                .or_else(|| command.strip_prefix("techcommerce "));
            if let Some(own) = own {
                asked.entry(own.to_owned()).or_insert_with(|| alert.clone());
            }
        }
    }
    let home = scratch.join("shop");
    fs::create_dir_all(&home)?;
    let management = free_port()?.to_string();
    let settings = [
        (
            "TECHCOMMERCE_DATA_DIR".to_owned(),
            home.join("data").display().to_string(),
        ),
        (
            "TECHCOMMERCE_LISTEN_PORT".to_owned(),
            free_port()?.to_string(),
        ),
        (
            "TECHCOMMERCE_LISTEN_MANAGEMENT_PORT".to_owned(),
            management.clone(),
        ),
    ];
    let command = || {
        let mut command = Command::new(program);
        command.current_dir(&home).envs(settings.iter().cloned());
        command
    };
    let log = fs::File::create(home.join("log"))?;
    let child = command()
        .arg("serve")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| program.display().to_string())?;
    let shop = Shop { child };
    let until = Instant::now() + Duration::from_secs(60);
    while !say(command().arg("health"))?.0 {
        if Instant::now() > until {
            bail!(
                "the shop did not start: {}",
                fs::read_to_string(home.join("log"))?
            );
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    let mut found = Vec::new();
    for (own, alert) in &asked {
        let mut here = own.clone();
        for (theirs, ours) in STANDS_FOR {
            here = here.replace(theirs, &ours.replace("{management}", &management));
        }
        let (well, said) = say(command().args(here.split(' ')))?;
        if !well {
            found.push(Finding::new(
                NAME,
                format!("docs/runbooks/{alert}.md"),
                format!("`techcommerce {own}` fails:\n{}", said.trim()),
                "",
            ));
        }
    }
    drop(shop);
    Ok((asked.len(), found))
}

/// Commands of kubectl, read by kubectl itself where the machine has one: it refuses what it does not
/// understand before it finds that no cluster answers.
///
/// # Errors
/// kubectl cannot be started.
pub fn kubectl(repository: &Repository, scratch: &Path) -> Result<(usize, Vec<Finding>)> {
    let Some(program) = find_program("kubectl") else {
        return Ok((0, Vec::new()));
    };
    let mut asked: BTreeMap<String, String> = BTreeMap::new();
    for (alert, text) in &repository.runbooks {
        for command in all_commands(text) {
            if let Some(own) = command.strip_prefix("kubectl ") {
                asked.entry(own.to_owned()).or_insert_with(|| alert.clone());
            }
        }
    }
    let asked: Vec<(String, String)> = asked.into_iter().collect();
    let found = in_parallel(&asked, &|(own, alert)| {
        let mut command = Command::new(&program);
        command
            .args(["--server=http://127.0.0.1:1", "--request-timeout=2s"])
            .args(own.split(' '))
            .env("KUBECONFIG", "/dev/null")
            .env("HOME", scratch);
        let (_, said) = say(&mut command)?;
        let understood = said.contains("connection to the server") || said.contains("refused");
        Ok((!understood).then(|| {
            Finding::new(
                NAME,
                format!("docs/runbooks/{alert}.md"),
                format!("`kubectl {own}` is not understood:\n{}", said.trim()),
                "",
            )
        }))
    })?;
    Ok((asked.len(), found))
}
