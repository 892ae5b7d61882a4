//! One fault after another: quiet, begun, told, over, cleared.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::doubles::{Arrival, Receiver};
use super::faults::Fault;
use super::ground::Ground;
use super::watch::Watch;
use crate::shop::SERVICES;

/// How often is looked.
const LOOK: Duration = Duration::from_millis(250);
/// So long nothing fires before a fault is begun.
const QUIET: Duration = Duration::from_secs(5);
/// The shop recovers from the fault before, and from a machine that had other things to do.
const UNTIL_QUIET: Duration = Duration::from_secs(180);
/// From a fault to its alert: the longest threshold in seconds is 120.
const UNTIL_TOLD: Duration = Duration::from_secs(300);
/// From its end to the word that it is over.
const UNTIL_CLEARED: Duration = Duration::from_secs(300);
/// Always fires: it says that the way to people works.
const ALWAYS: &str = "DeadMansSwitch";

/// A shop, its people, and those who are told.
pub struct Drill {
    ground: Ground,
    receiver: Receiver,
    factor: f64,
    until_told: Duration,
}

/// How a fault went.
struct Account {
    name: &'static str,
    arrived: String,
    cleared: String,
    muted: String,
    wrong: Option<String>,
}

impl Drill {
    pub async fn open(factor: f64) -> Result<Self> {
        ensure!(
            (1.0..=60.0).contains(&factor),
            "a factor between 1 and 60, not {factor}"
        );
        Ok(Self {
            ground: Ground::open().await?,
            receiver: Receiver::start().await?,
            factor,
            until_told: UNTIL_TOLD,
        })
    }

    /// Makes these faults, prints the account; an error if one of them was not told as it should be.
    pub async fn finish(mut self, faults: Vec<&'static Fault>, keep: bool) -> Result<()> {
        let began = Instant::now();
        let mut wrong = 0;
        println!("windows are {} times as short as written\n", self.factor);
        println!(
            "| fault | expected | arrived after | cleared after | muted meanwhile |\n|---|---|---|---|---|"
        );
        for fault in &faults {
            if fault.name.starts_with("disk-") && self.ground.disk().is_none() {
                println!(
                    "| {} | left out: no file system may be mounted here | – | – | |",
                    fault.name
                );
                continue;
            }
            let account = self.one(fault).await;
            let expected = fault.expected.join(", ");
            println!(
                "| {} | {expected} | {} | {} | {} |",
                account.name, account.arrived, account.cleared, account.muted
            );
            if let Some(why) = account.wrong {
                wrong += 1;
                println!("\nWRONG: {}: {why}\n", fault.name);
            }
        }
        println!(
            "\n{} faults in {} s, {wrong} not told as they should be",
            faults.len(),
            began.elapsed().as_secs()
        );
        if keep {
            println!(
                "the shop stays at http://{} until Ctrl-C",
                self.ground.shop.setup.address()
            );
            std::future::pending::<()>().await;
        }
        ensure!(wrong == 0, "{wrong} faults were not told as they should be");
        Ok(())
    }

    /// What the drill is for is found by it: a fault of which nobody is told, and one of which something
    /// else is told.
    pub async fn planted(&mut self) -> Result<()> {
        self.until_told = Duration::from_secs(10);
        for (fault, words) in super::faults::PLANTED {
            let account = self.one(fault).await;
            let wrong = account.wrong.unwrap_or_default();
            ensure!(
                wrong.contains(words),
                "{} passes, or fails for another reason: {wrong}",
                fault.name
            );
        }
        self.until_told = UNTIL_TOLD;
        Ok(())
    }

