//! Every container asks for what it needs and is held to a limit, within what the LimitRange
//! allows.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Container;

use crate::finding::Finding;
use crate::object::texts;
use crate::program::Program;
use crate::quantity::milli;
use crate::rendered::Rendered;
use crate::workload::Workload;

pub const NAME: &str = "resources";

pub fn check(rendered: &Rendered, _: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    for workload in rendered.workloads() {
        for (field, container) in workload.containers() {
            found.extend(one(rendered, &workload, &field, container));
        }
    }
    found
}

/// What a container asks for and is held to, with the LimitRange's defaults: `requests.cpu` and so
/// on.
pub fn asked(
    rendered: &Rendered,
    namespace: Option<&str>,
    container: &Container,
) -> BTreeMap<String, i128> {
    let mut all = BTreeMap::new();
    let resources = container.resources.clone().unwrap_or_default();
    for (name, quantity) in resources.limits.iter().flatten() {
        if let Some(value) = milli(&quantity.0) {
            all.insert(format!("limits.{name}"), value);
            // Without a request, the limit is the request.
            all.insert(format!("requests.{name}"), value);
        }
    }
    for (name, quantity) in resources.requests.iter().flatten() {
        if let Some(value) = milli(&quantity.0) {
            all.insert(format!("requests.{name}"), value);
        }
    }
    for item in limits(rendered, namespace) {
        for (what, field) in [("limits", "default"), ("requests", "defaultRequest")] {
            for (name, text) in texts(item.get(field)) {
                if let Some(value) = milli(&text) {
                    all.entry(format!("{what}.{name}")).or_insert(value);
                }
            }
        }
    }
    all
}

/// The LimitRange's rules for containers.
fn limits(rendered: &Rendered, namespace: Option<&str>) -> Vec<serde_json::Value> {
    rendered
        .of("LimitRange")
        .filter(|range| range.namespace.as_deref() == namespace)
        .flat_map(|range| range.list("/spec/limits").to_vec())
        .filter(|item| item["type"] == "Container")
        .collect()
}

fn one(
    rendered: &Rendered,
    workload: &Workload<'_>,
    field: &str,
    container: &Container,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let field = format!("{field}.resources");
    let mut say = |wrong: String, mend: &str| {
        found.push(Finding::at(NAME, workload.object, &field, wrong, mend));
    };
    let resources = container.resources.clone().unwrap_or_default();
    let has = |map: &Option<BTreeMap<String, _>>, name: &str| {
        map.as_ref().is_some_and(|m| m.contains_key(name))
    };
    for name in ["cpu", "memory"] {
        if !has(&resources.requests, name) {
            say(
                format!("has no request of {name}"),
                "the scheduler and the autoscaler go by it",
            );
        }
    }
    if !has(&resources.limits, "memory") {
        say(
            "has no limit of memory".to_owned(),
            "one pod must not take a node's memory",
        );
    }
    for (list, quantities) in [
        ("requests", &resources.requests),
        ("limits", &resources.limits),
    ] {
        for (name, quantity) in quantities.iter().flatten() {
            match milli(&quantity.0) {
                None => say(
                    format!("{list}.{name}: `{}` is no quantity", quantity.0),
                    "as 250m or 128Mi",
                ),
                // A lower-case m on memory is thousandths of a byte.
                Some(value) if name == "memory" && value < milli("4Mi").unwrap_or(0) => {
                    say(format!("{list}.memory is `{}`", quantity.0), "as 128Mi");
                }
                Some(_) => {}
            }
        }
    }
    let asked = asked(rendered, workload.object.namespace.as_deref(), container);
    for (name, request) in asked
        .iter()
        .filter_map(|(key, v)| Some((key.strip_prefix("requests.")?, *v)))
    {
        if let Some(limit) = asked.get(&format!("limits.{name}"))
            && request > *limit
        {
            say(
                format!("asks for more {name} than its limit"),
                "the API server refuses it",
            );
        }
    }
    for item in limits(rendered, workload.object.namespace.as_deref()) {
        for (name, text) in texts(item.get("max")) {
            let key = format!("limits.{name}");
            if asked
                .get(&key)
                .zip(milli(&text))
                .is_some_and(|(value, max)| *value > max)
            {
                say(
                    format!("{key} is more than the LimitRange's {text}"),
                    "lower it, or raise the LimitRange",
                );
            }
            if !asked.contains_key(&key) {
                say(
                    format!("{key} is missing, and the LimitRange has a maximum"),
                    "set it",
                );
            }
        }
        for (name, text) in texts(item.get("min")) {
            let key = format!("requests.{name}");
            if asked
                .get(&key)
                .zip(milli(&text))
                .is_some_and(|(value, min)| *value < min)
            {
                say(
                    format!("{key} is less than the LimitRange's {text}"),
                    "raise it, or lower the LimitRange",
                );
            }
        }
    }
    found
}
