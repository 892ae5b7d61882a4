//! What an object names is there, or is made by somebody who is: ConfigMaps, Secrets and their
//! keys, accounts, priority classes, claims, roles, Services behind an Ingress.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::finding::Finding;
use crate::object::Object;
use crate::program::{BY_OWNER, Program};
use crate::rendered::Rendered;
use crate::workload::Workload;

pub const NAME: &str = "references";

/// Priority classes that every cluster has.
const PRIORITIES: &[&str] = &["system-cluster-critical", "system-node-critical"];

/// Keys of each ConfigMap or Secret; none where the maker alone knows them.
type Keys = BTreeMap<String, Option<BTreeSet<String>>>;

pub fn check(rendered: &Rendered, program: &Program) -> Vec<Finding> {
    let maps = config_maps(rendered);
    let secrets = secrets(rendered, program);
    let mut found = Vec::new();
    for workload in rendered.workloads() {
        let seek = Seek {
            workload: &workload,
            maps: &maps,
            secrets: &secrets,
        };
        found.extend(seek.volumes(rendered));
        found.extend(seek.variables());
        found.extend(seek.account(rendered));
        found.extend(seek.priority(rendered));
    }
    for object in &rendered.objects {
        found.extend(bindings(rendered, object));
        found.extend(backends(rendered, object));
    }
    found
}

fn config_maps(rendered: &Rendered) -> Keys {
    let mut maps: Keys = rendered
        .of("ConfigMap")
        .map(|object| (object.name.clone(), Some(data_keys(object))))
        .collect();
    // Every namespace gets it from the cluster.
    maps.insert(
        "kube-root-ca.crt".to_owned(),
        Some(BTreeSet::from(["ca.crt".to_owned()])),
    );
    maps
}

fn data_keys(object: &Object) -> BTreeSet<String> {
    ["/data", "/stringData", "/binaryData"]
        .iter()
        .filter_map(|pointer| object.value.pointer(pointer)?.as_object())
        .flat_map(|map| map.keys().cloned())
        .collect()
}

/// The Secrets that will be there: in the rendering, made by the Job `secrets`, or brought by
/// External Secrets, Sealed Secrets, cert-manager or CloudNativePG.
fn secrets(rendered: &Rendered, program: &Program) -> Keys {
    let mut secrets = Keys::new();
    for (name, keys) in BY_OWNER {
        let keys = keys.iter().map(ToString::to_string).collect();
        secrets.insert((*name).to_owned(), Some(keys));
    }
    if let Some(job) = secrets_job(rendered) {
        for (name, secret) in &program.secrets {
            if !secret.only_with_object_store || job.iter().any(|word| word == "--object-store") {
                let keys = secrets.entry(name.clone()).or_default();
                keys.get_or_insert_default().extend(secret.keys.clone());
            }
        }
        // What the Job is told to wait for is brought by the owner, with the same keys.
    }
    for object in &rendered.objects {
        match object.kind.as_str() {
            "Secret" => {
                secrets.insert(object.name.clone(), Some(data_keys(object)));
            }
            "SealedSecret" => {
                let keys = object.value.pointer("/spec/encryptedData");
                secrets.insert(object.name.clone(), Some(keys_of(keys)));
            }
            "ExternalSecret" => {
                let name = object.text("/spec/target/name").unwrap_or(&object.name);
                secrets.insert(name.to_owned(), external_keys(object));
            }
            "Certificate" => {
                if let Some(name) = object.text("/spec/secretName") {
                    secrets.insert(name.to_owned(), Some(tls_keys()));
                }
            }
            "Ingress" | "Gateway" => {
                // cert-manager's shim makes what an annotated Ingress names.
                let annotations = object.texts("/metadata/annotations");
                if annotations
                    .keys()
                    .any(|key| key.starts_with("cert-manager.io/"))
                {
                    for name in certificate_names(object) {
                        secrets.insert(name, Some(tls_keys()));
                    }
                }
            }
            "Cluster" if object.group() == "postgresql.cnpg.io" => {
                secrets.insert(format!("{}-app", object.name), None);
                secrets.insert(format!("{}-superuser", object.name), None);
                secrets.insert(format!("{}-ca", object.name), None);
            }
            _ => {}
        }
    }
    secrets
}

fn keys_of(value: Option<&Value>) -> BTreeSet<String> {
    value
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|map| map.keys().cloned())
        .collect()
}

