//! Alertmanager's configuration: the routes and inhibitions of k8s/monitoring, and people replaced by a
//! receiver of ours.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::durations::scaled;

/// Values that are durations.
const DURATIONS: [&str; 4] = [
    "group_wait",
    "group_interval",
    "repeat_interval",
    "resolve_timeout",
];
/// What is taken over; whom and how to tell is replaced, and so is when to sleep.
const KEPT: [&str; 2] = ["route", "inhibit_rules"];
const LEFT_OUT: [&str; 5] = [
    "global",
    "templates",
    "receivers",
    "time_intervals",
    "mute_time_intervals",
];

/// The repository's configuration for a drill.
pub fn configuration(factor: f64, receiver: SocketAddr) -> Result<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../k8s/monitoring/alertmanager/alertmanager.yaml");
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    changed(&text, factor, receiver)
}

fn changed(text: &str, factor: f64, receiver: SocketAddr) -> Result<String> {
    let mut out = String::new();
    // Each, and whether it tells anybody.
    let mut receivers: Vec<(&str, bool)> = Vec::new();
    let mut section = "";
    let mut skipped: Option<usize> = None;
    for line in text.lines() {
        let bare = line.trim_start();
        if bare.is_empty() || bare.starts_with('#') || bare == "---" {
            continue;
        }
        let indent = line.len() - bare.len();
        if indent == 0 && !bare.starts_with('-') {
            section = bare.split(':').next().unwrap_or_default();
            ensure!(
                KEPT.contains(&section) || LEFT_OUT.contains(&section),
                "{section}: nobody said what a drill does with it"
            );
        }
        if section == "receivers" {
            receivers.extend(bare.strip_prefix("- name: ").map(|name| (name, false)));
            if let (Some((_, tells)), true) = (receivers.last_mut(), bare.ends_with("_configs:")) {
                *tells = true;
            }
        }
        if !KEPT.contains(&section) {
            continue;
        }
        // Drills are held at any hour: nobody sleeps.
        if skipped.is_some_and(|at| indent > at) {
            continue;
        }
        skipped = None;
        let key = bare
            .trim_start_matches("- ")
            .split(':')
            .next()
            .unwrap_or_default();
        if key.ends_with("time_intervals") {
            ensure!(!bare.starts_with('-'), "{line}");
            skipped = Some(indent);
            continue;
        }
        match bare.split_once(": ") {
            Some((_, value)) if DURATIONS.contains(&key) => {
                let start = &line[..line.len() - value.len()];
                out.push_str(&format!(
                    "{start}{}\n",
                    scaled(value.trim_matches(['"', '\'']), factor)?
                ));
            }
            Some(_)
                if key.ends_with("_interval")
                    || key.ends_with("_wait")
                    || key.ends_with("_timeout") =>
            {
                bail!("{key}: nobody said whether that is a duration")
            }
            _ => out.push_str(&format!("{line}\n")),
        }
    }
    ensure!(
        !receivers.is_empty() && out.contains("route:"),
        "no receivers or no route"
    );
    out.push_str("receivers:\n");
    for (name, tells) in receivers {
        let name = name.trim_matches(['"', '\'']);
        out.push_str(&format!("  - name: {name}\n"));
        if tells {
            out.push_str(&format!(
                "    webhook_configs:\n      - url: http://{receiver}/\n        send_resolved: true\n"
            ));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
global:
  resolve_timeout: 5m
  slack_api_url_file: /etc/slack
templates: ['*.tmpl']
route:
  receiver: mail
  group_wait: 30s
  routes:
    - matchers: [severity = critical]
      receiver: pager
      repeat_interval: 4h
      active_time_intervals:
        - day
      continue: true
inhibit_rules:
  - source_matchers: [cause = a]
    equal: [namespace]
receivers:
  - name: mail
    email_configs:
      - to: a@example.com
  - name: 'pager'
    pagerduty_configs:
      - routing_key_file: /etc/key
  - name: nobody
";

    #[test]
    fn routes_stay_and_people_are_replaced() -> Result<()> {
        let changed = changed(TEXT, 10.0, "127.0.0.1:9".parse()?)?;
        for there in [
            "route:\n  receiver: mail\n  group_wait: 3000ms\n",
            "      repeat_interval: 1440000ms\n      continue: true\n",
            "  - source_matchers: [cause = a]\n    equal: [namespace]\n",
            "  - name: pager\n    webhook_configs:\n      - url: http://127.0.0.1:9/\n",
            "        send_resolved: true\n  - name: nobody\n",
        ] {
            assert!(changed.contains(there), "{there}\nnot in\n{changed}");
        }
        for gone in ["slack", "email", "key", "day", "time_intervals", "tmpl"] {
            assert!(!changed.contains(gone), "{gone}");
        }
        Ok(())
    }

    #[test]
    fn what_is_not_known_is_refused() -> Result<()> {
        let receiver = "127.0.0.1:9".parse()?;
        for (good, bad) in [
            ("templates:", "tracing:"),
            ("group_wait: 30s", "group_wait: soon"),
            ("group_wait: 30s", "other_wait: 30s"),
            ("receivers:\n", "global:\n"),
        ] {
            assert!(
                changed(&TEXT.replace(good, bad), 10.0, receiver).is_err(),
                "{bad}"
            );
        }
        Ok(())
    }
}
