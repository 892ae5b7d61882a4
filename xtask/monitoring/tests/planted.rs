//! Tests of the checks: each mistake, planted into the real thing, is named.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::path::{Path, PathBuf};

use techcommerce_monitoring::finding::Finding;
use techcommerce_monitoring::repository::Repository;
use techcommerce_monitoring::rules::RuleFile;
use techcommerce_monitoring::{
    alertmanager, compose, inhibition, lint, metrics, mutation, objectives, promtool, runbooks,
    runbooks_run, templates,
};

fn real() -> Repository {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap();
    Repository::read(root).unwrap()
}

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!(
            "techcommerce-planted-{name}-{}",
            std::process::id()
        ));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn named(found: &[Finding], place: &str, wrong: &str) {
    assert!(
        found
            .iter()
            .any(|it| it.place.contains(place) && it.wrong.contains(wrong)),
        "nobody says \"{wrong}\" of {place}: {found:#?}"
    );
}

/// The rules with one text in place of another, which has to be there.
fn with(mut repository: Repository, file: &str, from: &str, to: &str) -> Repository {
    let rules = repository
        .rules
        .iter_mut()
        .find(|it| it.name == file)
        .unwrap();
    assert!(rules.text.contains(from), "{file} has no {from}");
    *rules = RuleFile::parse(file, &rules.text.replacen(from, to, 1)).unwrap();
    repository
}

#[test]
fn what_an_alert_carries() {
    for (from, to, wrong) in [
        ("            severity: critical\n", "", "has no severity"),
        (
            "severity: critical",
            "severity: urgent",
            "severity urgent is nobody's",
        ),
        (
            "team: shop",
            "team: marketing",
            "team marketing is nobody's",
        ),
        (
            "cause: worker",
            "cause: gremlins",
            "cause gremlins is no cause",
        ),
        (
            "runbooks/WorkerSilent.md",
            "runbooks/Worker.md",
            "not that of its runbook",
        ),
        (
            "dashboard: /d/techcommerce-jobs",
            "dashboard: /d/x",
            "leads to no dashboard",
        ),
        (
            "The shop takes orders",
            "The p95 of orders",
            "its summary says \"p95\"",
        ),
        (
            "max by (namespace, queue) (techcommerce_worker",
            "(techcommerce_worker",
            "told by every replica",
        ),
    ] {
        let found = lint::check(&with(real(), "jobs", from, to));
        named(&found, "WorkerSilent", wrong);
    }
    assert_eq!(lint::check(&real()), []);
}

#[test]
fn metrics_are_real() {
    for (from, to, wrong) in [
        (
            "techcommerce_job_retries_total",
            "techcommerce_jobs_retried_total",
            "is neither in",
        ),
        (
            "{state=\"dead\"}",
            "{status=\"dead\"}",
            "has no label `status`",
        ),
        (
            "{state=\"dead\"}",
            "{state=\"buried\"}",
            "never has state=\"buried\"",
        ),
        (
            "techcommerce_job_retries_total",
            "techcommerce_job_duration_seconds",
            "is a histogram",
        ),
    ] {
        let found = metrics::check(&with(real(), "jobs", from, to));
        named(&found, "", wrong);
    }
    let mut repository = real();
    repository.foreign.push_str("nobodys_metric them\n");
    named(&metrics::check(&repository), "foreign.txt", "no rule uses");
    assert_eq!(metrics::check(&real()), []);
}

#[test]
fn objectives_are_the_rules() {
    for (from, to, wrong) in [
        (
            "vector(0.001)",
            "vector(0.002)",
            "where docs/objectives.md leaves",
        ),
        ("> 14.4", "> 15", "has no arm of 1h at 14.4"),
        ("le=~\"0[.]5\"", "le=~\"0[.]25\"", "measured at 0.25 s"),
    ] {
        named(
            &objectives::check(&with(real(), "objectives", from, to)),
            "",
            wrong,
        );
    }
    for (from, to, wrong) in [
        (
            "| 99.5 % |",
            "| 99.9 % |",
            "where docs/objectives.md leaves",
        ),
        ("| 1h | 5m | 14.4 |", "| 1h | 5m | 10 |", "does not follow"),
        ("| 60 s |", "| 30 s |", "measured at 60 s"),
    ] {
        let mut repository = real();
        assert!(repository.objectives.contains(from), "{from}");
        repository.objectives = repository.objectives.replace(from, to);
        named(&objectives::check(&repository), "", wrong);
    }
    assert_eq!(objectives::check(&real()), []);
}

