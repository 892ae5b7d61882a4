//! The quota holds everything at once: all autoscalers at their maximum, every Deployment in the
//! middle of a rollout, every Job running.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::checks::{references, resources};
use crate::finding::Finding;
use crate::object::Object;
use crate::program::Program;
use crate::quantity::{milli, show};
use crate::rendered::Rendered;
use crate::replicas;
use crate::workload::Workload;

pub const NAME: &str = "quota";

pub fn check(rendered: &Rendered, program: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    let quotas: Vec<&Object> = rendered.of("ResourceQuota").collect();
    if quotas.is_empty() && rendered.workloads().iter().any(|w| w.service().is_some()) {
        found.push(Finding::of(
            NAME,
            rendered.folder.as_str(),
            "has no ResourceQuota",
            "the namespace needs one",
        ));
    }
    if rendered.of("LimitRange").next().is_none() && !quotas.is_empty() {
        found.push(Finding::of(
            NAME,
            rendered.folder.as_str(),
            "has no LimitRange",
            "a pod without limits would be refused by the quota: give it defaults",
        ));
    }
    for quota in quotas {
        found.extend(one(rendered, quota, program));
    }
    found
}

fn one(rendered: &Rendered, quota: &Object, program: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    let workloads: Vec<Workload<'_>> = rendered
        .workloads()
        .into_iter()
        .filter(|workload| {
            workload.object.namespace == quota.namespace && in_scope(quota, workload)
        })
        .collect();
    let needed = needed(rendered, quota, &workloads, program);
    let hard = quota.texts("/spec/hard");
    if hard.is_empty() {
        found.push(Finding::at(
            NAME,
            quota,
            "spec.hard",
            "is empty, or has a number that is no text",
            "write quantities in quotes",
        ));
    }
    for (name, text) in &hard {
        let field = format!("spec.hard[{name}]");
        let Some(limit) = milli(text) else {
            found.push(Finding::at(
                NAME,
                quota,
                &field,
                format!("`{text}` is no quantity"),
                "as 4 or 8Gi",
            ));
            continue;
        };
        // `cpu` says the same as `requests.cpu`.
        let key = match name.as_str() {
            "cpu" | "memory" | "ephemeral-storage" => format!("requests.{name}"),
            other => other.to_owned(),
        };
        let need = needed.get(&key).copied().unwrap_or(0);
        if need > limit {
            found.push(Finding::at(
                NAME,
                quota,
                &field,
                format!(
                    "{} is less than the {} that all autoscalers at their maximum, rollouts and Jobs take together",
                    text,
                    show(&key, need)
                ),
                format!("at least {}", show(&key, need)),
            ));
        }
        if !key.starts_with("requests.") && !key.starts_with("limits.") || key.ends_with("storage")
        {
            continue;
        }
        for workload in &workloads {
            for (at, container) in workload.containers() {
                let asked =
                    resources::asked(rendered, workload.object.namespace.as_deref(), container);
                if !asked.contains_key(&key) {
                    found.push(Finding::at(
                        NAME,
                        workload.object,
                        &format!("{at}.resources"),
                        format!("has no {key}, and the quota counts it: the pod is refused"),
                        "set it, or give it a default in the LimitRange",
                    ));
                }
            }
        }
    }
    found
}

/// Whether a quota with a scope counts these pods.
fn in_scope(quota: &Object, workload: &Workload<'_>) -> bool {
    quota
        .list("/spec/scopeSelector/matchExpressions")
        .iter()
        .all(|expression| {
            if expression["scopeName"] != "PriorityClass" {
                return true;
            }
            let class = workload.pod.priority_class_name.as_deref();
            let among = expression["values"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|v| v.as_str() == class);
            match expression["operator"].as_str() {
                Some("In") => among,
                Some("NotIn") => !among,
                Some("Exists") => class.is_some(),
                _ => true,
            }
        })
}

fn needed(
    rendered: &Rendered,
    quota: &Object,
    workloads: &[Workload<'_>],
    program: &Program,
) -> BTreeMap<String, i128> {
    let mut sum: BTreeMap<String, i128> = BTreeMap::new();
    let mut add = |key: &str, value: i128| *sum.entry(key.to_owned()).or_default() += value;
    for workload in workloads {
        let most = replicas::of(rendered, workload).most;
        let pods = i128::from(most + replicas::surge(workload, most));
        add("pods", pods * 1_000);
        add("count/pods", pods * 1_000);
        for (key, value) in per_pod(rendered, workload) {
            add(&key, value * pods);
        }
        for template in workload.object.list("/spec/volumeClaimTemplates") {
            add(
                "persistentvolumeclaims",
                i128::from(workload.replicas()) * 1_000,
            );
            let size = template
                .pointer("/spec/resources/requests/storage")
                .and_then(Value::as_str);
            add(
                "requests.storage",
                size.and_then(milli).unwrap_or(0) * i128::from(workload.replicas()),
            );
        }
    }
    for object in rendered
        .objects
        .iter()
        .filter(|object| object.namespace == quota.namespace)
    {
        let plural = match object.kind.as_str() {
            "ConfigMap" => "configmaps",
            "Secret" => "secrets",
            "Service" => "services",
            "PersistentVolumeClaim" => "persistentvolumeclaims",
            "Deployment" => "count/deployments.apps",
            "Job" => "count/jobs.batch",
            "CronJob" => "count/cronjobs.batch",
            "StatefulSet" => "count/statefulsets.apps",
            "Ingress" => "count/ingresses.networking.k8s.io",
            _ => continue,
        };
        add(plural, 1_000);
        if !plural.starts_with("count/") {
            add(&format!("count/{plural}"), 1_000);
        }
        if object.kind == "PersistentVolumeClaim" {
            let size = object
                .text("/spec/resources/requests/storage")
                .and_then(milli);
            add("requests.storage", size.unwrap_or(0));
        }
        match object.text("/spec/type") {
            Some("LoadBalancer") => add("services.loadbalancers", 1_000),
            Some("NodePort") => add(
                "services.nodeports",
                object.list("/spec/ports").len() as i128 * 1_000,
            ),
            _ => {}
        }
    }
    // Every namespace has kube-root-ca.crt.
    add("configmaps", 1_000);
    add("count/configmaps", 1_000);
    if references::secrets_job(rendered).is_some() {
        let made = program.secrets.len() as i128 * 1_000;
        add("secrets", made);
        add("count/secrets", made);
    }
    sum
}

/// What one pod counts: its containers together, or the largest init container if that is more.
fn per_pod(rendered: &Rendered, workload: &Workload<'_>) -> BTreeMap<String, i128> {
    let namespace = workload.object.namespace.as_deref();
    let mut sum: BTreeMap<String, i128> = BTreeMap::new();
    for container in &workload.pod.containers {
        for (key, value) in resources::asked(rendered, namespace, container) {
            *sum.entry(key).or_default() += value;
        }
    }
    for container in workload.pod.init_containers.iter().flatten() {
        for (key, value) in resources::asked(rendered, namespace, container) {
            let entry = sum.entry(key).or_default();
            *entry = (*entry).max(value);
        }
    }
    sum
}
