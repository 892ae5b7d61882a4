//! Each service: requests, whom it calls, its processes.

use super::NAMESPACE;
use super::build::{Colour, Dashboard, Panel, Unit, Variable};
use super::promql::{max, quantile, rate, series, share, sum};

const HTTP: &str = "http_server_request_duration_seconds";
const COUNT: &str = "http_server_request_duration_seconds_count";
const CALLS: &str = "techcommerce_dependency_duration_seconds";
const MINE: &str = r#"service=~"$service""#;

pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "services",
        title: "Services",
        description: "What each service answers, how quickly, whom it waits for, and what its processes take. \
                      Choose one above.",
        from: "now-3h",
        variables: vec![
            NAMESPACE,
            Variable::Label {
                name: "service",
                heading: "Service",
                metric: "techcommerce_build_info",
            },
        ],
        links: vec![("Its log", logs())],
        rows: vec![
            ("Now", now()),
            ("Requests", requests()),
            ("Whom it calls", calls()),
            ("Processes", processes()),
        ],
    }
}

/// The log of the chosen services, in Grafana's Explore.
fn logs() -> String {
    let query = r#"{"a":{"datasource":"loki","queries":[{"refId":"A","datasource":{"type":"loki","uid":"loki"},"expr":"{app=~\"${service:regex}\"} | json"}],"range":{"from":"${__from}","to":"${__to}"}}}"#;
    let encoded = query.replace('"', "%22").replace('\\', "%5C");
    format!("/explore?schemaVersion=1&orgId=1&panes={encoded}")
}