#[test]
fn compose_reads_what_the_cluster_does() {
    let found = compose::check(&with(real(), "jobs", "> 300", "> 301")).unwrap();
    named(
        &found,
        "compose/rules/jobs.yaml",
        "is not what it is made of",
    );
    let mut repository = real();
    repository.alertmanager = repository
        .alertmanager
        .replace("group_wait: 30s", "group_wait: 31s");
    named(
        &compose::check(&repository).unwrap(),
        "compose/alertmanager.yml",
        "is not",
    );
    assert_eq!(compose::check(&real()).unwrap(), []);
}

#[test]
fn runbooks_are_whole() {
    let mut repository = real();
    repository.runbooks.remove("QueueOld");
    named(&runbooks::check(&repository), "QueueOld", "has no runbook");
    let book = repository.runbooks["ErrorRate"].clone();
    repository.runbooks.insert("Nothing".into(), book.clone());
    named(
        &runbooks::check(&repository),
        "Nothing",
        "is a runbook of no alert",
    );
    for (from, to, wrong) in [
        ("## What to do", "## Do", "has no \"## What to do\""),
        ("kubectl logs", "kubectl logz", "no such command"),
        ("-- techcommerce doctor", "-- bash", "nothing in the image"),
        ("# ErrorRate", "# Errors", "does not begin with"),
    ] {
        assert!(book.contains(from), "{from}");
        repository
            .runbooks
            .insert("ErrorRate".into(), book.replace(from, to));
        named(&runbooks::check(&repository), "ErrorRate", wrong);
    }
    let scratch = Scratch::new("queries");
    repository
        .runbooks
        .insert("ErrorRate".into(), book.replace("topk(10,", "topk(10"));
    let (_, found) = runbooks::queries(&repository, &scratch.0).unwrap();
    named(&found, "queries", "parse error");
}

#[test]
fn promtool_is_asked() {
    let scratch = Scratch::new("promtool");
    let found = promtool::lint(&with(real(), "jobs", "> 300", "> > 300"), &scratch.0).unwrap();
    named(&found, "jobs.yaml", "");
    // Only the tests of the jobs: they take a second.
    let only = |mut repository: Repository| {
        repository.tests.retain(|name, _| name.starts_with("jobs"));
        repository.rules.retain(|file| file.name == "jobs");
        repository
    };
    let (_, found) =
        promtool::tests(&only(with(real(), "jobs", "> 300", "> 400")), &scratch.0).unwrap();
    named(&found, "QueueOld", "");
    let mut repository = only(real());
    for text in repository.tests.values_mut() {
        *text = text.replace("'QueueOld:", "'QueueYoung:");
    }
    let (_, found) = promtool::tests(&repository, &scratch.0).unwrap();
    named(&found, "QueueOld", "no test shows that it fires");
    let (count, found) = promtool::tests(&only(real()), &scratch.0).unwrap();
    assert!(count > 5, "{count}");
    assert_eq!(found, []);
}

#[test]
fn a_test_that_notices_nothing_is_found() {
    let scratch = Scratch::new("mutation");
    let mut repository = real();
    repository.rules.retain(|file| file.name == "jobs");
    let (count, found, _) = mutation::check(&repository, &scratch.0).unwrap();
    assert!(count >= 20, "{count}");
    assert_eq!(found, []);
    // The end of each case alone: that it fires some time.
    for text in repository.tests.values_mut() {
        *text = text
            .replace("eval_time: 10m10s", "eval_time: 19m")
            .replace("eval_time: 10m\n", "eval_time: 0s\n");
    }
    let (_, found, _) = mutation::check(&repository, &scratch.0).unwrap();
    named(&found, "QueueOld: 300", "no test notices");
    named(&found, "QueueOld: for 300", "no test notices");
}

