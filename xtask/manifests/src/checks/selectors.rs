//! Selectors match what they mean: a workload its own pods and nobody else's, a Service and a
//! budget the pods of exactly one workload, a policy at least one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::finding::Finding;
use crate::object::Object;
use crate::program::Program;
use crate::rendered::Rendered;
use crate::workload::{Workload, selects};

pub const NAME: &str = "selectors";

pub fn check(rendered: &Rendered, _: &Program) -> Vec<Finding> {
    let workloads = rendered.workloads();
    let mut found = Vec::new();
    for workload in workloads.iter().filter(|workload| workload.is_lasting()) {
        found.extend(own_pods(workload, &workloads));
        found.extend(own_rules(workload));
    }
    for object in &rendered.objects {
        match object.kind.as_str() {
            "Service" => found.extend(service(object, &workloads)),
            "PodDisruptionBudget" => found.extend(exactly_one(
                object,
                object
                    .value
                    .pointer("/spec/selector")
                    .unwrap_or(&Value::Null),
                "spec.selector",
                &workloads,
            )),
            "NetworkPolicy" => found.extend(policy(object, &workloads)),
            "ServiceMonitor" => found.extend(monitor(object, rendered)),
            _ => {}
        }
    }
    found
}

fn own_pods(workload: &Workload<'_>, all: &[Workload<'_>]) -> Vec<Finding> {
    // A Rollout that takes its pods from a Deployment takes its selector as well.
    if workload.object.text("/spec/workloadRef/name").is_some() {
        return Vec::new();
    }
    let Some(selector) = workload.object.value.pointer("/spec/selector") else {
        return vec![at(
            workload.object,
            "spec.selector",
            "is missing",
            "name the pods' labels",
        )];
    };
    let mut found = Vec::new();
    if !selects(selector, &workload.labels) {
        found.push(at(
            workload.object,
            "spec.selector",
            "does not match the labels of its own pods",
            "the API server refuses it: use the labels of spec.template.metadata.labels",
        ));
    }
    for other in all {
        if other.object != workload.object
            && other.object.namespace == workload.object.namespace
            && selects(selector, &other.labels)
        {
            found.push(at(
                workload.object,
                "spec.selector",
                &format!("matches the pods of {} too", other.object),
                "give each its own app.kubernetes.io/name",
            ));
        }
    }
    found
}

/// Spread and affinity speak about the pod's own kind.
fn own_rules(workload: &Workload<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let template = Some(workload.raw);
    let spread = template
        .and_then(|t| t.pointer("/spec/topologySpreadConstraints"))
        .and_then(Value::as_array);
    for (index, constraint) in spread.into_iter().flatten().enumerate() {
        if !selects(&constraint["labelSelector"], &workload.labels)
            || constraint["labelSelector"].is_null()
        {
            found.push(at(
                workload.object,
                &workload.field(&format!(
                    "spec.topologySpreadConstraints[{index}].labelSelector"
                )),
                "does not match the pods themselves",
                "it would spread nothing: use the labels of the pod",
            ));
        }
    }
    let affinity = template.and_then(|t| t.pointer("/spec/affinity/podAntiAffinity"));
    for term in affinity.map(terms).unwrap_or_default() {
        if !selects(&term["labelSelector"], &workload.labels) {
            found.push(at(
                workload.object,
                &workload.field("spec.affinity.podAntiAffinity"),
                "does not match the pods themselves",
                "use the labels of the pod",
            ));
        }
    }
    found
}

fn terms(affinity: &Value) -> Vec<Value> {
    let required = affinity["requiredDuringSchedulingIgnoredDuringExecution"].as_array();
    let preferred = affinity["preferredDuringSchedulingIgnoredDuringExecution"].as_array();
    let preferred = preferred
        .into_iter()
        .flatten()
        .map(|term| term["podAffinityTerm"].clone());
    required
        .into_iter()
        .flatten()
        .cloned()
        .chain(preferred)
        .collect()
}

fn service(object: &Object, workloads: &[Workload<'_>]) -> Vec<Finding> {
    // One without a selector leads outside.
    let Some(labels) = object.value.pointer("/spec/selector") else {
        return Vec::new();
    };
    exactly_one(
        object,
        &json!({ "matchLabels": labels }),
        "spec.selector",
        workloads,
    )
}

/// The workloads in the object's namespace whose pods a selector matches. Jobs count as well: a
/// Service must not lead to them.
pub fn matched<'a>(
    object: &Object,
    selector: &Value,
    workloads: &'a [Workload<'a>],
) -> Vec<&'a Workload<'a>> {
    workloads
        .iter()
        .filter(|workload| {
            workload.object.namespace == object.namespace && selects(selector, &workload.labels)
        })
        .collect()
}

