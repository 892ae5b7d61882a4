//! One outage, one page: shown by a real Alertmanager, which is told what would fire.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use techcommerce_testservers::Alertmanager;

use crate::finding::Finding;
use crate::repository::{Repository, lines};

pub const NAME: &str = "inhibition";

/// One outage of `xtask/monitoring/outages.txt`.
struct Outage {
    name: String,
    /// How many messages of the page receivers there may be.
    pages: usize,
    /// What fires, and whether it has to be muted.
    alerts: Vec<(BTreeMap<String, String>, bool)>,
}

/// Labels as the alert has them when it fires with these.
fn labels(repository: &Repository, line: &str, shop: &str) -> Result<BTreeMap<String, String>> {
    let mut words = line.split_whitespace();
    let name = words.next().context("an alert")?;
    let mut all: BTreeMap<String, String> = words
        .filter_map(|word| word.split_once('='))
        .map(|(label, value)| (label.to_owned(), value.to_owned()))
        .collect();
    let rule = repository
        .alerts()
        .map(|(_, rule)| rule)
        .find(|rule| {
            rule.name() == name
                && all
                    .get("burn")
                    .is_none_or(|burn| rule.label("burn") == Some(burn))
        })
        .with_context(|| format!("outages.txt: there is no alert {name}"))?;
    let given = all.clone();
    for (label, value) in rule.labels() {
        let mut value = value.to_owned();
        for (known, text) in &given {
            value = value.replace(&format!("{{{{ $labels.{known} }}}}"), text);
        }
        if value.contains("{{") {
            bail!("outages.txt: {name} needs more labels for {label}={value}");
        }
        all.insert(label.to_owned(), value);
    }
    all.insert("alertname".to_owned(), name.to_owned());
    // Each outage in a namespace of its own, so that none mutes what is another's.
    all.insert("namespace".to_owned(), shop.to_owned());
    Ok(all)
}

fn outages(repository: &Repository) -> Result<Vec<Outage>> {
    let mut all: Vec<Outage> = Vec::new();
    for line in lines(&repository.outages) {
        if let Some(head) = line.strip_prefix('[') {
            let (name, pages) = head.split_once(']').context("outages.txt: no ]")?;
            let pages = pages.trim().trim_start_matches("pages ");
            all.push(Outage {
                name: name.to_owned(),
                pages: pages
                    .parse()
                    .with_context(|| format!("outages.txt: {line}"))?,
                alerts: Vec::new(),
            });
            continue;
        }
        let shop = format!("shop-{}", all.len());
        let outage = all.last_mut().context("outages.txt: no [outage]")?;
        let (fate, rest) = line.split_once(' ').context("outages.txt")?;
        let muted = match fate {
            "muted" => true,
            "told" => false,
            _ => bail!("outages.txt: {line}: neither muted nor told"),
        };
        outage
            .alerts
            .push((labels(repository, rest, &shop)?, muted));
    }
    Ok(all)
}

/// Tells a real Alertmanager of all outages, and looks what it would send.
///
/// # Errors
/// Alertmanager is not there, or the list of outages is wrong.
pub fn check(repository: &Repository, scratch: &Path) -> Result<(usize, Vec<Finding>)> {
    let outages = outages(repository)?;
    let folder = scratch.join("inhibition");
    let path = crate::alertmanager::write(repository, &folder)?;
    // It sends nothing: whoever should get something is not here, and nothing waits for that.
    let mut config: Value = serde_norway::from_str(&std::fs::read_to_string(path)?)?;
    for receiver in config["receivers"].as_array_mut().into_iter().flatten() {
        if let Some(fields) = receiver.as_object_mut() {
            fields.retain(|name, _| name == "name");
        }
    }
    config["global"] = json!({});
    let server = Alertmanager::start(&serde_norway::to_string(&config)?)?;
    let place = server.place();
    let every = outages.iter().flat_map(|outage| &outage.alerts);
    let alerts: Vec<Value> = every
        .map(|(labels, _)| json!({ "labels": labels, "annotations": {"summary": "x"} }))
        .collect();
    http(
        &place,
        "POST",
        "/api/v2/alerts",
        &Value::Array(alerts.clone()).to_string(),
    )?;
    // Muting is worked out when its group is first looked at, within the group's waiting time.
    let until = Instant::now() + Duration::from_secs(20);
    let mut found = judge(&outages, &place)?;
    while !found.is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(300));
        found = judge(&outages, &place)?;
    }
    Ok((alerts.len(), found))
}

fn judge(outages: &[Outage], place: &str) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    let all: Value = serde_json::from_str(&http(place, "GET", "/api/v2/alerts", "")?)?;
    let groups: Value = serde_json::from_str(&http(place, "GET", "/api/v2/alerts/groups", "")?)?;
    for outage in outages {
        let mut shop = "";
        for (labels, muted) in &outage.alerts {
            shop = &labels["namespace"];
            let there = all.as_array().into_iter().flatten().find(|alert| {
                labels
                    .iter()
                    .all(|(label, value)| alert["labels"][label].as_str() == Some(value))
            });
            let state = there.and_then(|alert| alert["status"]["state"].as_str());
            let is_muted = state == Some("suppressed");
            if state.is_none() || is_muted != *muted {
                let is = if is_muted { "is muted" } else { "is told" };
                found.push(Finding::new(
                    NAME,
                    &outage.name,
                    format!(
                        "{} {is} ({})",
                        labels["alertname"],
                        state.unwrap_or("not there")
                    ),
                    "inhibit_rules, or the labels cause and explained_by",
                ));
            }
        }
        let pages = groups.as_array().into_iter().flatten().filter(|group| {
            let page = group["receiver"]["name"]
                .as_str()
                .is_some_and(|it| it.ends_with("-page"));
            let mut alerts = group["alerts"].as_array().into_iter().flatten();
            page && alerts.any(|alert| {
                alert["labels"]["namespace"] == shop && alert["status"]["state"] != "suppressed"
            })
        });
        let pages = pages.count();
        if pages != outage.pages {
            found.push(Finding::new(
                NAME,
                &outage.name,
                format!("is {pages} pages, where {} were to be", outage.pages),
                "one outage, one page",
            ));
        }
    }
    Ok(found)
}

/// The least that talks to it.
fn http(place: &str, method: &str, path: &str, body: &str) -> Result<String> {
    let mut stream = TcpStream::connect(place)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer")?;
    if !head.starts_with("HTTP/1.0 200") {
        bail!("{method} {path}: {head} {body}");
    }
    Ok(body.to_owned())
}
