//! Databases and Redis, as the services meet them.

use super::build::{Colour, Dashboard, Panel, Unit};
use super::promql::{max, quantile, rate, series, share, sum};
use super::{NAMESPACE, SERVICE_PAGE};

const QUERIES: &str = "techcommerce_db_query_duration_seconds";
const QUERY_COUNT: &str = "techcommerce_db_query_duration_seconds_count";
const CALLS: &str = "techcommerce_dependency_duration_seconds";
const CALL_COUNT: &str = "techcommerce_dependency_duration_seconds_count";
const REDIS: &str = r#"dependency="redis""#;

pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "stores",
        title: "Databases and Redis",
        description: "Where the shop keeps things, as its services meet it: connections, queries, what is \
                      read from memory, copies and backups.",
        from: "now-6h",
        variables: vec![NAMESPACE],
        links: vec![("Services", SERVICE_PAGE.to_owned())],
        rows: vec![
            ("Now", now()),
            ("Connections", connections()),
            ("Queries", queries()),
            ("Redis", redis()),
            ("Catalogue in memory", model()),
            ("Copies and backups", copies()),
        ],
    }
}

fn now() -> Vec<Panel> {
    let age = |metric: &str| format!("time() - {}", max("", &series(metric, "")));
    let reached = |title: &str, dependency: &str, description: &str| {
        Panel::number(title, Unit::UpDown, description)
            .query(
                format!(
                    "min({})",
                    series(
                        "techcommerce_dependency_up",
                        &format!("dependency=\"{dependency}\"")
                    )
                ),
                "reached",
            )
            .colour(Colour::Low {
                warn: 1.0,
                bad: 0.5,
            })
    };
    vec![
        reached("Database", "database", "Whether every service reaches its database."),
        reached("Redis", "redis", "Whether every service that needs Redis reaches it."),
        Panel::number(
            "Fullest pool",
            Unit::Share,
            "Connections in use, of those that a process may have, where most are. At 100 % requests wait for one.",
        )
        .query(format!("max({})", pool_share()), "in use")
        .colour(Colour::High { warn: 0.8, bad: 1.0 }),
        Panel::number(
            "Schemas behind",
            Unit::NoneOrSome,
            "Databases that wait for `techcommerce migrate`: the services on them are not ready.",
        )
        .query(
            format!(
                "count({} < {}) or vector(0)",
                max("schema", &series("techcommerce_schema_version", "")),
                max("schema", &series("techcommerce_schema_needed", ""))
            ),
            "schemas",
        )
        .colour(Colour::High { warn: 1.0, bad: 1.0 }),
        Panel::number("Last backup", Unit::Seconds, "How long ago the last backup was recorded.")
            .query(age("techcommerce_backup_timestamp_seconds"), "ago")
            .colour(Colour::High { warn: 93_600.0, bad: 172_800.0 }),
        Panel::number(
            "Last backup that was tried",
            Unit::Seconds,
            "How long ago a backup was last restored to see that it can be.",
        )
        .query(age("techcommerce_backup_verified_timestamp_seconds"), "ago")
        .colour(Colour::High { warn: 604_800.0, bad: 1_209_600.0 }),
    ]
}

/// How much of each process's pool is in use.
fn pool_share() -> String {
    format!(
        "sum without (state) ({}) / {}",
        series("techcommerce_db_connections", r#"state="used""#),
        series("techcommerce_db_connections_max", "")
    )
}

fn connections() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Connections",
            Unit::Count,
            "Connections that the services hold to their databases, in use and at rest, all processes together.",
        )
        .query(
            sum("service, pool, state", &series("techcommerce_db_connections", "")),
            "{{service}} {{pool}}, {{state}}",
        ),
        Panel::lines(
            "How full the pools are",
            Unit::Share,
            "Connections in use of those that a process may have, in the fullest process of each service.",
        )
        .query(max("service, pool", &pool_share()), "{{service}} {{pool}}")
        .colour(Colour::High { warn: 0.8, bad: 1.0 }),
        Panel::lines(
            "Waiting for a connection",
            Unit::Seconds,
            "How long 95 % wait at most until they have a connection.",
        )
        .query(
            quantile(0.95, "service, pool", "techcommerce_db_wait_seconds", ""),
            "{{service}} {{pool}}",
        )
        .colour(Colour::High { warn: 0.1, bad: 1.0 }),
        Panel::lines(
            "Waited in vain",
            Unit::PerMinute,
            "Requests that got no connection in time and were refused.",
        )
        .query(
            format!(
                "60 * {}",
                sum("service, pool", &rate("techcommerce_db_wait_timeouts_total", ""))
            ),
            "{{service}} {{pool}}",
        )
        .colour(Colour::High { warn: 1.0, bad: 10.0 }),
    ]
}