#[test]
fn every_route_leads_somewhere() {
    let scratch = Scratch::new("routes");
    for (from, to, place, wrong) in [
        (
            "receiver: money-page",
            "receiver: shop-page",
            "LedgerUnbalanced",
            "does not go to money-page",
        ),
        (
            "'severity=\"critical\"'",
            "'severity=\"crit\"'",
            "ServiceDown",
            "does not go to shop-page",
        ),
        (
            "  - name: nobody\n",
            "  - name: nobody\n  - name: forgotten\n",
            "forgotten",
            "no test leads",
        ),
        (
            "slack_api_url_file: /etc/alertmanager/receivers/slack-url",
            "slack_api_url: https://hooks.slack.com/x",
            "slack_api_url",
            "is secret",
        ),
        ("group_wait: 30s", "group_wait: soon", "", "soon"),
        (
            "text: '{{ template \"shop.slack\" . }}'",
            "text: hello",
            "",
            "",
        ),
    ] {
        let mut repository = real();
        assert!(repository.alertmanager.contains(from), "{from}");
        repository.alertmanager = repository.alertmanager.replacen(from, to, 1);
        if from.starts_with("text") {
            // Every text of ours is a template; one that is not is seen where all are gone.
            repository.alertmanager = real()
                .alertmanager
                .replace("template \"shop.", "template \"slack.default.");
            let (_, found) = alertmanager::check(&repository, &scratch.0).unwrap();
            named(
                &found,
                "shop-page",
                "has no slack_configs with our templates",
            );
            continue;
        }
        let (_, found) = alertmanager::check(&repository, &scratch.0).unwrap();
        named(&found, place, wrong);
    }
    let (count, found) = alertmanager::check(&real(), &scratch.0).unwrap();
    assert!(count > 150, "{count}");
    assert_eq!(found, []);
}

#[test]
fn messages_read_as_approved() {
    let scratch = Scratch::new("templates");
    let mut repository = real();
    let text = repository.templates.get_mut("shop.tmpl").unwrap();
    *text = text.replace("What to do", "What not to do");
    let (_, found) = templates::check(&repository, &scratch.0, false).unwrap();
    named(&found, "golden", "What not to do");
    let (count, found) = templates::check(&real(), &scratch.0, false).unwrap();
    assert!(count >= 28, "{count}");
    assert_eq!(found, []);
}

#[test]
fn one_outage_is_one_page() {
    let scratch = Scratch::new("inhibition");
    let (count, found) = inhibition::check(&real(), &scratch.0).unwrap();
    assert!(count > 100, "{count}");
    assert_eq!(found, []);
    let mut repository = real();
    repository.alertmanager = repository
        .alertmanager
        .replace("'cause=\"database\"'", "'cause=\"databases\"'");
    let (_, found) = inhibition::check(&repository, &scratch.0).unwrap();
    named(&found, "the database is gone", "WorkerSilent is told");
    named(&found, "the database is gone", "pages, where 1");
}

#[test]
fn too_much_is_muted() {
    let scratch = Scratch::new("muted");
    let mut repository = real();
    repository.alertmanager = repository.alertmanager.replace(
        "'explained_by=~\"(.*,)?auth(,.*)?\"'",
        "'alertname=~\".+\"'",
    );
    let (_, found) = inhibition::check(&repository, &scratch.0).unwrap();
    named(&found, "auth is down", "PaymentsFail is muted");
}

#[test]
fn commands_of_runbooks_are_run() {
    let Ok(program) = std::env::var("TECHCOMMERCE_TEST_BINARY") else {
        // The step `monitoring` names it.
        return;
    };
    let scratch = Scratch::new("commands");
    let mut repository = real();
    repository.runbooks.retain(|name, _| name == "ErrorRate");
    let text = repository.runbooks.get_mut("ErrorRate").unwrap();
    *text = text.replace("techcommerce doctor", "techcommerce doktor");
    let (_, found) = runbooks_run::check(&repository, Path::new(&program), &scratch.0).unwrap();
    named(&found, "ErrorRate", "doktor");
}

#[test]
fn commands_of_kubectl_are_read_by_it() {
    let scratch = Scratch::new("kubectl");
    let mut repository = real();
    repository.runbooks.retain(|name, _| name == "ErrorRate");
    let text = repository.runbooks.get_mut("ErrorRate").unwrap();
    *text = text.replace("--tail=100", "--tale=100");
    let (count, found) = runbooks_run::kubectl(&repository, &scratch.0).unwrap();
    // A machine without kubectl goes by the grammar alone.
    if count > 0 {
        named(&found, "ErrorRate", "--tale");
    }
}
