//! What all pods have: labels, priority, no service links; ours go by the conventions.

use crate::finding::Finding;
use crate::program::Program;
use crate::rendered::Rendered;

pub const NAME: &str = "pods";

pub fn check(rendered: &Rendered, _: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    for workload in rendered.workloads() {
        let mut say = |field: &str, wrong: String, mend: &str| {
            found.push(Finding::at(
                NAME,
                workload.object,
                &workload.field(field),
                wrong,
                mend,
            ));
        };
        if workload.pod.enable_service_links != Some(false) {
            say(
                "spec.enableServiceLinks",
                "is not false".to_owned(),
                "a Service named postgres would set POSTGRES_PORT",
            );
        }
        if workload.pod.priority_class_name.is_none() {
            say(
                "spec.priorityClassName",
                "is missing".to_owned(),
                "one of the PriorityClasses of the shop",
            );
        }
        for label in ["app.kubernetes.io/name", "app.kubernetes.io/part-of"] {
            if !workload.labels.contains_key(label) {
                say(
                    "metadata.labels",
                    format!("have no {label}"),
                    "policies and dashboards go by it",
                );
            }
        }
        if workload.is_lasting() && !workload.ours().is_empty() {
            match workload.service() {
                None => say(
                    "spec.containers.args",
                    "do not begin with `serve` and one service".to_owned(),
                    "args: [serve, SERVICE]",
                ),
                Some(service) => {
                    let name = workload
                        .labels
                        .get("app.kubernetes.io/name")
                        .map(String::as_str);
                    if name != Some(service) || workload.name() != service {
                        say(
                            "metadata.labels",
                            format!("it serves `{service}`, but is named otherwise"),
                            "the workload, its label app.kubernetes.io/name and the service have one name",
                        );
                    }
                }
            }
            if workload.pod.topology_spread_constraints.is_none() && workload.pod.affinity.is_none()
            {
                say(
                    "spec.topologySpreadConstraints",
                    "are missing".to_owned(),
                    "all replicas on one node are lost with it",
                );
            }
        }
        for (field, container) in workload.ours() {
            if container.command.is_some() {
                found.push(Finding::at(
                    NAME,
                    workload.object,
                    &format!("{field}.command"),
                    "replaces the image's entry point",
                    "say what to do in args; the entry point is the program",
                ));
            }
        }
    }
    found
}