fn tls_keys() -> BTreeSet<String> {
    ["tls.crt", "tls.key", "ca.crt"].map(str::to_owned).into()
}

/// None if it takes over whatever the outside store has.
fn external_keys(object: &Object) -> Option<BTreeSet<String>> {
    if !object.list("/spec/dataFrom").is_empty()
        && object.value.pointer("/spec/target/template/data").is_none()
    {
        return None;
    }
    let template = keys_of(object.value.pointer("/spec/target/template/data"));
    if !template.is_empty() {
        return Some(template);
    }
    let keys = object.list("/spec/data").iter();
    Some(
        keys.filter_map(|entry| Some(entry["secretKey"].as_str()?.to_owned()))
            .collect(),
    )
}

/// Names of the Secrets with certificates that an Ingress or Gateway serves.
fn certificate_names(object: &Object) -> Vec<String> {
    let ingress = object.list("/spec/tls").iter();
    let ingress = ingress.filter_map(|tls| tls["secretName"].as_str());
    let listeners = object.list("/spec/listeners").iter();
    let gateway = listeners
        .filter_map(|listener| listener.pointer("/tls/certificateRefs")?.as_array())
        .flatten()
        .filter_map(|reference| reference["name"].as_str());
    ingress.chain(gateway).map(str::to_owned).collect()
}

/// The arguments of the Job that makes Secrets, if it is there.
pub fn secrets_job(rendered: &Rendered) -> Option<Vec<String>> {
    rendered.workloads().iter().find_map(|workload| {
        workload.ours().into_iter().find_map(|(_, container)| {
            let arguments = container.args.clone()?;
            matches!(arguments.as_slice(), [first, second, ..] if first == "cluster" && second == "secrets")
                .then_some(arguments)
        })
    })
}

struct Seek<'a> {
    workload: &'a Workload<'a>,
    maps: &'a Keys,
    secrets: &'a Keys,
}

