//! How much room is left, and what it costs.

use super::build::{Colour, Dashboard, Panel, Unit, Variable};
use super::promql::{max, over_range, rate, series, sum};
use super::{NAMESPACE, OURS};

pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "capacity",
        title: "Capacity and cost",
        description: "How much of what there is the shop uses, how near it is to its limits, and what that costs \
                      at the prices above. What speaks of pods, quotas and volumes is empty outside of Kubernetes.",
        from: "now-24h",
        variables: vec![
            NAMESPACE,
            Variable::Text {
                name: "core_price",
                heading: "A core, a month",
                value: "20",
            },
            Variable::Text {
                name: "memory_price",
                heading: "A gigabyte of memory, a month",
                value: "3",
            },
            Variable::Text {
                name: "disk_price",
                heading: "A gigabyte of disk, a month",
                value: "0.1",
            },
        ],
        links: vec![],
        rows: vec![
            ("Cost", cost()),
            ("What is used", used()),
            ("Scaling (Kubernetes)", scaling()),
            ("Limits (Kubernetes)", limits()),
            ("Disks and certificates", disks()),
        ],
    }
}

fn requested(resource: &str) -> String {
    series(
        "kube_pod_container_resource_requests",
        &format!(
            "resource=\"{resource}\", container=~\"frontend|api|product-api|order-api|auth|images|worker|postgres|redis\""
        ),
    )
}

fn claimed() -> String {
    series(
        "kube_persistentvolumeclaim_resource_requests_storage_bytes",
        "",
    )
}

fn of_use(by: &str) -> String {
    format!(
        "{} * $core_price + {} / 1e9 * $memory_price",
        sum(by, &rate("process_cpu_seconds_total", OURS)),
        sum(by, &series("process_resident_memory_bytes", OURS)),
    )
}

fn cost() -> Vec<Panel> {
    let reserved = format!(
        "sum({}) * $core_price + sum({}) / 1e9 * $memory_price + (sum({}) or vector(0)) / 1e9 * $disk_price",
        requested("cpu"),
        requested("memory"),
        claimed()
    );
    vec![
        Panel::number(
            "What is used, a month",
            Unit::Money,
            "Processor and memory that the services use now, at the prices above, as if it went on for a month.",
        )
        .query(of_use(""), "a month")
        .wide(6),
        Panel::number(
            "What is reserved, a month",
            Unit::Money,
            "Processor, memory and disk that the pods of the shop have reserved, at the prices above: what a \
             cluster has to have. Kubernetes only.",
        )
        .query(reserved, "a month")
        .wide(6),
        Panel::number(
            "A thousand orders cost",
            Unit::Money,
            "What is used, for a thousand of the orders that come at the pace of the time shown.",
        )
        .query(
            format!(
                "1000 * ({}) / ({} * 30 * 86400 / $__range_s > 0)",
                of_use(""),
                sum("", &over_range("techcommerce_orders_placed_total", ""))
            ),
            "a thousand orders",
        )
        .wide(6),
        Panel::number(
            "Reserved and used",
            Unit::Share,
            "Of the processor time that is reserved, how much is used. Far below 30 %: smaller requests would do. \
             Kubernetes only.",
        )
        .query(
            format!(
                "{} / sum({})",
                sum("", &rate("process_cpu_seconds_total", OURS)),
                requested("cpu")
            ),
            "used",
        )
        .wide(6),
        Panel::stacked(
            "Where it goes",
            Unit::Money,
            "What each service uses, at the prices above, as if it went on for a month.",
        )
        .query(of_use("service"), "{{service}}")
        .wide(24),
    ]
}

fn used() -> Vec<Panel> {
    vec![
        Panel::stacked("Processor", Unit::Cores, "Cores that the services keep busy.")
            .query(
                sum("service", &rate("process_cpu_seconds_total", OURS)),
                "{{service}}",
            )
            .wide(8),
        Panel::stacked("Memory", Unit::Bytes, "Memory that the services hold, all processes together.")
            .query(
                sum("service", &series("process_resident_memory_bytes", OURS)),
                "{{service}}",
            )
            .wide(8),
        Panel::lines(
            "Requests for a core",
            Unit::PerSecond,
            "Requests that are answered for each core that is busy. When it falls, an answer has become dearer.",
        )
        .query(
            format!(
                "{} / ({} > 0)",
                sum("service", &rate("http_server_request_duration_seconds_count", "")),
                sum("service", &rate("process_cpu_seconds_total", OURS)),
            ),
            "{{service}}",
        )
        .wide(8),
    ]
}

const HPA: &str = "horizontalpodautoscaler";

