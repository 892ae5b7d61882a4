//! Alertmanager's configuration: its grammar, and where every alert goes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;
use techcommerce_testservers::monitoring;

use crate::finding::Finding;
use crate::promtool::{in_parallel, say};
use crate::repository::{Repository, lines};

pub const NAME: &str = "routes";

/// Writes the configuration with its templates where a program here can read it.
///
/// # Errors
/// The folder cannot be written.
pub fn write(repository: &Repository, folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder)?;
    for (name, text) in &repository.templates {
        fs::write(folder.join(name), text)?;
    }
    let here = folder.display().to_string();
    let text = repository
        .alertmanager
        .replace("/etc/alertmanager/config", &here);
    let path = folder.join("alertmanager.yml");
    fs::write(&path, text)?;
    Ok(path)
}

/// `amtool check-config`, of this and of compose's; every route by `amtool config routes test`.
///
/// # Errors
/// amtool is not there, or the configuration is no YAML.
pub fn check(repository: &Repository, scratch: &Path) -> Result<(usize, Vec<Finding>)> {
    let folder = scratch.join("alertmanager");
    let path = write(repository, &folder)?;
    let mails = crate::compose::files(repository)?;
    let mails = mails
        .get("compose/alertmanager.yml")
        .map_or("", String::as_str);
    let second = folder.join("mails.yml");
    fs::write(
        &second,
        mails.replace("/etc/alertmanager/", &format!("{}/", folder.display())),
    )?;
    let amtool = monitoring("amtool")?;
    let mut found = Vec::new();
    for file in [&path, &second] {
        let (well, said) = say(Command::new(&amtool).arg("check-config").arg(file))?;
        if !well {
            found.push(Finding::new(
                NAME,
                file.display().to_string(),
                said.trim(),
                "",
            ));
            return Ok((1, found));
        }
    }
    let value: Value = serde_norway::from_str(&repository.alertmanager)?;
    let expected = expectations(repository);
    let ask = |labels: &str, receiver: &str| -> Result<(bool, String)> {
        let mut command = Command::new(&amtool);
        command
            .args(["config", "routes", "test"])
            .arg(format!("--config.file={}", path.display()))
            .arg(format!("--verify.receivers={receiver}"))
            .args(labels.split_whitespace());
        say(&mut command)
    };
    found.extend(in_parallel(&expected, &|(labels, receiver)| {
        let (well, said) = ask(labels, receiver)?;
        let went = said
            .lines()
            .rfind(|line| !line.contains("WARNING") && !line.is_empty())
            .unwrap_or_default()
            .to_owned();
        Ok((!well).then(|| {
            Finding::new(
                NAME,
                labels,
                format!("does not go to {receiver} ({went})"),
                "k8s/monitoring/alertmanager/alertmanager.yaml, xtask/monitoring/routes.txt",
            )
        }))
    })?);
    found.extend(unreached(&value, &expected));
    found.extend(each_way(&value));
    found.extend(secrets(&value));
    Ok((expected.len(), found))
}

/// What has to go where: the list, and every alert of ours by its severity and team.
fn expectations(repository: &Repository) -> Vec<(String, String)> {
    let mut all: BTreeMap<String, String> = lines(&repository.routes)
        .filter_map(|line| line.split_once(" -> "))
        .map(|(labels, receiver)| (labels.trim().to_owned(), receiver.trim().to_owned()))
        .collect();
    for (_, rule) in repository.alerts() {
        let (Some(severity), Some(team)) = (rule.label("severity"), rule.label("team")) else {
            continue;
        };
        let way = match severity {
            "critical" => "page",
            "high" => "now",
            _ => "day",
        };
        let receiver = if severity == "none" {
            "dead-mans-switch".to_owned()
        } else {
            format!("{team}-{way}")
        };
        for namespace in ["namespace=techcommerce", ""] {
            let name = rule.name();
            let labels = format!("alertname={name} severity={severity} team={team} {namespace}");
            all.insert(labels.trim().to_owned(), receiver.clone());
        }
    }
    all.into_iter().collect()
}

/// Every receiver is there for somebody.
fn unreached(value: &Value, expected: &[(String, String)]) -> Vec<Finding> {
    let reached: BTreeSet<&str> = expected.iter().map(|(_, it)| it.as_str()).collect();
    receivers(value)
        .filter(|(name, _)| !reached.contains(name))
        .map(|(name, _)| Finding::new(NAME, name, "no test leads to this receiver", "routes.txt"))
        .collect()
}

fn receivers(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let all = value["receivers"].as_array().into_iter().flatten();
    all.filter_map(|receiver| Some((receiver["name"].as_str()?, receiver)))
}

/// A page goes by PagerDuty, Slack and mail, what is urgent by Slack and mail, the rest by mail; all by
/// our own templates.
fn each_way(value: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, receiver) in receivers(value) {
        let ways: &[&str] = match name.rsplit('-').next() {
            Some("page") => &["pagerduty_configs", "slack_configs", "email_configs"],
            Some("now") => &["slack_configs", "email_configs"],
            Some("day") => &["email_configs"],
            _ => &[],
        };
        for way in ways {
            let own = receiver[*way].as_array().is_some_and(|each| {
                !each.is_empty()
                    && each
                        .iter()
                        .all(|one| one.to_string().contains("template \\\"shop."))
            });
            if !own {
                found.push(Finding::new(
                    NAME,
                    name,
                    format!("has no {way} with our templates"),
                    "",
                ));
            }
        }
        if !ways.is_empty() && receiver["email_configs"][0]["send_resolved"] != true {
            found.push(Finding::new(
                NAME,
                name,
                "does not say when it is over",
                "send_resolved: true",
            ));
        }
    }
    found
}

/// Nothing secret stands in the configuration: it comes by files.
fn secrets(value: &Value) -> Vec<Finding> {
    const SECRET: &[&str] = &[
        "smtp_auth_password",
        "auth_password",
        "slack_api_url",
        "api_url",
        "routing_key",
        "service_key",
        "url",
        "password",
        "credentials",
    ];
    fn walk(value: &Value, path: &str, found: &mut Vec<Finding>) {
        match value {
            Value::Object(fields) => {
                for (name, inside) in fields {
                    let path = format!("{path}.{name}");
                    if SECRET.contains(&name.as_str()) {
                        found.push(Finding::new(
                            NAME,
                            path.trim_start_matches('.'),
                            "is secret, and stands in the repository",
                            "…_file: /etc/alertmanager/receivers/…",
                        ));
                    }
                    walk(inside, &path, found);
                }
            }
            Value::Array(all) => all.iter().for_each(|inside| walk(inside, path, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(value, "", &mut found);
    found
}

/// Alertmanager's own `route` for what nobody claims.
///
/// # Errors
/// There is none.
pub fn root_receiver(text: &str) -> Result<String> {
    let value: Value = serde_norway::from_str(text)?;
    let name = value["route"]["receiver"].as_str();
    Ok(name.context("no route.receiver")?.to_owned())
}