impl Seek<'_> {
    fn finding(&self, field: &str, wrong: String, mend: String) -> Finding {
        Finding::at(
            NAME,
            self.workload.object,
            &self.workload.field(field),
            wrong,
            mend,
        )
    }

    /// A name and, if given, its keys.
    fn seek(&self, kind: &str, field: &str, name: &str, keys: &[String]) -> Vec<Finding> {
        let there = if kind == "Secret" {
            self.secrets
        } else {
            self.maps
        };
        let Some(known) = there.get(name) else {
            let mend = if kind == "Secret" {
                format!(
                    "Secrets that will be there: {}",
                    join(there.keys().map(String::as_str))
                )
            } else {
                format!("ConfigMaps: {}", join(there.keys().map(String::as_str)))
            };
            return vec![self.finding(field, format!("there is no {kind} `{name}`"), mend)];
        };
        let Some(known) = known else {
            return Vec::new();
        };
        keys.iter()
            .filter(|key| !known.contains(*key))
            .map(|key| {
                self.finding(
                    field,
                    format!("the {kind} `{name}` has no key `{key}`"),
                    format!("it has: {}", join(known.iter().map(String::as_str))),
                )
            })
            .collect()
    }

    fn volumes(&self, rendered: &Rendered) -> Vec<Finding> {
        let mut found = Vec::new();
        for volume in self.workload.pod.volumes.iter().flatten() {
            let field = format!("spec.volumes[{}]", volume.name);
            let items = |items: &Option<Vec<k8s_openapi::api::core::v1::KeyToPath>>| {
                items
                    .iter()
                    .flatten()
                    .map(|item| item.key.clone())
                    .collect::<Vec<_>>()
            };
            if let Some(source) = &volume.secret
                && source.optional != Some(true)
            {
                let name = source.secret_name.clone().unwrap_or_default();
                found.extend(self.seek("Secret", &field, &name, &items(&source.items)));
            }
            if let Some(source) = &volume.config_map
                && source.optional != Some(true)
            {
                found.extend(self.seek("ConfigMap", &field, &source.name, &items(&source.items)));
            }
            for source in volume
                .projected
                .iter()
                .flat_map(|p| p.sources.iter().flatten())
            {
                if let Some(source) = &source.secret
                    && source.optional != Some(true)
                {
                    found.extend(self.seek("Secret", &field, &source.name, &items(&source.items)));
                }
                if let Some(source) = &source.config_map
                    && source.optional != Some(true)
                {
                    found.extend(self.seek(
                        "ConfigMap",
                        &field,
                        &source.name,
                        &items(&source.items),
                    ));
                }
            }
            if let Some(source) = &volume.persistent_volume_claim {
                let there = rendered
                    .of("PersistentVolumeClaim")
                    .any(|claim| claim.name == source.claim_name);
                if !there && !is_of_stateful_set(rendered, &source.claim_name) {
                    found.push(self.finding(
                        &field,
                        format!("there is no PersistentVolumeClaim `{}`", source.claim_name),
                        "add it, or name the one that is there".to_owned(),
                    ));
                }
            }
        }
        found.extend(self.mounts());
        found
    }

    /// Every mount names a volume, and no two are at one place.
    fn mounts(&self) -> Vec<Finding> {
        let mut volumes: BTreeSet<&str> = self
            .workload
            .pod
            .volumes
            .iter()
            .flatten()
            .map(|v| v.name.as_str())
            .collect();
        let templates = self.workload.object.list("/spec/volumeClaimTemplates");
        volumes.extend(
            templates
                .iter()
                .filter_map(|t| t.pointer("/metadata/name")?.as_str()),
        );
        let mut found = Vec::new();
        for (field, container) in self.workload.containers() {
            let mut places = BTreeSet::new();
            for mount in container.volume_mounts.iter().flatten() {
                let at = format!("{field}.volumeMounts[{}]", mount.mount_path);
                if !volumes.contains(mount.name.as_str()) {
                    found.push(Finding::at(
                        NAME,
                        self.workload.object,
                        &at,
                        format!("there is no volume `{}`", mount.name),
                        format!("volumes: {}", join(volumes.iter().copied())),
                    ));
                }
                if !places.insert(&mount.mount_path) {
                    found.push(Finding::at(
                        NAME,
                        self.workload.object,
                        &at,
                        "is mounted twice",
                        "keep one",
                    ));
                }
            }
        }
        found
    }

    fn variables(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for (field, container) in self.workload.containers() {
            let template = self.workload.field("");
            let field = field
                .strip_prefix(template.as_str())
                .unwrap_or(&field)
                .to_owned();
            for from in container.env_from.iter().flatten() {
                if let Some(source) = &from.config_map_ref
                    && source.optional != Some(true)
                {
                    let at = format!("{field}.envFrom");
                    found.extend(self.seek("ConfigMap", &at, &source.name, &[]));
                }
                if let Some(source) = &from.secret_ref
                    && source.optional != Some(true)
                {
                    let at = format!("{field}.envFrom");
                    found.extend(self.seek("Secret", &at, &source.name, &[]));
                }
            }
            for variable in container.env.iter().flatten() {
                let at = format!("{field}.env[{}]", variable.name);
                let Some(from) = &variable.value_from else {
                    continue;
                };
                if let Some(source) = &from.secret_key_ref
                    && source.optional != Some(true)
                {
                    let key = [source.key.clone()];
                    found.extend(self.seek("Secret", &at, &source.name, &key));
                }
                if let Some(source) = &from.config_map_key_ref
                    && source.optional != Some(true)
                {
                    let key = [source.key.clone()];
                    found.extend(self.seek("ConfigMap", &at, &source.name, &key));
                }
            }
        }
        found
    }

    fn account(&self, rendered: &Rendered) -> Option<Finding> {
        let name = self.workload.pod.service_account_name.as_deref()?;
        let namespace = self.workload.object.namespace.as_deref();
        if name == "default" || rendered.find("ServiceAccount", namespace, name).is_some() {
            return None;
        }
        Some(self.finding(
            "spec.serviceAccountName",
            format!("there is no ServiceAccount `{name}`"),
            "add it, or mend the name".to_owned(),
        ))
    }

    fn priority(&self, rendered: &Rendered) -> Option<Finding> {
        let name = self.workload.pod.priority_class_name.as_deref()?;
        let mut there: Vec<&str> = rendered
            .of("PriorityClass")
            .map(|o| o.name.as_str())
            .collect();
        there.extend(PRIORITIES);
        (!there.contains(&name)).then(|| {
            self.finding(
                "spec.priorityClassName",
                format!("there is no PriorityClass `{name}`"),
                format!("there are: {}", join(there.iter().copied())),
            )
        })
    }
}