fn scaling() -> Vec<Panel> {
    let hpa = |what: &str| {
        max(
            HPA,
            &series(&format!("kube_horizontalpodautoscaler_{what}"), ""),
        )
    };
    vec![
        Panel::lines(
            "Replicas",
            Unit::Count,
            "How many there are of each service that is scaled by its load.",
        )
        .query(hpa("status_current_replicas"), "{{horizontalpodautoscaler}}")
        .wide(8),
        Panel::bars(
            "How near to the most",
            Unit::Share,
            "Replicas of those that the autoscaler may make. At 100 % more load makes answers slower.",
        )
        .query(
            format!("{} / {}", hpa("status_current_replicas"), hpa("spec_max_replicas")),
            "{{horizontalpodautoscaler}}",
        )
        .colour(Colour::High { warn: 0.8, bad: 1.0 })
        .wide(8),
        Panel::lines(
            "Restarts",
            Unit::Count,
            "Containers that ended and were started anew within ten minutes.",
        )
        .query(
            sum(
                "namespace, pod",
                &format!(
                    "increase({}[10m])",
                    series("kube_pod_container_status_restarts_total", "")
                ),
            ),
            "{{namespace}}/{{pod}}",
        )
        .colour(Colour::High { warn: 1.0, bad: 3.0 })
        .wide(8),
    ]
}

fn limits() -> Vec<Panel> {
    vec![
        Panel::bars(
            "Quota",
            Unit::Share,
            "Of what the namespace may take at most. At 100 % no new pod starts.",
        )
        .query(
            format!(
                "{} / ({} > 0)",
                max("namespace, resource", &series("kube_resourcequota", r#"type="used""#)),
                max("namespace, resource", &series("kube_resourcequota", r#"type="hard""#)),
            ),
            "{{namespace}} {{resource}}",
        )
        .colour(Colour::High { warn: 0.8, bad: 0.9 })
        .wide(8),
        Panel::lines(
            "Memory of their limits",
            Unit::Share,
            "Memory of each container, of what it may have. At 100 % it is ended.",
        )
        .query(
            format!(
                "{} / {}",
                max(
                    "namespace, pod, container",
                    &series("container_memory_working_set_bytes", r#"container!="", container!="POD""#)
                ),
                max(
                    "namespace, pod, container",
                    &series("kube_pod_container_resource_limits", r#"resource="memory""#)
                ),
            ),
            "{{pod}} {{container}}",
        )
        .colour(Colour::High { warn: 0.8, bad: 0.95 })
        .wide(8),
        Panel::bars(
            "Nodes",
            Unit::Share,
            "Processor and memory of each node that are in use.",
        )
        .query(
            r#"1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))"#,
            "{{instance}}, processor",
        )
        .query(
            "1 - max by (instance) (node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)",
            "{{instance}}, memory",
        )
        .colour(Colour::High { warn: 0.8, bad: 0.9 })
        .wide(8),
    ]
}

fn disks() -> Vec<Panel> {
    vec![
        Panel::bars(
            "Disks of the services",
            Unit::Share,
            "How full the disks are that the services keep data and pictures on.",
        )
        .query(
            format!(
                "1 - {} / {}",
                max("service, path", &series("techcommerce_disk_free_bytes", "")),
                max("service, path", &series("techcommerce_disk_size_bytes", "")),
            ),
            "{{service}}, {{path}}",
        )
        .colour(Colour::High { warn: 0.75, bad: 0.85 })
        .wide(8),
        Panel::bars(
            "Volumes and nodes' disks",
            Unit::Share,
            "How full the volumes of the shop and the disks of the nodes are. Kubernetes only.",
        )
        .query(
            format!(
                "1 - {} / {}",
                max(
                    "namespace, persistentvolumeclaim",
                    &series("kubelet_volume_stats_available_bytes", "")
                ),
                max(
                    "namespace, persistentvolumeclaim",
                    &series("kubelet_volume_stats_capacity_bytes", "")
                ),
            ),
            "{{namespace}} {{persistentvolumeclaim}}",
        )
        .query(
            r#"1 - max by (instance) (node_filesystem_avail_bytes{mountpoint="/", fstype!~"tmpfs|overlay"}) / max by (instance) (node_filesystem_size_bytes{mountpoint="/", fstype!~"tmpfs|overlay"})"#,
            "node {{instance}}",
        )
        .colour(Colour::High { warn: 0.75, bad: 0.85 })
        .wide(8),
        Panel::bars(
            "Certificates end in",
            Unit::Seconds,
            "Until the certificates run out: those that the services watch (certificates.watch), and those of \
             cert-manager.",
        )
        .query(
            format!(
                "{} - time()",
                max("name", &series("techcommerce_certificate_expiry_timestamp_seconds", ""))
            ),
            "{{name}}",
        )
        .query(
            format!(
                "{} - time()",
                max(
                    "namespace, name",
                    &series("certmanager_certificate_expiration_timestamp_seconds", "")
                )
            ),
            "{{namespace}} {{name}}",
        )
        .colour(Colour::Low { warn: 1_814_400.0, bad: 604_800.0 })
        .wide(8),
    ]
}
