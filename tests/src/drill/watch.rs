//! Prometheus and Alertmanager for one fault, without memory of the ones before: windows of days remember
//! a fault for longer than a drill lasts.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use techcommerce_testkit::{Alertmanager, Client, Prometheus};

use super::alertmanager;
use super::doubles::Receiver;
use super::ground::Ground;
use super::rules;

/// The file with who is measured.
const TARGETS: &str = "targets.json";

/// Both of them.
pub struct Watch {
    prometheus: Prometheus,
    _alertmanager: Alertmanager,
    client: Client,
}

impl Watch {
    /// Starts both with the repository's rules and routes.
    pub async fn start(ground: &Ground, receiver: &Receiver, factor: f64) -> Result<Self> {
        let routes = alertmanager::configuration(factor, receiver.address())?;
        let alertmanager = Alertmanager::start(&routes)?;
        let rules = rules::all(factor)?;
        let config = format!(
            r#"global:
  scrape_interval: {interval}
  scrape_timeout: {interval}
  evaluation_interval: {interval}
rule_files: ["rules/*.yaml"]
alerting:
  alertmanagers:
    - static_configs:
        - targets: ["{alertmanager}"]
scrape_configs:
  - job_name: techcommerce
    honor_labels: true
    file_sd_configs:
      - files: ["{TARGETS}"]
        refresh_interval: 1s
  - job_name: kube-state-metrics
    honor_labels: true
    static_configs:
      - targets: ["{cluster}"]
"#,
            interval = interval(factor),
            alertmanager = alertmanager.place(),
            cluster = ground.cluster.address(),
        );
        let targets = ground.targets();
        let prometheus = Prometheus::start(&config, |home| {
            fs::create_dir(home.join("rules"))?;
            for (name, text) in &rules {
                fs::write(home.join("rules").join(name), text)?;
            }
            fs::write(home.join(TARGETS), &targets)?;
            Ok(())
        })?;
        let client = Client::new(format!("http://{}", prometheus.place()));
        Ok(Self {
            prometheus,
            _alertmanager: alertmanager,
            client,
        })
    }

    /// Takes in that others are measured now.
    pub fn retarget(&self, ground: &Ground) -> Result<()> {
        Ok(fs::write(
            self.prometheus.home().join(TARGETS),
            ground.targets(),
        )?)
    }

    /// Alerts that fire or are about to: their labels, with `firing` or `pending`.
    pub async fn alerts(&self) -> Result<Vec<(Value, String)>> {
        let answer: Value = self.client.get("/api/v1/alerts").value(200).await?;
        let all = answer["data"]["alerts"].as_array().context("alerts")?;
        let state = |alert: &Value| alert["state"].as_str().unwrap_or_default().to_owned();
        Ok(all
            .iter()
            .map(|alert| (alert["labels"].clone(), state(alert)))
            .collect())
    }

    /// What Prometheus answers to a query.
    pub async fn query(&self, expression: &str) -> Result<Vec<Value>> {
        crate::panels::query(&self.client, expression).await
    }

    /// All rules are worked out, and all who are to be measured are.
    pub async fn is_awake(&self, services: usize) -> Result<bool> {
        let up = self.query("count(up{job=\"techcommerce\"} == 1)").await?;
        let up = up
            .first()
            .and_then(|one| one["value"][1].as_str()?.parse().ok());
        if up != Some(services) {
            return Ok(false);
        }
        let answer: Value = self.client.get("/api/v1/rules").value(200).await?;
        let groups = answer["data"]["groups"].as_array().context("groups")?;
        let rules = groups
            .iter()
            .flat_map(|group| group["rules"].as_array().into_iter().flatten());
        let mut well = true;
        for rule in rules {
            ensure!(
                rule["health"] != "err",
                "{}: {}",
                rule["name"],
                rule["lastError"]
            );
            well &= rule["health"] == "ok";
        }
        Ok(well)
    }
}

/// How often is measured: 15 s of the real thing, as far as a small machine can follow.
fn interval(factor: f64) -> String {
    let short = Duration::from_secs_f64(15.0 / factor).max(Duration::from_secs(1));
    format!("{}ms", short.as_millis())
}
