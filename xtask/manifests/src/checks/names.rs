//! Names and namespaces: legal, one object each, everything in the namespace of the overlay.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::object::Object;
use crate::program::Program;
use crate::rendered::Rendered;

pub const NAME: &str = "names";

/// Kinds that belong to the cluster.
const CLUSTER: &[&str] = &[
    "Namespace",
    "ClusterRole",
    "ClusterRoleBinding",
    "PriorityClass",
    "PersistentVolume",
    "StorageClass",
    "IngressClass",
    "GatewayClass",
    "ClusterIssuer",
    "ClusterSecretStore",
    "ClusterPolicy",
    "ConstraintTemplate",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "CustomResourceDefinition",
    "ValidatingPolicy",
    "ImageValidatingPolicy",
];

const UNKNOWN_TO_KUSTOMIZE: &[&str] = &[
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ConstraintTemplate",
    "ClusterPolicy",
    "ValidatingPolicy",
    "ImageValidatingPolicy",
    "ClusterIssuer",
    "ClusterSecretStore",
    "GatewayClass",
];

/// Whether objects of this kind have no namespace.
fn is_of_cluster(object: &Object) -> bool {
    CLUSTER.contains(&object.kind.as_str())
        // Constraints of Gatekeeper are of the cluster, whatever their kind.
        || object.group() == "constraints.gatekeeper.sh"
}

/// Namespaces of our own that several shops share (k8s/logging, k8s/tracing).
pub const BESIDE: &[&str] = &["logging", "tracing"];

/// Namespaces beside the shop's in which some objects have to be.
const OTHERS: &[(&str, &[&str])] = &[
    (
        "monitoring",
        &[
            "Namespace",
            "ServiceAccount",
            "ServiceMonitor",
            "PodMonitor",
            "PrometheusRule",
            "ConfigMap",
            // Alertmanager's configuration, which its operator takes from a Secret alone.
            "Secret",
            // Who deploys a shop asks Prometheus for its objectives.
            "Role",
            "RoleBinding",
        ],
    ),
    ("argocd", &["Application", "AppProject"]),
    (
        "flux-system",
        &["GitRepository", "Kustomization", "OCIRepository"],
    ),
];

pub fn check(rendered: &Rendered, _: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut seen: BTreeMap<(String, String, String, String), ()> = BTreeMap::new();
    let ours = rendered.namespace();
    for object in &rendered.objects {
        let key = (
            object.group().to_owned(),
            object.kind.clone(),
            object.namespace.clone().unwrap_or_default(),
            object.name.clone(),
        );
        if seen.insert(key, ()).is_some() {
            found.push(Finding::at(
                NAME,
                object,
                "metadata.name",
                "there are two of this kind and name",
                "the later one would overwrite the earlier: rename or remove one",
            ));
        }
        found.extend(legal(object));
        // What is applied beside the shop, with its namespace.
        let beside = object
            .namespace
            .as_deref()
            .filter(|namespace| BESIDE.contains(namespace))
            .is_some_and(|namespace| rendered.find("Namespace", None, namespace).is_some());
        if !beside {
            found.extend(place(object, ours));
        }
    }
    if ours.is_none() && rendered.workloads().iter().any(|w| w.is_lasting()) {
        found.push(Finding::of(
            NAME,
            rendered.folder.as_str(),
            "has no object Namespace",
            "`kubectl apply -k` on an empty cluster needs it",
        ));
    }
    found
}

fn legal(object: &Object) -> Option<Finding> {
    // RBAC and the groups' own names may have colons; nothing here needs one.
    let longest = if object.kind == "Service" { 63 } else { 253 };
    let good = !object.name.is_empty()
        && object.name.len() <= longest
        && object.name.split('.').all(is_label)
        && (object.kind != "Service" || !object.name.contains('.'));
    (!good).then(|| {
        Finding::at(
            NAME,
            object,
            "metadata.name",
            format!("`{}` is no name that Kubernetes takes", object.name),
            "lower-case letters, digits and hyphens, beginning and ending with a letter or digit",
        )
    })
}

/// An RFC 1123 label.
pub fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty()
        && text.len() <= 63
        && text.chars().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn place(object: &Object, ours: Option<&str>) -> Option<Finding> {
    let wrong = |wrong: String, mend: &str| {
        Some(Finding::at(NAME, object, "metadata.namespace", wrong, mend))
    };
    match object.namespace.as_deref() {
        // kustomize does not know that these are of the cluster and writes the overlay's namespace
        // into them; the API server passes over it.
        Some(_)
            if UNKNOWN_TO_KUSTOMIZE.contains(&object.kind.as_str())
                || object.group() == "constraints.gatekeeper.sh" =>
        {
            None
        }
        Some(namespace) if is_of_cluster(object) => wrong(
            format!("`{namespace}`, but this kind belongs to the cluster"),
            "take it out",
        ),
        None if is_of_cluster(object) => None,
        None => wrong(
            "is missing".to_owned(),
            "let the overlay's `namespace:` set it; else it goes wherever kubectl points",
        ),
        Some(namespace) if Some(namespace) == ours => None,
        Some(namespace) => {
            let allowed = OTHERS
                .iter()
                .any(|(other, kinds)| *other == namespace && kinds.contains(&object.kind.as_str()));
            if allowed || ours.is_none() {
                return None;
            }
            wrong(
                format!(
                    "`{namespace}`, while the shop is in `{}`",
                    ours.unwrap_or("?")
                ),
                "let the overlay's `namespace:` set it",
            )
        }
    }
}
