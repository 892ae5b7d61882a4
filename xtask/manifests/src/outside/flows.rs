//! The flows that the policies allow, as network-config-analyzer sees them, are exactly those of
//! flows.toml.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::finding::Finding;
use crate::outside::tool::NCA;
use crate::rendered::{Rendered, documents};

pub const NAME: &str = "flows";

/// One flow that has to be allowed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Flow {
    /// Who calls: workloads of ours by name, `namespace/pod` of others, `addresses`.
    from: Vec<String>,
    /// Whom.
    to: Vec<String>,
    /// As `TCP 8000`.
    ports: Vec<String>,
    /// What for.
    #[allow(dead_code, reason = "for readers")]
    why: String,
    /// Only where this object is in the rendering, as `NetworkPolicy/ingress`.
    when: Option<String>,
    /// Not where this object is.
    unless: Option<String>,
    /// Allowed, but not needed.
    #[serde(default)]
    optional: bool,
}

#[derive(Debug, Deserialize)]
struct Table {
    flow: Vec<Flow>,
}

/// Who, whom and on which ports.
pub type Found = BTreeSet<(String, String, String)>;

/// One rendering.
pub fn check(root: &Path, rendered: &Rendered, scratch: &Path) -> Result<Vec<Finding>> {
    let file = root.join("xtask/manifests/flows.toml");
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let table: Table = toml::from_str(&text).with_context(|| file.display().to_string())?;
    Ok(compare(
        rendered,
        &table,
        &allowed(root, rendered, scratch)?,
    ))
}

fn compare(rendered: &Rendered, table: &Table, found: &Found) -> Vec<Finding> {
    let mut there: BTreeSet<String> = names(rendered).into_values().collect();
    there.extend(of_operators(rendered).into_keys().map(|(_, name)| name));
    let has = |object: &String| {
        let (kind, name) = object.split_once('/').unwrap_or((object, ""));
        rendered.find(kind, None, name).is_some()
    };
    let (mut wanted, mut optional) = (Found::new(), Found::new());
    for flow in &table.flow {
        if flow.when.as_ref().is_some_and(|object| !has(object))
            || flow.unless.as_ref().is_some_and(has)
        {
            continue;
        }
        let expand = |list: &[String]| -> Vec<String> {
            let every = list.iter().any(|name| name == "*");
            if every {
                there.iter().cloned().collect()
            } else {
                list.to_vec()
            }
        };
        for from in &expand(&flow.from) {
            for to in &expand(&flow.to) {
                let ours = |name: &str| {
                    name.contains(['/', '.'])
                        || name == "internet"
                        || name == "addresses"
                        || there.contains(name)
                };
                if ours(from) && ours(to) {
                    let ports = flow.ports.iter();
                    let into = if flow.optional {
                        &mut optional
                    } else {
                        &mut wanted
                    };
                    into.extend(ports.map(|port| (from.clone(), to.clone(), port.clone())));
                }
            }
        }
    }
    // Where any address may be called, those outside may, and so may pods of other namespaces.
    let (found, wanted) = (without_implied(found), without_implied(&wanted));
    let mut findings = Vec::new();
    for (from, to, ports) in found
        .difference(&wanted)
        .filter(|flow| !optional.contains(flow))
    {
        findings.push(Finding::of(
            NAME,
            format!("{}: {from} → {to} ({ports})", rendered.folder),
            "is allowed by the policies, though nobody needs it",
            "narrow the NetworkPolicy; a new need goes into xtask/manifests/flows.toml",
        ));
    }
    for (from, to, ports) in wanted.difference(&found) {
        findings.push(Finding::of(
            NAME,
            format!("{}: {from} → {to} ({ports})", rendered.folder),
            "is needed, but no policy allows it",
            "allow it on both sides: egress of the one, ingress of the other",
        ));
    }
    findings
}

/// Pods do not call themselves, and what any address may do, every pod of others may.
fn without_implied(flows: &Found) -> Found {
    let is_other = |name: &str| name == "internet" || name.contains('/');
    let has = |from: &str, to: &str, port: &str| {
        flows.contains(&(from.to_owned(), to.to_owned(), port.to_owned()))
    };
    let implied = |from: &str, to: &str, port: &str| {
        from == to
            || (is_other(to) && has(from, "addresses", port))
            || (is_other(from) && has("addresses", to, port))
    };
    let kept = flows
        .iter()
        .filter(|(from, to, port)| !implied(from, to, port));
    kept.cloned().collect()
}

