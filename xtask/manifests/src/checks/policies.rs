//! Network policies: nothing goes in or out that no policy names. What exactly they allow is the
//! matter of `flows`; here is what no list of flows shows.

use serde_json::Value;

use crate::checks::selectors::matched;
use crate::checks::services::target_port;
use crate::finding::Finding;
use crate::object::Object;
use crate::program::Program;
use crate::rendered::Rendered;
use crate::workload::Workload;

pub const NAME: &str = "policies";

/// Addresses inside, which "the internet" must leave out: private networks, and the cloud's
/// metadata service, which gives away the node's credentials.
const INSIDE: &[&str] = &[
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
];

/// Where the proxies of a service mesh meet (HBONE).
const MESH: i64 = 15008;

pub fn check(rendered: &Rendered, _: &Program) -> Vec<Finding> {
    let workloads = rendered.workloads();
    let mut found = Vec::new();
    if !workloads.is_empty() && workloads.iter().any(|w| w.service().is_some()) {
        for direction in ["Ingress", "Egress"] {
            if !rendered
                .of("NetworkPolicy")
                .any(|policy| denies_all(policy, direction))
            {
                found.push(Finding::of(
                    NAME,
                    rendered.folder.as_str(),
                    format!(
                        "no NetworkPolicy denies {} to all pods by default",
                        direction.to_lowercase()
                    ),
                    "a policy with `podSelector: {}`, that policyType and no rules",
                ));
            }
        }
    }
    for policy in rendered.of("NetworkPolicy") {
        found.extend(types(policy));
        for direction in ["ingress", "egress"] {
            for (index, rule) in policy
                .list(&format!("/spec/{direction}"))
                .iter()
                .enumerate()
            {
                let field = format!("spec.{direction}[{index}]");
                found.extend(rule_is_narrow(rendered, policy, &field, direction, rule));
                found.extend(ports(policy, &field, direction, rule, &workloads));
            }
        }
    }
    found
}

fn has_type(policy: &Object, direction: &str) -> bool {
    policy
        .list("/spec/policyTypes")
        .iter()
        .any(|kind| kind == direction)
}

fn denies_all(policy: &Object, direction: &str) -> bool {
    let selector = policy
        .value
        .pointer("/spec/podSelector")
        .and_then(Value::as_object);
    selector.is_some_and(serde_json::Map::is_empty)
        && has_type(policy, direction)
        && policy
            .list(&format!("/spec/{}", direction.to_lowercase()))
            .is_empty()
}

/// A policy with rules of a direction that it does not name has no effect there.
fn types(policy: &Object) -> Vec<Finding> {
    let mut found = Vec::new();
    if policy.list("/spec/policyTypes").is_empty() {
        found.push(Finding::at(
            NAME,
            policy,
            "spec.policyTypes",
            "is missing",
            "say Ingress, Egress or both",
        ));
        return found;
    }
    for direction in ["Ingress", "Egress"] {
        let rules = policy.list(&format!("/spec/{}", direction.to_lowercase()));
        if !rules.is_empty() && !has_type(policy, direction) {
            found.push(Finding::at(
                NAME,
                policy,
                "spec.policyTypes",
                format!("does not name {direction}, though it has rules for it"),
                format!("add {direction}"),
            ));
        }
    }
    found
}

