//! Autoscalers aim at something that is there, refer to requests that are there, and nobody else
//! decides the number of replicas.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::finding::Finding;
use crate::object::Object;
use crate::program::Program;
use crate::rendered::Rendered;
use crate::replicas;
use crate::workload::Workload;

pub const NAME: &str = "scaling";

pub fn check(rendered: &Rendered, _: &Program) -> Vec<Finding> {
    let workloads = rendered.workloads();
    let mut found = Vec::new();
    for scaler in rendered
        .of("HorizontalPodAutoscaler")
        .chain(rendered.of("ScaledObject"))
    {
        let kind = scaler
            .text("/spec/scaleTargetRef/kind")
            .unwrap_or("Deployment");
        let name = scaler.text("/spec/scaleTargetRef/name").unwrap_or_default();
        let target = workloads.iter().find(|workload| {
            workload.object.kind == kind
                && workload.name() == name
                && workload.object.namespace == scaler.namespace
        });
        let Some(target) = target else {
            found.push(Finding::at(
                NAME,
                scaler,
                "spec.scaleTargetRef",
                format!("there is no {kind} `{name}`"),
                "name a workload that is there",
            ));
            continue;
        };
        let version = scaler
            .text("/spec/scaleTargetRef/apiVersion")
            .unwrap_or("apps/v1");
        if version != target.object.api_version {
            found.push(Finding::at(
                NAME,
                scaler,
                "spec.scaleTargetRef.apiVersion",
                format!(
                    "is {version}, but {} is of {}",
                    target.object, target.object.api_version
                ),
                target.object.api_version.as_str(),
            ));
        }
        found.extend(bounds(rendered, scaler, target));
        found.extend(metrics(scaler, target));
    }
    for workload in &workloads {
        found.extend(decided(rendered, workload));
    }
    found.extend(twice(rendered));
    found
}

fn bounds(rendered: &Rendered, scaler: &Object, target: &Workload<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let range = replicas::of(rendered, target);
    let field = if scaler.kind == "ScaledObject" {
        "spec.maxReplicaCount"
    } else {
        "spec.maxReplicas"
    };
    if range.least > range.most {
        found.push(Finding::at(
            NAME,
            scaler,
            field,
            "is less than the minimum",
            "the API server refuses it",
        ));
    }
    if range.least < 1 && scaler.kind == "HorizontalPodAutoscaler" {
        found.push(Finding::at(
            NAME,
            scaler,
            "spec.minReplicas",
            "is less than one",
            "at least 1",
        ));
    }
    let production = rendered.namespace() == Some("techcommerce");
    if production && range.least < 2 && target.service().is_some_and(|service| service != "worker")
    {
        found.push(Finding::at(
            NAME,
            scaler,
            "spec.minReplicas",
            "is less than two in production: a node that is lost takes the service with it",
            "at least 2",
        ));
    }
    found
}