/// Names of workloads as nca gives them, and as we call them: by their label.
fn names(rendered: &Rendered) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for workload in rendered.workloads() {
        let label = workload.labels.get("app.kubernetes.io/name").cloned();
        names.insert(
            workload.name().to_owned(),
            label.unwrap_or_else(|| workload.name().to_owned()),
        );
    }
    names
}

/// What the policies allow.
pub fn allowed(root: &Path, rendered: &Rendered, scratch: &Path) -> Result<Found> {
    let folder = scratch.join(rendered.folder.replace('/', "-"));
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("shop.yaml"), for_nca(rendered))?;
    std::fs::write(folder.join("others.yaml"), others(rendered))?;
    let output = NCA
        .command(root)?
        .args([
            "--connectivity",
            "--output_format",
            "txt_no_fw_rules",
            "--resource_list",
        ])
        .arg(&folder)
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || !said.contains(" => ") {
        bail!(
            "nca ended with {}: {said}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    read(&said, rendered)
}

/// Pods and policies; nca knows no Rollout, and warns of what it does not need.
fn for_nca(rendered: &Rendered) -> String {
    let mut all = Vec::new();
    for object in &rendered.objects {
        let mut value = object.value.clone();
        match object.kind.as_str() {
            "Rollout" => {
                value["apiVersion"] = json!("apps/v1");
                value["kind"] = json!("Deployment");
                value["spec"]["strategy"] = Value::Null;
            }
            "CronJob" => {
                value = json!({
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "metadata": value["metadata"],
                    "spec": value["spec"]["jobTemplate"]["spec"],
                });
            }
            "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "Pod" | "Namespace"
            | "NetworkPolicy" => {}
            _ => continue,
        }
        // One pod of each will do; a CNI does not count them.
        if value["spec"]["replicas"].is_number() {
            value["spec"]["replicas"] = json!(1);
        }
        all.push(value);
    }
    documents(all.iter())
}

/// A pod for everybody of other namespaces whom a policy names, and a stranger whom none names.
fn others(rendered: &Rendered) -> String {
    let mut pods: BTreeMap<(String, String), (Value, Value)> = BTreeMap::new();
    let stranger = json!({"kubernetes.io/metadata.name": "elsewhere"});
    let app = json!({"app.kubernetes.io/name": "stranger"});
    pods.insert(
        ("elsewhere".to_owned(), "stranger".to_owned()),
        (stranger, app),
    );
    for policy in rendered.of("NetworkPolicy") {
        let rules = policy
            .list("/spec/ingress")
            .iter()
            .chain(policy.list("/spec/egress"));
        for peer in rules.flat_map(|rule| ["from", "to"].map(|side| rule[side].clone())) {
            for peer in peer.as_array().into_iter().flatten() {
                let labels = &peer["namespaceSelector"]["matchLabels"];
                let Some(namespace) = labels["kubernetes.io/metadata.name"].as_str() else {
                    continue;
                };
                let pod = &peer["podSelector"]["matchLabels"];
                let name = ["app.kubernetes.io/name", "k8s-app", "app"]
                    .iter()
                    .find_map(|label| pod[*label].as_str())
                    .unwrap_or("any");
                let pod = if pod.is_object() {
                    pod.clone()
                } else {
                    json!({"app.kubernetes.io/name": "any"})
                };
                pods.insert(
                    (namespace.to_owned(), name.to_owned()),
                    (labels.clone(), pod),
                );
            }
        }
    }
    pods.extend(of_operators(rendered));
    let mut all = Vec::new();
    let mut namespaces = BTreeSet::new();
    let own: BTreeSet<&str> = rendered
        .of("Namespace")
        .map(|object| object.name.as_str())
        .collect();
    for ((namespace, name), (labels, pod)) in pods {
        if namespaces.insert(namespace.clone()) && !own.contains(namespace.as_str()) {
            let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}});
            all.push(object);
        }
        let object = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "labels": pod},
            "spec": {"containers": [{"name": "any", "image": "any"}]},
        });
        all.push(object);
    }
    documents(all.iter())
}