    /// One fault from quiet to quiet. Whatever happens, it is ended.
    async fn one(&mut self, fault: &Fault) -> Account {
        let mut account = Account {
            name: fault.name,
            arrived: "–".to_owned(),
            cleared: "–".to_owned(),
            muted: String::new(),
            wrong: None,
        };
        let watch = match self.begin(fault).await {
            Ok(watch) => watch,
            Err(error) => {
                account.wrong = Some(format!("before the fault: {error:#}"));
                return account;
            }
        };
        let began = SystemTime::now();
        let told = self.told(fault, &watch, began).await;
        if let Ok(watched) = &told {
            (account.arrived, account.muted) = watched.clone();
        }
        let ended = SystemTime::now();
        let end = (fault.end)(&mut self.ground).await;
        let cleared = match (&told, end) {
            (_, Err(error)) => Err(error.context("ending it")),
            (Err(_), _) => Ok(String::new()),
            (Ok(_), Ok(())) => self.cleared(fault, &watch, ended).await,
        };
        match (told, cleared) {
            (Err(error), _) | (Ok(_), Err(error)) => {
                let firing = watch
                    .alerts()
                    .await
                    .map(|all| describe_all(&all))
                    .unwrap_or_default();
                let arrived: Vec<String> = self
                    .receiver
                    .arrivals()
                    .iter()
                    .map(|one| describe(&one.labels))
                    .collect();
                account.wrong = Some(format!(
                    "{error:#}\n  firing: {firing}\n  arrived: {}",
                    arrived.join(", ")
                ));
            }
            (Ok(_), Ok(cleared)) => account.cleared = cleared,
        }
        account
    }

    /// A monitoring without memory, the way to people tried, nothing firing; then the fault.
    async fn begin(&mut self, fault: &Fault) -> Result<Watch> {
        let bought = self.ground.load.bought();
        let watch = Watch::start(&self.ground, &self.receiver, self.factor).await?;
        let end = Instant::now() + UNTIL_QUIET;
        let mut quiet_since: Option<Instant> = None;
        loop {
            ensure!(
                Instant::now() < end,
                "it does not become quiet: {}",
                describe_all(&watch.alerts().await?)
            );
            let alive = self
                .receiver
                .arrivals()
                .iter()
                .any(|one| one.name() == ALWAYS);
            let awake = watch.is_awake(SERVICES.len()).await.unwrap_or(false);
            let quiet = watch
                .alerts()
                .await?
                .iter()
                .all(|(labels, _)| labels["alertname"] == ALWAYS);
            let well = alive && awake && quiet && self.ground.load.bought() > bought;
            match quiet_since {
                Some(since) if well && since.elapsed() >= QUIET => break,
                Some(_) if well => {}
                _ => quiet_since = well.then(Instant::now),
            }
            sleep(LOOK).await;
        }
        self.receiver.forget();
        (fault.begin)(&mut self.ground).await.context("making it")?;
        watch.retarget(&self.ground)?;
        Ok(watch)
    }

    /// Waits until all that is expected has arrived and the fault has gone on for a while; when each came,
    /// and what fires and was not told.
    async fn told(
        &self,
        fault: &Fault,
        watch: &Watch,
        began: SystemTime,
    ) -> Result<(String, String)> {
        let may: Vec<&str> = fault.expected.iter().chain(fault.also).copied().collect();
        let end = Instant::now() + self.until_told;
        let mut complete: Option<Instant> = None;
        loop {
            let arrivals = self.arrivals(&may)?;
            let missing: Vec<&str> = missing(fault.expected, &arrivals);
            if missing.is_empty() {
                let since = *complete.get_or_insert_with(Instant::now);
                if since.elapsed() >= Duration::from_secs(fault.hold) {
                    break;
                }
            } else if Instant::now() > end {
                bail!(
                    "{} did not arrive within {} s",
                    missing.join(", "),
                    self.until_told.as_secs()
                );
            }
            sleep(LOOK).await;
        }
        let arrivals = self.arrivals(&may)?;
        let names: BTreeSet<&str> = arrivals.iter().map(Arrival::name).collect();
        let mut muted = BTreeSet::new();
        for (labels, state) in watch.alerts().await? {
            let name = labels["alertname"].as_str().unwrap_or_default().to_owned();
            if state == "firing" && name != ALWAYS && !names.contains(name.as_str()) {
                muted.insert(name);
            }
        }
        let muted: Vec<String> = muted.into_iter().collect();
        Ok((
            times(fault.expected, &arrivals, |one| Some(one.arrived), began),
            muted.join(", "),
        ))
    }

    /// Waits until all that arrived is said to be over.
    async fn cleared(&self, fault: &Fault, watch: &Watch, ended: SystemTime) -> Result<String> {
        watch.retarget(&self.ground)?;
        let may = fault.expected.iter().chain(fault.also);
        let may: Vec<&str> = may.chain(fault.aftermath).copied().collect();
        let end = Instant::now() + UNTIL_CLEARED;
        loop {
            let arrivals = self.arrivals(&may)?;
            let due = |one: &&Arrival| matches_any(fault.expected, &one.labels);
            let open: Vec<String> = arrivals
                .iter()
                .filter(due)
                .filter(|one| one.cleared.is_none())
                .map(|one| describe(&one.labels))
                .collect();
            if open.is_empty() {
                return Ok(times(fault.expected, &arrivals, |one| one.cleared, ended));
            }
            if Instant::now() > end {
                bail!(
                    "{} did not clear within {} s",
                    open.join(", "),
                    UNTIL_CLEARED.as_secs()
                );
            }
            sleep(LOOK).await;
        }
    }