/// A utilisation is a part of a request: of that of every container.
fn metrics(scaler: &Object, target: &Workload<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let list = scaler.list("/spec/metrics");
    if scaler.kind == "HorizontalPodAutoscaler" && list.is_empty() {
        found.push(Finding::at(
            NAME,
            scaler,
            "spec.metrics",
            "are missing",
            "name what it goes by",
        ));
    }
    let triggers = scaler.list("/spec/triggers").iter().filter_map(|trigger| {
        let resource = trigger["type"]
            .as_str()
            .filter(|kind| ["cpu", "memory"].contains(kind))?;
        Some((resource.to_owned(), true, Value::Null))
    });
    let resources = list.iter().filter_map(|metric| {
        let part = metric
            .get("resource")
            .or_else(|| metric.get("containerResource"))?;
        let utilisation = !part["target"]["averageUtilization"].is_null();
        Some((part["name"].as_str()?.to_owned(), utilisation, part.clone()))
    });
    for (resource, utilisation, part) in resources.chain(triggers) {
        let field = format!("spec.metrics[{resource}]");
        if let Some(percent) = part["target"]["averageUtilization"].as_i64()
            && !(1..=100).contains(&percent)
        {
            found.push(Finding::at(
                NAME,
                scaler,
                &field,
                format!("aims at {percent} % of the request"),
                "1 to 100",
            ));
        }
        if let Some(kind) = part["target"]["type"].as_str() {
            let fits = match kind {
                "Utilization" => !part["target"]["averageUtilization"].is_null(),
                "AverageValue" => !part["target"]["averageValue"].is_null(),
                "Value" => !part["target"]["value"].is_null(),
                _ => false,
            };
            if !fits {
                found.push(Finding::at(
                    NAME,
                    scaler,
                    &field,
                    format!("target.type is {kind} without its value"),
                    "averageUtilization with Utilization",
                ));
            }
        }
        if let Some(name) = part["container"].as_str()
            && !target
                .pod
                .containers
                .iter()
                .any(|container| container.name == name)
        {
            found.push(Finding::at(
                NAME,
                scaler,
                &field,
                format!("{} has no container `{name}`", target.object),
                "name one that is there",
            ));
        }
        for container in &target.pod.containers {
            let requests = container
                .resources
                .as_ref()
                .and_then(|r| r.requests.as_ref());
            if utilisation && !requests.is_some_and(|requests| requests.contains_key(&resource)) {
                found.push(Finding::at(
                    NAME,
                    scaler,
                    &field,
                    format!(
                        "is a part of a request that the container `{}` of {} has not",
                        container.name, target.object
                    ),
                    "set resources.requests",
                ));
            }
        }
    }
    found
}

/// With an autoscaler, `replicas` would be set back with every `kubectl apply`; without one, a
/// stateless service of ours does not grow.
fn decided(rendered: &Rendered, workload: &Workload<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let scalers = replicas::scalers(rendered, workload);
    let says = workload.object.value.pointer("/spec/replicas").is_some();
    if !scalers.is_empty() && says && workload.object.kind == "Deployment" {
        found.push(Finding::at(
            NAME,
            workload.object,
            "spec.replicas",
            format!(
                "is set, while {} decides it: every `kubectl apply` would set it back",
                scalers[0]
            ),
            "take it out",
        ));
    }
    if scalers.is_empty() && workload.is_lasting() && workload.service().is_some() {
        found.push(Finding::at(
            NAME,
            workload.object,
            "",
            "has no autoscaler",
            "a HorizontalPodAutoscaler (the worker: KEDA serves too)",
        ));
    }
    if scalers.len() > 1 {
        let names: Vec<String> = scalers.iter().map(ToString::to_string).collect();
        found.push(Finding::at(
            NAME,
            workload.object,
            "",
            format!(
                "has several autoscalers, which work against each other: {}",
                names.join(", ")
            ),
            "keep one",
        ));
    }
    found
}

fn twice(rendered: &Rendered) -> Vec<Finding> {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut found = Vec::new();
    for scaler in rendered.of("ScaledObject") {
        for trigger in scaler.list("/spec/triggers") {
            let Some(name) = trigger
                .pointer("/authenticationRef/name")
                .and_then(Value::as_str)
            else {
                continue;
            };
            if rendered
                .find("TriggerAuthentication", scaler.namespace.as_deref(), name)
                .is_none()
                && rendered
                    .find("ClusterTriggerAuthentication", None, name)
                    .is_none()
            {
                found.push(Finding::at(
                    NAME,
                    scaler,
                    "spec.triggers",
                    format!("there is no TriggerAuthentication `{name}`"),
                    "add it, or mend the name",
                ));
            }
        }
        if let Some(other) = seen.insert(scaler.name.clone(), scaler.to_string()) {
            found.push(Finding::at(
                NAME,
                scaler,
                "metadata.name",
                format!("is also {other}"),
                "rename one",
            ));
        }
    }
    found
}
