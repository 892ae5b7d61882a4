//! `techcommerce metrics`: what there is to be scraped, by registering it as each service does.

use std::{collections::BTreeMap, fmt::Write, process::ExitCode};

use techcommerce_contracts::Service;
use techcommerce_kernel::{Currency, Error};
use techcommerce_store::StoreMetrics;
use techcommerce_telemetry::{Bound, Descriptor, MetricKind, Telemetry};

use crate::{
    cli::Metrics,
    ground,
    here::{Here, calls},
    say, standing,
};

/// Prints all samples, one a line: the name, who tells it, and its labels with their values (or `*`),
/// as `techcommerce_orders_failed_total worker reason=payment_failed|out_of_stock`. Or the reference
/// of all metrics.
pub fn run(arguments: &Metrics) -> Result<ExitCode, Error> {
    let all = all();
    if arguments.reference {
        say(reference(&all).trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    for (told, services) in &all {
        let services: Vec<_> = services.iter().map(|service| service.name()).collect();
        let mut words = vec![services.join(",")];
        words.extend(told.labels.iter().map(|label| {
            let values = match label.bound {
                Bound::OneOf(values) => values.join("|"),
                Bound::UpTo(_) | Bound::Words(_) => "*".to_owned(),
            };
            format!("{}={values}", label.name)
        }));
        let words = words.join(" ");
        for sample in told.samples() {
            let edge = if sample.ends_with("_bucket") {
                " le=*"
            } else {
                ""
            };
            say(format_args!("{sample} {words}{edge}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Every metric, with the services that expose it when they run apart.
fn all() -> Vec<(Descriptor, Vec<Service>)> {
    let mut all: BTreeMap<String, (Descriptor, Vec<Service>)> = BTreeMap::new();
    for service in Service::ALL {
        for told in of(service).catalogue() {
            let known = all.entry(told.name.clone());
            let (_, services) = known.or_insert_with(|| (told, Vec::new()));
            services.push(service);
        }
    }
    all.into_values().collect()
}

/// What `service` registers when it runs apart.
fn of(service: Service) -> Telemetry {
    let telemetry = ground::telemetry();
    let currency = Currency::EUR;
    let here = Here::apart(service);
    standing::describe(&telemetry, &here);
    techcommerce_telemetry::trace::describe(&telemetry);
    let stores = !here.databases().is_empty();
    if stores {
        StoreMetrics::new(&telemetry);
        telemetry.dependency_up(service.name(), "database");
    }
    for dependency in dependencies(service) {
        let meter = telemetry.dependency(service.name(), dependency);
        // The others are given up and tried anew by whoever keeps the connection, or by the job.
        if !["smtp", "payment-provider", "picture-source"].contains(&dependency)
            && (service, dependency) != (Service::Auth, "redis")
        {
            meter.breaker(false);
        }
    }
    match service {
        Service::Frontend | Service::Api => {}
        Service::ProductApi => techcommerce_product_api::describe(&telemetry),
        Service::OrderApi => techcommerce_order_api::describe(&telemetry, currency),
        Service::Auth => techcommerce_auth::describe(&telemetry),
        Service::Images => techcommerce_images::describe(&telemetry),
        Service::Worker => {
            techcommerce_worker::describe(&telemetry);
            techcommerce_mail::count(&telemetry);
            techcommerce_product_api::describe_jobs(&telemetry);
            techcommerce_order_api::describe_jobs(&telemetry, currency);
        }
    }
    telemetry
}

/// What `service` calls; its database is told of by metrics of its own.
fn dependencies(service: Service) -> Vec<&'static str> {
    let outside: &[&str] = match service {
        Service::Frontend | Service::ProductApi | Service::OrderApi => &[],
        Service::Api | Service::Auth => &["redis"],
        Service::Images => &["object-store"],
        Service::Worker => &[
            "redis",
            "object-store",
            "smtp",
            "payment-provider",
            "picture-source",
        ],
    };
    let others = calls(service).iter().map(|called| called.name());
    others.chain(outside.iter().copied()).collect()
}

/// As `docs/metrics.md` holds it.
fn reference(all: &[(Descriptor, Vec<Service>)]) -> String {
    let mut text = String::from(
        "# Metrics\n\n\
         This page is made from the program (`techcommerce metrics --reference`): each metric is\n\
         written down as it is registered. They are scraped as Prometheus text at `/metrics` of the\n\
         management listener, port 9464, which no ingress exposes. Why they are as they are is in\n\
         [decision 21](decisions/0021-metrics.md).\n\n\
         A process tells of the services that run in it; a whole shop tells of all. The column\n\
         *told by* says which do when they run apart. Gauges that say how the shop's things stand\n\
         (jobs, reservations, orders, ledgers, backups) are asked of the databases every ten seconds\n\
         by each worker and are the same for all of them: take `max by`, not `sum`. A label's value\n\
         that is none of those named here is counted as `other`. What is not known is absent, and\n\
         what did not happen yet is zero.\n\n\
         A histogram `x` is scraped as `x_bucket`, `x_count` and `x_sum`.\n",
    );
    let begins = |name: &str, part: &[&str]| part.iter().any(|start| name.starts_with(start));
    let mut left: Vec<_> = all.iter().collect();
    for (title, starts) in PARTS {
        let (here, others) = left
            .into_iter()
            .partition::<Vec<_>, _>(|(told, _)| begins(&told.name, starts));
        left = others;
        if here.is_empty() {
            continue;
        }
        let _ = write!(text, "\n## {title}\n");
        for (told, services) in here {
            describe(&mut text, told, services);
        }
    }
    text
}

/// The parts of the page, each with the beginnings of its metrics' names; the last has the rest.
const PARTS: &[(&str, &[&str])] = &[
    ("Requests", &["http_"]),
    (
        "Dependencies",
        &["techcommerce_dependency_", "techcommerce_breaker_"],
    ),
    ("Databases", &["techcommerce_db_", "techcommerce_schema_"]),
    (
        "Catalogue and stock",
        &[
            "techcommerce_product_",
            "techcommerce_reservations",
            "techcommerce_picture_",
            "techcommerce_image_",
        ],
    ),
    (
        "Orders and money",
        &[
            "techcommerce_carts_",
            "techcommerce_checkout",
            "techcommerce_order",
            "techcommerce_payment_",
            "techcommerce_captured_",
            "techcommerce_refunded_",
            "techcommerce_ledger_",
        ],
    ),
    (
        "People and mail",
        &[
            "techcommerce_auth_",
            "techcommerce_sessions_",
            "techcommerce_mails_",
        ],
    ),
    (
        "Background work",
        &["techcommerce_job", "techcommerce_worker_"],
    ),
    ("Operation", &["techcommerce_"]),
    ("The process", &[""]),
];

fn describe(text: &mut String, told: &Descriptor, services: &[Service]) {
    let _ = write!(text, "\n### `{}`\n\n{}.\n\n", told.name, told.help);
    let unit = told.unit();
    let _ = writeln!(text, "- {}, {unit}", told.kind);
    if told.kind == MetricKind::Histogram {
        let edges: Vec<_> = told.buckets.iter().map(|edge| format!("{edge}")).collect();
        let _ = writeln!(text, "- buckets up to: {}", edges.join(", "));
    }
    for label in &told.labels {
        let values = match label.bound {
            Bound::OneOf(values) => {
                let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
                values.join(", ")
            }
            Bound::UpTo(most) => format!("names known to the program, at most {most}"),
            Bound::Words(words) => words.to_owned(),
        };
        let _ = writeln!(text, "- label `{}`: {values}", label.name);
    }
    let who = match services.len() == Service::ALL.len() {
        true => "every process".to_owned(),
        false => {
            let names: Vec<_> = services.iter().map(|service| service.name()).collect();
            names.join(", ")
        }
    };
    let _ = writeln!(text, "- told by: {who}");
}

#[cfg(test)]
mod tests {
    use techcommerce_telemetry::DEPENDENCIES;

    use super::*;

    #[test]
    fn names_follow_prometheus() {
        let ends = ["_seconds", "_bytes", "_total", "_info", "_ratio"];
        // Numbers of things have no unit, but neither do they have one that is not a base unit.
        let wrong = [
            "_milliseconds",
            "_ms",
            "_micros",
            "_minutes",
            "_hours",
            "_kilobytes",
            "_percent",
        ];
        for (told, _) in all() {
            let name = &told.name;
            let of_ours = ["techcommerce_", "http_server_", "process_"];
            assert!(
                of_ours.iter().any(|start| name.starts_with(start)),
                "{name}"
            );
            assert_eq!(
                name.ends_with("_total"),
                told.kind == MetricKind::Counter,
                "{name}"
            );
            assert!(
                !wrong
                    .iter()
                    .any(|end| name.trim_end_matches("_total").ends_with(end)),
                "{name}"
            );
            if told.kind == MetricKind::Histogram {
                assert!(
                    ends.iter().any(|end| name.ends_with(end)),
                    "{name} has no unit"
                );
                assert!(
                    told.buckets.is_sorted() && !told.buckets.is_empty(),
                    "{name}"
                );
            }
            assert!(!told.help.is_empty(), "{name} says nothing");
            for reserved in ["_bucket", "_count", "_sum"] {
                assert!(!name.ends_with(reserved), "{name}");
            }
        }
    }

    #[test]
    fn every_label_is_bounded() {
        for (told, _) in all() {
            for label in &told.labels {
                match label.bound {
                    Bound::OneOf(values) => assert!((1..=20).contains(&values.len()), "{told:?}"),
                    Bound::UpTo(most) => assert!((1..=128).contains(&most), "{told:?}"),
                    Bound::Words(words) => assert!(
                        told.name == "http_server_request_duration_seconds" && !words.is_empty(),
                        "{told:?}"
                    ),
                }
                if label.name == "dependency" {
                    assert_eq!(label.bound, Bound::OneOf(DEPENDENCIES));
                }
            }
        }
    }

    #[test]
    fn the_page_has_every_metric_once() {
        let all = all();
        let page = reference(&all);
        for (told, _) in &all {
            let heading = format!("### `{}`\n", told.name);
            assert_eq!(page.matches(&heading).count(), 1, "{heading}");
        }
        assert_eq!(page.matches("\n### ").count(), all.len());
    }
}