    /// What arrived; an error if something did that may not.
    fn arrivals(&self, may: &[&str]) -> Result<Vec<Arrival>> {
        let mut arrivals = self.receiver.arrivals();
        arrivals.retain(|one| one.name() != ALWAYS);
        if let Some(other) = arrivals.iter().find(|one| !matches_any(may, &one.labels)) {
            bail!(
                "{} arrived at {}, which is not expected",
                describe(&other.labels),
                other.receiver
            );
        }
        Ok(arrivals)
    }
}

/// Of each expected alert, how many seconds after `since` it came.
fn times(
    expected: &[&str],
    arrivals: &[Arrival],
    when: impl Fn(&Arrival) -> Option<SystemTime>,
    since: SystemTime,
) -> String {
    let time = |pattern: &&str| {
        let found = arrivals.iter().filter(|one| matches(pattern, &one.labels));
        let last = found.filter_map(&when).max();
        let after = last.and_then(|at| at.duration_since(since).ok());
        after.map_or("–".to_owned(), |after| format!("{} s", after.as_secs()))
    };
    let times: Vec<String> = expected.iter().map(time).collect();
    times.join(", ")
}

fn missing<'a>(expected: &[&'a str], arrivals: &[Arrival]) -> Vec<&'a str> {
    let came = |pattern: &&&str| arrivals.iter().any(|one| matches(pattern, &one.labels));
    expected
        .iter()
        .filter(|pattern| !came(pattern))
        .copied()
        .collect()
}

fn matches_any(patterns: &[&str], labels: &Value) -> bool {
    patterns.iter().any(|pattern| matches(pattern, labels))
}

/// Whether an alert is that of `Name` or `Name{label=value}`.
fn matches(pattern: &str, labels: &Value) -> bool {
    let (name, rest) = pattern.split_once('{').unwrap_or((pattern, ""));
    let wanted = rest
        .trim_end_matches('}')
        .split(',')
        .filter_map(|pair| pair.split_once('='));
    labels["alertname"] == name
        && wanted
            .into_iter()
            .all(|(label, value)| labels[label] == value)
}

fn describe_all(alerts: &[(Value, String)]) -> String {
    let all: Vec<String> = alerts
        .iter()
        .filter(|(labels, _)| labels["alertname"] != ALWAYS)
        .map(|(labels, state)| format!("{} ({state})", describe(labels)))
        .collect();
    all.join(", ")
}

/// The alert as one writes it, without what every alert has.
fn describe(labels: &Value) -> String {
    let usual = [
        "alertname",
        "namespace",
        "severity",
        "team",
        "explained_by",
        "cause",
    ];
    let pairs: Vec<String> = labels
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| !usual.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    format!(
        "{}{{{}}}",
        labels["alertname"].as_str().unwrap_or_default(),
        pairs.join(",")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_alert_is_found_by_name_and_labels() {
        let labels = json!({"alertname": "A", "service": "api", "namespace": "x"});
        for yes in ["A", "A{service=api}", "A{service=api,namespace=x}"] {
            assert!(matches(yes, &labels), "{yes}");
        }
        for no in ["B", "A{service=auth}", "A{pod=api}", "AA"] {
            assert!(!matches(no, &labels), "{no}");
        }
        assert_eq!(describe(&labels), "A{service=api}");
    }

    #[test]
    fn what_did_not_come_is_missing() {
        let arrival = |name: &str| Arrival {
            labels: json!({"alertname": name}),
            receiver: String::new(),
            arrived: SystemTime::UNIX_EPOCH + Duration::from_secs(7),
            cleared: None,
        };
        let arrivals = [arrival("A")];
        assert_eq!(missing(&["A", "B"], &arrivals), ["B"]);
        assert_eq!(
            times(
                &["A", "B"],
                &arrivals,
                |one| Some(one.arrived),
                SystemTime::UNIX_EPOCH
            ),
            "7 s, –"
        );
    }
}