fn rule_is_narrow(
    rendered: &Rendered,
    policy: &Object,
    field: &str,
    direction: &str,
    rule: &Value,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let peers = if direction == "ingress" { "from" } else { "to" };
    let mut say = |wrong: &str, mend: &str| {
        found.push(Finding::at(
            NAME,
            policy,
            &format!("{field}.{peers}"),
            wrong,
            mend,
        ));
    };
    let list = rule[peers].as_array().map_or(&[][..], Vec::as_slice);
    let ports: Vec<i64> = rule["ports"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|port| port["port"].as_i64())
        .collect();
    if list.is_empty() {
        // Where the API server is, nobody knows beforehand; and a NodePort is for everybody.
        let api_server = direction == "egress"
            && !ports.is_empty()
            && ports.iter().all(|port| [443, 6443].contains(port));
        let node_port = direction == "ingress" && is_for_node_port(rendered, policy);
        if !(api_server || node_port) {
            say("names nobody, which is everybody", "name who");
        }
    }
    for peer in list {
        let empty = |name: &str| {
            peer[name]
                .as_object()
                .is_some_and(serde_json::Map::is_empty)
        };
        if empty("namespaceSelector") && (peer["podSelector"].is_null() || empty("podSelector")) {
            say("is every pod of every namespace", "name the namespace");
        }
        if peer["namespaceSelector"].is_null() && empty("podSelector") {
            say("is every pod of the namespace", "name the pods");
        }
        let cidr = peer
            .pointer("/ipBlock/cidr")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let except = peer.pointer("/ipBlock/except").and_then(Value::as_array);
        let except: Vec<&str> = except
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        // A store may well be inside; what is asked over plain HTTP must not be.
        if cidr == "0.0.0.0/0"
            && direction == "egress"
            && (ports.contains(&80) || ports.is_empty())
            && !INSIDE.iter().all(|inside| except.contains(inside))
        {
            say(
                "is all addresses, those inside as well",
                &format!("except: {}", INSIDE.join(", ")),
            );
        }
    }
    // The kubelet's probes of a mesh come from one address that no route leads to.
    let one_address = |peer: &Value| {
        let cidr = peer.pointer("/ipBlock/cidr").and_then(Value::as_str);
        cidr.is_some_and(|cidr| cidr.starts_with("169.254.") && cidr.ends_with("/32"))
    };
    if rule["ports"].as_array().is_none_or(Vec::is_empty) && !list.iter().all(one_address) {
        found.push(Finding::at(
            NAME,
            policy,
            &format!("{field}.ports"),
            "are missing, which is all ports",
            "name them",
        ));
    }
    found
}

/// Whether a NodePort leads to the pods that the policy is for.
fn is_for_node_port(rendered: &Rendered, policy: &Object) -> bool {
    let wanted = policy.texts("/spec/podSelector/matchLabels");
    !wanted.is_empty()
        && rendered.of("Service").any(|service| {
            let selector = service.texts("/spec/selector");
            service.text("/spec/type") == Some("NodePort")
                && wanted
                    .iter()
                    .all(|(key, value)| selector.get(key) == Some(value))
        })
}

/// A named port exists in the pods that it is about.
fn ports(
    policy: &Object,
    field: &str,
    direction: &str,
    rule: &Value,
    workloads: &[Workload<'_>],
) -> Vec<Finding> {
    let mut found = Vec::new();
    let empty = Value::Null;
    let own = policy.value.pointer("/spec/podSelector").unwrap_or(&empty);
    for port in rule["ports"].as_array().into_iter().flatten() {
        let target = &port["port"];
        // A mesh's own port is its sidecar's, which no manifest of ours has.
        if target.is_null() || !port["endPort"].is_null() || *target == MESH {
            continue;
        }
        let mut look = |selector: &Value, whose: &str| {
            let all = matched(policy, selector, workloads);
            let has = |workload: &&Workload<'_>| target_port(workload, target).is_some();
            if !all.is_empty() && !all.iter().any(has) {
                found.push(Finding::at(
                    NAME,
                    policy,
                    &format!("{field}.ports"),
                    format!("none of {whose} has the port {target}"),
                    "name a port that they declare",
                ));
            }
        };
        if direction == "ingress" {
            look(own, "its pods");
            continue;
        }
        for peer in rule["to"].as_array().into_iter().flatten() {
            if !peer["podSelector"].is_null() && peer["namespaceSelector"].is_null() {
                look(&peer["podSelector"], "the pods it leads to");
            }
        }
    }
    found
}