fn now() -> Vec<Panel> {
    vec![
        Panel::number("Requests", Unit::PerSecond, "Requests that are answered in a second.")
            .query(sum("", &rate(COUNT, MINE)), "requests"),
        Panel::number(
            "Errors",
            Unit::Share,
            "The share of requests that end in an error of ours (5xx). Above 5 % for five minutes somebody is called.",
        )
        .query(
            share("", (COUNT, r#"service=~"$service", status=~"5..""#), (COUNT, MINE)),
            "errors",
        )
        .colour(Colour::High { warn: 0.01, bad: 0.05 }),
        Panel::number(
            "Slowest 5 %",
            Unit::Seconds,
            "Of 20 requests, 19 are quicker than this. Above 2 s for five minutes somebody is called.",
        )
        .query(quantile(0.95, "", HTTP, MINE), "95 % are quicker")
        .colour(Colour::High { warn: 0.5, bad: 2.0 }),
        Panel::number("Under way", Unit::Count, "Requests that are being answered at this moment.")
            .query(sum("", &series("http_server_active_requests", MINE)), "requests"),
        Panel::number(
            "Processes",
            Unit::Count,
            "How many processes of it report. In a cluster: its pods.",
        )
        .query(
            format!("count({})", series("techcommerce_build_info", MINE)),
            "processes",
        ),
        Panel::number(
            "Different settings",
            Unit::NoneOrSome,
            "Services whose processes run with settings that differ: for a moment during a rollout, \
             otherwise one was forgotten.",
        )
        .query(
            format!(
                "sum(max by (service) ({0}) != bool min by (service) ({0}))",
                series("techcommerce_configuration_hash", MINE)
            ),
            "services",
        )
        .colour(Colour::High { warn: 1.0, bad: 1.0 }),
    ]
}

fn requests() -> Vec<Panel> {
    vec![
        Panel::stacked(
            "Requests by answer",
            Unit::PerSecond,
            "2xx is well, 3xx leads elsewhere, 4xx is the caller's mistake, 5xx ours.",
        )
        .query(
            format!(
                r#"sum by (class) (label_replace({}, "class", "${{1}}xx", "status", "(.).."))"#,
                rate(COUNT, MINE)
            ),
            "{{class}}",
        ),
        Panel::lines(
            "Share of errors",
            Unit::Share,
            "Requests that end in an error of ours (5xx), by service.",
        )
        .query(
            share(
                "service",
                (COUNT, r#"service=~"$service", status=~"5..""#),
                (COUNT, MINE),
            ),
            "{{service}}",
        )
        .colour(Colour::High {
            warn: 0.01,
            bad: 0.05,
        }),
        Panel::lines(
            "How long answers take",
            Unit::Seconds,
            "Half, 95 % and 99 % of the requests are answered within this time.",
        )
        .query(quantile(0.5, "", HTTP, MINE), "half")
        .query(quantile(0.95, "", HTTP, MINE), "95 %")
        .query(quantile(0.99, "", HTTP, MINE), "99 %")
        .colour(Colour::High {
            warn: 0.5,
            bad: 2.0,
        }),
        Panel::lines(
            "How long answers take, by service",
            Unit::Seconds,
            "95 % of the requests of each service are answered within this time.",
        )
        .query(quantile(0.95, "service", HTTP, MINE), "{{service}}")
        .colour(Colour::High {
            warn: 0.5,
            bad: 2.0,
        }),
        Panel::lines(
            "Busiest routes",
            Unit::PerSecond,
            "The ten routes that are asked most.",
        )
        .query(
            format!(
                "topk(10, {})",
                sum("service, method, route", &rate(COUNT, MINE))
            ),
            "{{service}} {{method}} {{route}}",
        ),
        Panel::lines(
            "Slowest routes",
            Unit::Seconds,
            "The ten routes whose slowest 5 % take longest.",
        )
        .query(
            format!(
                "topk(10, {} > 0)",
                quantile(0.95, "service, method, route", HTTP, MINE)
            ),
            "{{service}} {{method}} {{route}}",
        ),
    ]
}

fn calls() -> Vec<Panel> {
    vec![
        Panel::bars(
            "Whom it reaches",
            Unit::UpDown,
            "What each service needs, and whether it reaches it now: the question that its readiness asks.",
        )
        .query(
            format!("min by (service, dependency) ({})", series("techcommerce_dependency_up", MINE)),
            "{{service}} → {{dependency}}",
        )
        .colour(Colour::Low { warn: 1.0, bad: 0.5 })
        .wide(8),
        Panel::lines(
            "Calls",
            Unit::PerSecond,
            "How often it calls whom: other services, its database, Redis, the store of pictures, mail, payment.",
        )
        .query(
            sum("service, dependency", &rate(&format!("{CALLS}_count"), MINE)),
            "{{service}} → {{dependency}}",
        )
        .wide(8),
        Panel::lines(
            "How long calls take",
            Unit::Seconds,
            "95 % of the calls are answered within this time.",
        )
        .query(
            quantile(0.95, "service, dependency", CALLS, MINE),
            "{{service}} → {{dependency}}",
        )
        .wide(8),
        Panel::lines(
            "Calls that fail",
            Unit::Share,
            "The share of calls that end in an error, in no answer in time, or are not even tried \
             because the one called was away a moment ago.",
        )
        .query(
            share(
                "service, dependency",
                (&format!("{CALLS}_count"), r#"service=~"$service", outcome!="ok""#),
                (&format!("{CALLS}_count"), MINE),
            ),
            "{{service}} → {{dependency}}",
        )
        .colour(Colour::High { warn: 0.01, bad: 0.05 }),
        Panel::lines(
            "Open breakers",
            Unit::Count,
            "1 while a service does not call another one at all, because it was away a moment ago; every \
             few seconds one call tries again.",
        )
        .query(
            max("service, dependency", &series("techcommerce_breaker_open", MINE)),
            "{{service}} → {{dependency}}",
        )
        .colour(Colour::High { warn: 1.0, bad: 1.0 }),
    ]
}

fn processes() -> Vec<Panel> {
    vec![
        Panel::lines("Processor", Unit::Cores, "Cores that each service keeps busy, all its processes together.")
            .query(sum("service", &rate("process_cpu_seconds_total", MINE)), "{{service}}")
            .wide(8),
        Panel::lines("Memory", Unit::Bytes, "Memory that the largest process of each service holds.")
            .query(max("service", &series("process_resident_memory_bytes", MINE)), "{{service}}")
            .wide(8),
        Panel::lines(
            "Open files and connections",
            Unit::Share,
            "Of those that a process may have open; at 100 % it takes no more connections.",
        )
        .query(
            max(
                "service",
                &format!(
                    "{} / {}",
                    series("process_open_fds", MINE),
                    series("process_max_fds", MINE)
                ),
            ),
            "{{service}}",
        )
        .colour(Colour::High { warn: 0.7, bad: 0.9 })
        .wide(8),
        Panel::lines("Lines of log", Unit::PerSecond, "By level. Errors are what somebody has to look at.")
            .query(sum("level", &rate("techcommerce_log_lines_total", MINE)), "{{level}}")
            .wide(8),
        Panel::lines(
            "Log and traces lost",
            Unit::PerSecond,
            "Lines of log that were dropped because whoever takes them was too slow, and spans that the \
             collector did not take. The shop never waits for either.",
        )
        .query(sum("", &rate("techcommerce_log_lines_dropped_total", MINE)), "lines of log")
        .query(
            format!(
                "{} or vector(0)",
                sum("", &rate("techcommerce_traces_spans_total", r#"service=~"$service", outcome!="sent""#))
            ),
            "spans",
        )
        .wide(8),
        Panel::table(
            "Versions",
            Unit::Count,
            &[("service", "Service"), ("version", "Version"), ("commit", "Commit")],
            "Which version of each service runs, and in how many processes. Two of one service: a \
             rollout is under way, or stuck.",
        )
        .query(
            format!(
                "count by (service, version, commit) ({})",
                series("techcommerce_build_info", MINE)
            ),
            "Processes",
        )
        .wide(8),
        Panel::lines(
            "Running since",
            Unit::Seconds,
            "How long the youngest process of each service has been running: a line that falls is a restart.",
        )
        .query(
            format!(
                "min by (service) (time() - {})",
                series("process_start_time_seconds", MINE)
            ),
            "{{service}}",
        )
        .wide(24),
    ]
}
