//! Faults that only several replicas or a cluster have. What kube-state-metrics, the kubelet and the node
//! exporter would say is said by an exporter of ours.

use super::{Fault, done};

/// A cluster that is well.
pub const WELL: &str = r#"
kube_pod_container_status_restarts_total{namespace="techcommerce",pod="api-0",container="api",uid="1"} 1
kube_deployment_spec_replicas{namespace="techcommerce",deployment="api"} 2
kube_deployment_status_replicas_available{namespace="techcommerce",deployment="api"} 2
kube_horizontalpodautoscaler_status_current_replicas{namespace="techcommerce",horizontalpodautoscaler="api"} 2
kube_horizontalpodautoscaler_spec_min_replicas{namespace="techcommerce",horizontalpodautoscaler="api"} 2
kube_horizontalpodautoscaler_spec_max_replicas{namespace="techcommerce",horizontalpodautoscaler="api"} 6
kube_resourcequota{namespace="techcommerce",resourcequota="techcommerce",resource="pods",type="used"} 20
kube_resourcequota{namespace="techcommerce",resourcequota="techcommerce",resource="pods",type="hard"} 40
kubelet_volume_stats_available_bytes{namespace="techcommerce",persistentvolumeclaim="postgres"} 8000000000
kubelet_volume_stats_capacity_bytes{namespace="techcommerce",persistentvolumeclaim="postgres"} 10000000000
node_filesystem_avail_bytes{instance="10.0.0.1:9100",device="/dev/sda1",fstype="ext4",mountpoint="/"} 40000000000
node_filesystem_size_bytes{instance="10.0.0.1:9100",device="/dev/sda1",fstype="ext4",mountpoint="/"} 80000000000
"#;

/// The same with one line's number changed.
fn but(start: &str, number: &str) -> String {
    let changed = |line: &str| match line.starts_with(start) {
        true => format!(
            "{} {number}",
            line.rsplit_once(' ').map_or(line, |(name, _)| name)
        ),
        false => line.to_owned(),
    };
    WELL.lines().map(|line| changed(line) + "\n").collect()
}

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "configuration-differs",
        what: "a second replica of the frontend runs with another name of the shop",
        expected: &["ConfigurationDiffers{service=frontend}"],
        also: &[],
        aftermath: &[],
        hold: 10,
        begin: |ground| Box::pin(ground.second_frontend("TECHCOMMERCE_SHOP_NAME", "Another")),
        end: |ground| {
            ground.second = None;
            done()
        },
    },
    Fault {
        name: "pod-restarts",
        what: "a container starts again and again (said by an exporter of ours)",
        expected: &["PodRestartLoop{pod=api-0}"],
        also: &[],
        aftermath: &[],
        hold: 5,
        begin: |ground| {
            ground
                .cluster
                .says(but("kube_pod_container_status_restarts_total", "6"));
            done()
        },
        end: |_| done(),
    },
    Fault {
        name: "cluster-too-small",
        what: "the autoscaler is at its maximum and the quota nearly used (said by an exporter of ours)",
        expected: &["AutoscalerAtMaximum", "QuotaNearlyUsed"],
        also: &[],
        aftermath: &[],
        hold: 5,
        begin: |ground| {
            let most = but("kube_horizontalpodautoscaler_status_current", "6");
            ground
                .cluster
                .says(most.replace(r#"type="used"} 20"#, r#"type="used"} 39"#));
            done()
        },
        end: |ground| {
            ground.cluster.says(WELL);
            done()
        },
    },
    Fault {
        name: "node-disk-fills",
        what: "a node's disk is used to nine tenths (said by an exporter of ours)",
        expected: &["DiskFilling"],
        also: &[],
        aftermath: &[],
        hold: 5,
        begin: |ground| {
            ground
                .cluster
                .says(but("node_filesystem_avail_bytes", "8000000000"));
            done()
        },
        end: |ground| {
            ground.cluster.says(WELL);
            done()
        },
    },
];

/// Mistakes that the drill must find, and words of what it says then.
pub const PLANTED: &[(Fault, &str)] = &[
    (
        Fault {
            name: "nothing",
            what: "nothing at all",
            expected: &["PodRestartLoop"],
            also: &[],
            aftermath: &[],
            hold: 0,
            begin: |_| done(),
            end: |_| done(),
        },
        "PodRestartLoop did not arrive",
    ),
    (
        Fault {
            name: "another",
            what: "a node's disk is full",
            expected: &["PodRestartLoop"],
            also: &[],
            aftermath: &[],
            hold: 0,
            begin: |ground| {
                ground
                    .cluster
                    .says(but("node_filesystem_avail_bytes", "8000000000"));
                done()
            },
            end: |ground| {
                ground.cluster.says(WELL);
                done()
            },
        },
        "DiskFilling",
    ),
];