/// Pods in the shop's own namespace that an operator makes: those of CloudNativePG.
fn of_operators(rendered: &Rendered) -> BTreeMap<(String, String), (Value, Value)> {
    let clusters = rendered.of("Cluster");
    clusters
        .filter_map(|cluster| {
            let namespace = cluster.namespace.clone()?;
            let labels = json!({"cnpg.io/cluster": cluster.name});
            Some(((namespace, cluster.name.clone()), (json!({}), labels)))
        })
        .collect()
}

/// Lines as `shop/api[Deployment] => shop/auth[Deployment] : {protocols:TCP,dst_ports:5001}`.
fn read(text: &str, rendered: &Rendered) -> Result<Found> {
    let names = names(rendered);
    let workloads = rendered.workloads();
    let own: BTreeSet<&str> = workloads
        .iter()
        .filter_map(|workload| workload.object.namespace.as_deref())
        .collect();
    let side = |text: &str| -> (bool, String) {
        let text = text.split('[').next().unwrap_or(text).trim();
        match text.split_once('/') {
            Some((namespace, name)) if own.contains(namespace) => (
                true,
                names.get(name).cloned().unwrap_or_else(|| name.to_owned()),
            ),
            Some(_) => (false, text.to_owned()),
            None => (false, address(text)),
        }
    };
    let mut found = Found::new();
    for line in text.lines() {
        let Some((from, rest)) = line.split_once(" => ") else {
            continue;
        };
        let (to, ports) = rest.split_once(" : ").context("a flow without ports")?;
        let ((ours, from), (also, to)) = (side(from), side(to));
        if ours || also {
            let ports = ports_of(ports).into_iter();
            found.extend(ports.map(|port| (from.clone(), to.clone(), port)));
        }
    }
    Ok(found)
}

/// `internet` for ranges that leave out what is inside, else `addresses`.
fn address(range: &str) -> String {
    match range.split_once('-') {
        None => return range.to_owned(),
        Some((first, last)) if first == last => return first.to_owned(),
        Some(_) => {}
    }
    if range.contains(':') {
        // Unique local and link local addresses are inside.
        let inside = range.starts_with("::") || range.starts_with('f');
        return if inside { "addresses" } else { "internet" }.to_owned();
    }
    let number = |text: &str| -> Option<u32> {
        let mut parts = text.trim().split('.').map(|part| part.parse::<u32>().ok());
        (0..4).try_fold(0_u32, |sum, _| Some(sum << 8 | parts.next()??))
    };
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (Some(first), Some(last)) = (number(first), number(last)) else {
        return range.to_owned();
    };
    let inside = [
        (0x0A00_0000_u32, 0x0AFF_FFFF_u32),
        (0xAC10_0000, 0xAC1F_FFFF),
        (0xC0A8_0000, 0xC0A8_FFFF),
        (0xA9FE_0000, 0xA9FE_FFFF),
        (0x7F00_0000, 0x7FFF_FFFF),
    ];
    let touches = inside
        .iter()
        .any(|(from, to)| first <= *to && last >= *from);
    if touches { "addresses" } else { "internet" }.to_owned()
}

/// One for each protocol and port: `TCP 5001`; `all` is everything.
fn ports_of(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for part in text.split("protocols:").skip(1) {
        let part = part.trim_matches(|c| " {},;".contains(c));
        let (protocols, ports) = part.split_once(",dst_ports:").unwrap_or((part, "all"));
        for protocol in protocols.split(',') {
            for port in ports.split(',') {
                let port = port.trim_matches(|c| " {}".contains(c));
                all.push(format!("{} {port}", protocol.trim()));
            }
        }
    }
    if all.is_empty() {
        all.push("all".to_owned());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_inside_or_outside() {
        assert_eq!(address("1.0.0.0-9.255.255.255"), "internet");
        assert_eq!(address("0.0.0.0-255.255.255.255"), "addresses");
        assert_eq!(address("169.254.169.254"), "169.254.169.254");
        assert_eq!(address("10.1.0.0-10.2.0.0"), "addresses");
        assert_eq!(address("2000::-3fff:ffff::"), "internet");
        assert_eq!(
            ports_of("{protocols:TCP, UDP,dst_ports:53}"),
            ["TCP 53", "UDP 53"]
        );
        assert_eq!(
            ports_of("{protocols:TCP,dst_ports:80,443}"),
            ["TCP 80", "TCP 443"]
        );
        assert_eq!(ports_of("All connections"), ["all"]);
    }
}
