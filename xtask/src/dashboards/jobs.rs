//! The worker and the jobs that the databases hold.

use super::build::{Colour, Dashboard, Panel, Unit};
use super::promql::{max, over_range, quantile, rate, series, share, sum};
use super::{NAMESPACE, SERVICE_PAGE};

const RUNS: &str = "techcommerce_job_duration_seconds";
const COUNT: &str = "techcommerce_job_duration_seconds_count";
const JOBS: &str = "techcommerce_jobs";

/// Every worker reports every queue, so the largest report of each is taken, not their sum.
fn waiting(by: &str, labels: &str) -> String {
    sum(
        by,
        &max("namespace, queue, kind, state", &series(JOBS, labels)),
    )
}

pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "jobs",
        title: "Worker and jobs",
        description: "What waits to be done after the shopper had the answer: payments, mails, pictures, \
                      cleaning up. Staff see each job, and try failed ones again, in the shop's administration.",
        from: "now-6h",
        variables: vec![NAMESPACE],
        links: vec![(
            "The worker's own page",
            format!("{SERVICE_PAGE}?var-service=worker"),
        )],
        rows: vec![("Now", now()), ("Queues", queues()), ("Runs", runs())],
    }
}

fn now() -> Vec<Panel> {
    let state = |title: &str, state: &str, description: &str| {
        Panel::number(title, Unit::Count, description)
            .query(waiting("", &format!("state=\"{state}\"")), "jobs")
    };
    vec![
        state("Ready", "ready", "Jobs that could be done now and wait for a worker."),
        state("Running", "running", "Jobs that a worker does at this moment."),
        state(
            "For later",
            "scheduled",
            "Jobs that have a time to come: schedules, and those that are tried again after a failure.",
        ),
        state(
            "Given up",
            "dead",
            "Jobs that failed every time. They stay until somebody tries them again or gives them up.",
        )
        .colour(Colour::High { warn: 1.0, bad: 10.0 }),
        Panel::number(
            "Oldest",
            Unit::Seconds,
            "How long the oldest job that could be done has been waiting.",
        )
        .query(
            max("", &series("techcommerce_jobs_oldest_age_seconds", "")),
            "waiting",
        )
        .colour(Colour::High { warn: 60.0, bad: 300.0 }),
        Panel::number(
            "Last sign of life",
            Unit::Seconds,
            "How long ago a worker last looked into the queue that was looked into longest ago.",
        )
        .query(
            format!(
                "max(time() - {})",
                max(
                    "namespace, queue",
                    &series("techcommerce_worker_heartbeat_timestamp_seconds", "")
                )
            ),
            "ago",
        )
        .colour(Colour::High { warn: 30.0, bad: 120.0 }),
    ]
}

fn queues() -> Vec<Panel> {
    vec![
        Panel::stacked(
            "What waits",
            Unit::Count,
            "Jobs that could be done now, by kind: order.advance is payment, mail.send a mail, and so on.",
        )
        .query(waiting("kind", r#"state="ready""#), "{{kind}}"),
        Panel::lines(
            "How long the oldest waits",
            Unit::Seconds,
            "By queue: each service's database has one.",
        )
        .query(
            max("queue", &series("techcommerce_jobs_oldest_age_seconds", "")),
            "{{queue}}",
        )
        .colour(Colour::High { warn: 60.0, bad: 300.0 }),
        Panel::lines(
            "Signs of life",
            Unit::Seconds,
            "How long ago a worker last looked into each queue.",
        )
        .query(
            format!(
                "time() - {}",
                max("queue", &series("techcommerce_worker_heartbeat_timestamp_seconds", ""))
            ),
            "{{queue}}",
        )
        .colour(Colour::High { warn: 30.0, bad: 120.0 }),
        Panel::lines(
            "Given up",
            Unit::Count,
            "Jobs that failed every time, by kind.",
        )
        .query(waiting("kind", r#"state="dead""#), "{{kind}}")
        .colour(Colour::High { warn: 1.0, bad: 10.0 }),
    ]
}

fn runs() -> Vec<Panel> {
    vec![
        Panel::lines("Jobs that are run", Unit::PerMinute, "By kind, however they end.")
            .query(format!("60 * {}", sum("kind", &rate(COUNT, ""))), "{{kind}}"),
        Panel::lines(
            "How they end",
            Unit::PerMinute,
            "Done; postponed, because it is not time yet; failed, to be tried again; dead, given up; lost, \
             because their worker was gone and another one took them.",
        )
        .query(format!("60 * {}", sum("outcome", &rate(COUNT, ""))), "{{outcome}}"),
        Panel::lines(
            "How long they take",
            Unit::Seconds,
            "95 % of the runs of each kind are over within this time.",
        )
        .query(quantile(0.95, "kind", RUNS, ""), "{{kind}}"),
        Panel::lines(
            "Runs that fail",
            Unit::Share,
            "The share of the runs of each kind that end in a failure.",
        )
        .query(
            share("kind", (COUNT, r#"outcome=~"failed|dead|lost""#), (COUNT, "")),
            "{{kind}}",
        )
        .colour(Colour::High { warn: 0.05, bad: 0.5 }),
        Panel::bars(
            "Tried again",
            Unit::Count,
            "How often a job was tried again in the time shown, by kind.",
        )
        .query(sum("kind", &over_range("techcommerce_job_retries_total", "")), "{{kind}}"),
        Panel::lines(
            "Workers",
            Unit::Count,
            "How many workers report. With none, orders are still taken, but nothing is charged or sent.",
        )
        .query(
            format!("count({})", series("techcommerce_build_info", r#"service="worker""#)),
            "workers",
        ),
    ]
}