fn exactly_one(
    object: &Object,
    selector: &Value,
    field: &str,
    workloads: &[Workload<'_>],
) -> Vec<Finding> {
    // The operator of CloudNativePG makes the pods.
    if texts(selector)
        .keys()
        .any(|key| key.starts_with("cnpg.io/"))
    {
        return Vec::new();
    }
    match matched(object, selector, workloads).as_slice() {
        [_] => Vec::new(),
        [] => vec![at(
            object,
            field,
            "matches the pods of no workload",
            "use the labels of the pods it is for",
        )],
        many => {
            let names: Vec<String> = many.iter().map(|w| w.object.to_string()).collect();
            vec![at(
                object,
                field,
                &format!("matches the pods of several: {}", names.join(", ")),
                "name one with app.kubernetes.io/name",
            )]
        }
    }
}

fn texts(selector: &Value) -> BTreeMap<String, String> {
    crate::object::texts(selector.get("matchLabels"))
}

fn policy(object: &Object, workloads: &[Workload<'_>]) -> Vec<Finding> {
    let mut found = Vec::new();
    let selector = object
        .value
        .pointer("/spec/podSelector")
        .cloned()
        .unwrap_or_default();
    if !is_for_all(&selector)
        && !is_for_others(&selector)
        && matched(object, &selector, workloads).is_empty()
    {
        found.push(at(
            object,
            "spec.podSelector",
            "matches no pod",
            "the policy would do nothing: use the labels of the pods it is for",
        ));
    }
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for rule in object.list(&format!("/spec/{direction}")) {
            for peer in rule[peers].as_array().into_iter().flatten() {
                let selector = &peer["podSelector"];
                // Pods of other namespaces are not ours to see.
                if selector.is_null() || !peer["namespaceSelector"].is_null() {
                    continue;
                }
                if !is_for_all(selector)
                    && !is_for_others(selector)
                    && matched(object, selector, workloads).is_empty()
                {
                    found.push(at(
                        object,
                        &format!("spec.{direction}.{peers}"),
                        &format!("the podSelector {selector} matches no pod"),
                        "use the labels of the pods it means",
                    ));
                }
            }
        }
    }
    found
}

fn is_for_all(selector: &Value) -> bool {
    selector.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Pods that something outside of the rendering makes.
fn is_for_others(selector: &Value) -> bool {
    let known = |key: &str| key.starts_with("cnpg.io/") || key.starts_with("acme.cert-manager.io/");
    let expressions = selector["matchExpressions"]
        .as_array()
        .into_iter()
        .flatten();
    texts(selector).keys().any(|key| known(key))
        || expressions
            .into_iter()
            .any(|e| e["key"].as_str().is_some_and(known))
}

/// A ServiceMonitor finds a Service of ours and the port it names.
fn monitor(object: &Object, rendered: &Rendered) -> Vec<Finding> {
    let selector = object
        .value
        .pointer("/spec/selector")
        .cloned()
        .unwrap_or_default();
    // k8s/monitoring by itself measures what others bring; combinations/watched has them beside it.
    if rendered.of("Service").next().is_none() {
        return Vec::new();
    }
    let services: Vec<&Object> = rendered
        .of("Service")
        .filter(|service| selects(&selector, &service.texts("/metadata/labels")))
        .collect();
    if services.is_empty() {
        return vec![at(
            object,
            "spec.selector",
            "matches no Service",
            "use the labels of the Services",
        )];
    }
    let mut found = Vec::new();
    for endpoint in object.list("/spec/endpoints") {
        let served = services.iter().any(|service| {
            service
                .list("/spec/ports")
                .iter()
                .any(|port| port["name"] == endpoint["port"])
        });
        if !served {
            found.push(at(
                object,
                "spec.endpoints",
                &format!("no Service that it matches has a port {}", endpoint["port"]),
                "name the port `management`",
            ));
        }
    }
    found
}

fn at(object: &Object, field: &str, wrong: &str, mend: &str) -> Finding {
    Finding::at(NAME, object, field, wrong, mend)
}