fn queries() -> Vec<Panel> {
    vec![
        Panel::lines("Queries", Unit::PerSecond, "Statements that each service sends to its database.")
            .query(sum("service", &rate(QUERY_COUNT, "")), "{{service}}")
            .wide(8),
        Panel::lines("How long they take", Unit::Seconds, "95 % of the statements are answered within this time.")
            .query(quantile(0.95, "service", QUERIES, ""), "{{service}}")
            .colour(Colour::High { warn: 0.1, bad: 1.0 })
            .wide(8),
        Panel::lines(
            "Queries that fail",
            Unit::Share,
            "The share of statements that the database refuses or does not answer. What a transaction tries \
             again counts too.",
        )
        .query(
            share("service", (QUERY_COUNT, r#"outcome="error""#), (QUERY_COUNT, "")),
            "{{service}}",
        )
        .colour(Colour::High { warn: 0.01, bad: 0.05 })
        .wide(8),
    ]
}

fn redis() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Calls to Redis",
            Unit::PerSecond,
            "Sessions (auth), the edge's counters of requests (api), and what the worker cleans up.",
        )
        .query(sum("service", &rate(CALL_COUNT, REDIS)), "{{service}}")
        .wide(8),
        Panel::lines("How long they take", Unit::Seconds, "95 % of the calls are answered within this time.")
            .query(quantile(0.95, "service", CALLS, REDIS), "{{service}}")
            .colour(Colour::High { warn: 0.02, bad: 0.2 })
            .wide(8),
        Panel::lines(
            "Calls that fail",
            Unit::Share,
            "Without Redis nobody signs in; browsing and guests' orders go on.",
        )
        .query(
            share("service", (CALL_COUNT, r#"dependency="redis", outcome!="ok""#), (CALL_COUNT, REDIS)),
            "{{service}}",
        )
        .colour(Colour::High { warn: 0.01, bad: 0.05 })
        .wide(8),
    ]
}

fn model() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Products in memory",
            Unit::Count,
            "Lists, search and pages of products are answered from memory; this many products are there.",
        )
        .query(max("", &series("techcommerce_product_model_products", "")), "products")
        .wide(6),
        Panel::lines(
            "Until shoppers see a change",
            Unit::Seconds,
            "From a change in the database until it is in memory: half and 95 % of the changes are quicker.",
        )
        .query(quantile(0.5, "", "techcommerce_product_model_lag_seconds", ""), "half")
        .query(quantile(0.95, "", "techcommerce_product_model_lag_seconds", ""), "95 %")
        .colour(Colour::High {
            warn: 5.0,
            bad: 60.0,
        })
        .wide(6),
        Panel::lines(
            "Changes to be read",
            Unit::Count,
            "Changes in the database that the copy that is furthest behind has not read yet.",
        )
        .query(max("", &series("techcommerce_product_model_changes_behind", "")), "changes")
        .wide(6),
        Panel::lines(
            "Last level with the database",
            Unit::Seconds,
            "How long ago the copy that is furthest behind had read every change. It looks several times a \
             second; a line that rises is a copy that stands still.",
        )
        .query(
            format!(
                "max(time() - {})",
                series("techcommerce_product_model_current_timestamp_seconds", "")
            ),
            "ago",
        )
        .colour(Colour::High {
            warn: 10.0,
            bad: 60.0,
        })
        .wide(6),
    ]
}

fn copies() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Database copies behind",
            Unit::Seconds,
            "How far the read replica is behind, as each service that has one sees it. Empty without a replica.",
        )
        .query(
            max("service", &series("techcommerce_db_replica_lag_seconds", "")),
            "{{service}}",
        )
        .colour(Colour::High { warn: 5.0, bad: 30.0 })
        .wide(8),
        Panel::lines("Size of the last backup", Unit::Bytes, "One that shrinks suddenly is worth a look.")
            .query(max("", &series("techcommerce_backup_size_bytes", "")), "backup")
            .wide(8),
        Panel::lines(
            "Standbys of CloudNativePG behind",
            Unit::Seconds,
            "How far the standby servers in the cluster are behind their primary. Empty without CloudNativePG.",
        )
        .query(max("pod", &series("cnpg_pg_replication_lag", "")), "{{pod}}")
        .colour(Colour::High { warn: 5.0, bad: 30.0 })
        .wide(8),
    ]
}
