//! What is kept: claims that all their pods can mount, places to write, bounded scratch space.

use crate::checks::effective;
use crate::finding::Finding;
use crate::program::Program;
use crate::rendered::Rendered;
use crate::replicas;
use crate::workload::Workload;

pub const NAME: &str = "storage";

/// Services that write below `data_dir` (docs/operations.md, "What each needs").
const WRITERS: &[&str] = &["product-api", "auth", "images", "worker"];

pub fn check(rendered: &Rendered, program: &Program) -> Vec<Finding> {
    let workloads = rendered.workloads();
    let mut found = Vec::new();
    for workload in &workloads {
        found.extend(scratch(workload));
        found.extend(data_dir(rendered, workload, program));
        found.extend(governing(rendered, workload));
    }
    for claim in rendered.of("PersistentVolumeClaim") {
        let users: Vec<&Workload<'_>> = workloads
            .iter()
            .filter(|workload| {
                let mut volumes = workload.pod.volumes.iter().flatten();
                volumes.any(|volume| {
                    let source = volume.persistent_volume_claim.as_ref();
                    source.is_some_and(|source| source.claim_name == claim.name)
                })
            })
            .collect();
        let pods: i64 = users
            .iter()
            .map(|user| replicas::of(rendered, user).most)
            .sum();
        let shared = claim
            .list("/spec/accessModes")
            .iter()
            .any(|mode| mode == "ReadWriteMany");
        if pods > 1 && !shared && !users.iter().all(|user| stays_together(user)) {
            found.push(Finding::at(
                NAME,
                claim,
                "spec.accessModes",
                format!("has no ReadWriteMany, but up to {pods} pods on several nodes mount it"),
                "ReadWriteMany, or keep its pods on one node by a required podAffinity",
            ));
        }
        if users.is_empty() {
            found.push(Finding::at(
                NAME,
                claim,
                "",
                "is mounted by nobody",
                "take it out",
            ));
        }
    }
    found
}

/// A required affinity to pods on the same node.
fn stays_together(workload: &Workload<'_>) -> bool {
    let affinity = workload
        .pod
        .affinity
        .as_ref()
        .and_then(|a| a.pod_affinity.as_ref());
    let terms = affinity.and_then(|a| {
        a.required_during_scheduling_ignored_during_execution
            .as_ref()
    });
    terms.is_some_and(|terms| {
        terms
            .iter()
            .any(|term| term.topology_key == "kubernetes.io/hostname")
    })
}

fn scratch(workload: &Workload<'_>) -> Vec<Finding> {
    let volumes = workload.pod.volumes.iter().flatten();
    volumes
        .filter(|volume| {
            volume
                .empty_dir
                .as_ref()
                .is_some_and(|dir| dir.size_limit.is_none())
        })
        .map(|volume| {
            Finding::at(
                NAME,
                workload.object,
                &workload.field(&format!("spec.volumes[{}].emptyDir", volume.name)),
                "has no sizeLimit: it may fill the node's disk",
                "sizeLimit",
            )
        })
        .collect()
}

/// Root is read-only, so the data folder has to be a volume.
fn data_dir(rendered: &Rendered, workload: &Workload<'_>, program: &Program) -> Vec<Finding> {
    if !workload
        .service()
        .is_some_and(|service| WRITERS.contains(&service))
    {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (field, container) in workload.ours() {
        if effective(rendered, workload, container, program).is_err() {
            continue;
        }
        let secrets = crate::program::pod::SecretValues::new();
        let variables =
            crate::program::pod::variables(rendered, workload, container, program, &secrets);
        let Some(folder) = variables.get("TECHCOMMERCE_DATA_DIR") else {
            continue;
        };
        let writable = container.volume_mounts.iter().flatten().any(|mount| {
            let place = mount.mount_path.trim_end_matches('/');
            mount.read_only != Some(true)
                && (folder == place || folder.starts_with(&format!("{place}/")))
        });
        if !writable {
            found.push(Finding::at(
                NAME,
                workload.object,
                &format!("{field}.volumeMounts"),
                format!("nothing writable is mounted at the data folder {folder}"),
                "an emptyDir or a claim",
            ));
        }
    }
    found
}

/// A StatefulSet's pods get their names from a headless Service.
fn governing(rendered: &Rendered, workload: &Workload<'_>) -> Option<Finding> {
    let name = workload
        .object
        .text("/spec/serviceName")
        .filter(|_| workload.object.kind == "StatefulSet")?;
    rendered
        .find("Service", workload.object.namespace.as_deref(), name)
        .is_none()
        .then(|| {
            Finding::at(
                NAME,
                workload.object,
                "spec.serviceName",
                format!("there is no Service `{name}`"),
                "add it (clusterIP: None), or mend the name",
            )
        })
}
