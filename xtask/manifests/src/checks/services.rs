//! Every Service leads to a port that its pods declare, and every port of ours is one that the
//! program listens on with that pod's own settings.

use serde_json::{Value, json};

use crate::checks::{effective, selectors};
use crate::finding::Finding;
use crate::program::Program;
use crate::rendered::Rendered;
use crate::workload::Workload;

pub const NAME: &str = "services";

pub fn check(rendered: &Rendered, program: &Program) -> Vec<Finding> {
    let workloads = rendered.workloads();
    let mut found = Vec::new();
    for workload in &workloads {
        found.extend(declared(rendered, workload, program));
    }
    for service in rendered.of("Service") {
        let Some(labels) = service.value.pointer("/spec/selector") else {
            continue;
        };
        let ports = service.list("/spec/ports");
        let mut names: Vec<&str> = Vec::new();
        for port in ports {
            let name = port["name"].as_str().unwrap_or_default();
            let field = format!("spec.ports[{name}]");
            if ports.len() > 1 && (name.is_empty() || names.contains(&name)) {
                found.push(Finding::at(
                    NAME,
                    service,
                    &field,
                    "has no name of its own",
                    "name every port",
                ));
            }
            names.push(name);
            let target = match &port["targetPort"] {
                Value::Null => &port["port"],
                target => target,
            };
            for workload in selectors::matched(service, &json!({"matchLabels": labels}), &workloads)
            {
                if target_port(workload, target).is_none() {
                    found.push(Finding::at(
                        NAME,
                        service,
                        &format!("{field}.targetPort"),
                        format!("{} has no port {target}", workload.object),
                        format!("its ports: {}", ports_of(workload)),
                    ));
                }
            }
        }
    }
    found
}

/// The number of the port that a name or a number means in these pods.
pub fn target_port(workload: &Workload<'_>, target: &Value) -> Option<i32> {
    let mut ports = workload
        .pod
        .containers
        .iter()
        .flat_map(|container| container.ports.iter().flatten());
    ports
        .find(|port| match target {
            Value::String(name) => port.name.as_deref() == Some(name),
            Value::Number(number) => number.as_i64() == Some(i64::from(port.container_port)),
            _ => false,
        })
        .map(|port| port.container_port)
}

fn ports_of(workload: &Workload<'_>) -> String {
    let ports = workload
        .pod
        .containers
        .iter()
        .flat_map(|c| c.ports.iter().flatten());
    let ports: Vec<String> = ports
        .map(|port| {
            format!(
                "{} ({})",
                port.name.as_deref().unwrap_or("unnamed"),
                port.container_port
            )
        })
        .collect();
    ports.join(", ")
}

/// The ports of our containers are those that the settings say, under the agreed names.
fn declared(rendered: &Rendered, workload: &Workload<'_>, program: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut names = std::collections::BTreeSet::new();
    for (field, container) in workload.containers() {
        for port in container.ports.iter().flatten() {
            let name = port.name.clone().unwrap_or_default();
            let at = format!("{field}.ports[{name}]");
            if name.is_empty() || name.len() > 15 || !super::names::is_label(&name) {
                found.push(Finding::at(
                    NAME,
                    workload.object,
                    &at,
                    "has no legal name",
                    "at most 15 letters, digits and hyphens",
                ));
            }
            if !names.insert(name.clone()) {
                found.push(Finding::at(
                    NAME,
                    workload.object,
                    &at,
                    "two ports have this name",
                    "a probe or Service would find the first only",
                ));
            }
        }
    }
    let Some(service) = workload.service() else {
        return found;
    };
    let Some((field, container)) = workload.ours().into_iter().next_back() else {
        return found;
    };
    // What is wrong with the settings is said by `environment`.
    let Ok(settings) = effective(rendered, workload, container, program) else {
        return found;
    };
    for (name, expected) in [
        ("http", settings.port(service)),
        ("management", settings.management_port()),
    ] {
        let port = container
            .ports
            .iter()
            .flatten()
            .find(|port| port.name.as_deref() == Some(name));
        let declared = port.map(|port| port.container_port);
        if declared.map(i64::from) != expected {
            found.push(Finding::at(
                NAME,
                workload.object,
                &format!("{field}.ports[{name}]"),
                format!(
                    "is {}, but with these settings the program listens on {}",
                    declared.map_or_else(|| "missing".to_owned(), |port| port.to_string()),
                    expected.map_or_else(|| "none".to_owned(), |port| port.to_string()),
                ),
                "declare the port that the program listens on",
            ));
        }
    }
    for key in ["listen.address", "listen.management_address"] {
        let value = settings.value(key).unwrap_or_default();
        if value != "0.0.0.0" && value != "::" {
            found.push(Finding::at(
                NAME,
                workload.object,
                &format!("{field}.env"),
                format!("{key} is {value}: nobody outside of the pod reaches it"),
                "leave it to the image, which says 0.0.0.0",
            ));
        }
    }
    found
}