/// Roles and accounts that a binding names.
fn bindings(rendered: &Rendered, object: &Object) -> Vec<Finding> {
    if !matches!(object.kind.as_str(), "RoleBinding" | "ClusterRoleBinding") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let (kind, name) = (
        object.text("/roleRef/kind").unwrap_or_default(),
        object.text("/roleRef/name").unwrap_or_default(),
    );
    // Kubernetes brings its own cluster roles.
    let built_in = kind == "ClusterRole"
        && (["view", "edit", "admin"].contains(&name) || name.starts_with("system:"));
    if !built_in
        && rendered
            .find(kind, object.namespace.as_deref(), name)
            .is_none()
    {
        found.push(Finding::at(
            NAME,
            object,
            "roleRef",
            format!("there is no {kind} `{name}`"),
            "add it, or mend the name",
        ));
    }
    for subject in object.list("/subjects") {
        if subject["kind"] != "ServiceAccount" {
            continue;
        }
        let name = subject["name"].as_str().unwrap_or_default();
        let namespace = subject["namespace"].as_str();
        // Made once for the cluster, with the monitoring: k8s/monitoring.
        if (name, namespace) == ("prometheus", Some("monitoring")) {
            continue;
        }
        // What the monitoring allows the shops of a cluster names the accounts of all of them, and
        // only one shop is here.
        let of_all_shops = object.namespace.as_deref() == Some("monitoring");
        if of_all_shops && namespace != rendered.namespace() {
            continue;
        }
        let there = rendered
            .of("ServiceAccount")
            .any(|account| account.name == name && account.namespace.as_deref() == namespace);
        if !there {
            found.push(Finding::at(
                NAME,
                object,
                "subjects",
                format!(
                    "there is no ServiceAccount `{name}` in `{}`",
                    namespace.unwrap_or("")
                ),
                "add it, or mend name and namespace",
            ));
        }
    }
    found
}

/// Services and ports that an Ingress or a route sends to.
fn backends(rendered: &Rendered, object: &Object) -> Vec<Finding> {
    let mut wanted = Vec::new();
    match object.kind.as_str() {
        "Ingress" => {
            for rule in object.list("/spec/rules") {
                for path in rule
                    .pointer("/http/paths")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                {
                    let service = path
                        .pointer("/backend/service/name")
                        .and_then(Value::as_str);
                    let port = path
                        .pointer("/backend/service/port")
                        .cloned()
                        .unwrap_or_default();
                    wanted.push((service, port));
                }
            }
        }
        "HTTPRoute" => {
            for rule in object.list("/spec/rules") {
                for backend in rule["backendRefs"].as_array().into_iter().flatten() {
                    let port = serde_json::json!({"number": backend["port"]});
                    wanted.push((backend["name"].as_str(), port));
                }
            }
        }
        _ => {}
    }
    let mut found = Vec::new();
    for (name, port) in wanted {
        let name = name.unwrap_or_default();
        let Some(service) = rendered.find("Service", object.namespace.as_deref(), name) else {
            found.push(Finding::at(
                NAME,
                object,
                "spec.rules",
                format!("there is no Service `{name}`"),
                "name one that is there",
            ));
            continue;
        };
        let serves = service.list("/spec/ports").iter().any(|served| {
            (port["number"].is_number() && served["port"] == port["number"])
                || (port["name"].is_string() && served["name"] == port["name"])
        });
        if !serves {
            found.push(Finding::at(
                NAME,
                object,
                "spec.rules",
                format!("the Service `{name}` has no port {port}"),
                "name a port that it has",
            ));
        }
    }
    found
}

fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// Whether a StatefulSet makes this claim, as `data-postgres-0`: template, set, number.
fn is_of_stateful_set(rendered: &Rendered, claim: &str) -> bool {
    let mut sets = rendered.of("StatefulSet");
    sets.any(|set| {
        let templates = set.list("/spec/volumeClaimTemplates");
        let mut names = templates
            .iter()
            .filter_map(|template| template.pointer("/metadata/name")?.as_str());
        let replicas = set.number("/spec/replicas").unwrap_or(1);
        names.any(|name| {
            let number = claim.strip_prefix(&format!("{name}-{}-", set.name));
            let number = number.and_then(|number| number.parse::<i64>().ok());
            number.is_some_and(|number| number < replicas)
        })
    })
}
