//! Every object of Kubernetes itself parses into its type, and nothing in it is lost by that: a
//! field that the type does not know is a typo or in the wrong place.

use k8s_openapi::api::{
    admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding},
    apps::v1::{DaemonSet, Deployment, StatefulSet},
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::{CronJob, Job},
    core::v1::{
        ConfigMap, LimitRange, Namespace, PersistentVolume, PersistentVolumeClaim, Pod,
        ResourceQuota, Secret, Service, ServiceAccount,
    },
    networking::v1::{Ingress, IngressClass, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
    rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding},
    scheduling::v1::PriorityClass,
    storage::v1::StorageClass,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::finding::Finding;
use crate::object::Object;
use crate::outside::crds;
use crate::program::Program;
use crate::rendered::Rendered;

pub const NAME: &str = "typed";

pub fn check(rendered: &Rendered, _: &Program) -> Vec<Finding> {
    rendered.objects.iter().flat_map(one).collect()
}

/// The version of the interface and its kinds, each with the type it parses into.
fn one(object: &Object) -> Vec<Finding> {
    match (object.api_version.as_str(), object.kind.as_str()) {
        ("v1", "ConfigMap") => fits::<ConfigMap>(object),
        ("v1", "LimitRange") => fits::<LimitRange>(object),
        ("v1", "Namespace") => fits::<Namespace>(object),
        ("v1", "PersistentVolume") => fits::<PersistentVolume>(object),
        ("v1", "PersistentVolumeClaim") => fits::<PersistentVolumeClaim>(object),
        ("v1", "Pod") => fits::<Pod>(object),
        ("v1", "ResourceQuota") => fits::<ResourceQuota>(object),
        ("v1", "Secret") => fits::<Secret>(object),
        ("v1", "Service") => fits::<Service>(object),
        ("v1", "ServiceAccount") => fits::<ServiceAccount>(object),
        ("apps/v1", "Deployment") => fits::<Deployment>(object),
        ("apps/v1", "StatefulSet") => fits::<StatefulSet>(object),
        ("apps/v1", "DaemonSet") => fits::<DaemonSet>(object),
        ("autoscaling/v2", "HorizontalPodAutoscaler") => fits::<HorizontalPodAutoscaler>(object),
        ("batch/v1", "Job") => fits::<Job>(object),
        ("batch/v1", "CronJob") => fits::<CronJob>(object),
        ("networking.k8s.io/v1", "NetworkPolicy") => fits::<NetworkPolicy>(object),
        ("networking.k8s.io/v1", "Ingress") => fits::<Ingress>(object),
        ("networking.k8s.io/v1", "IngressClass") => fits::<IngressClass>(object),
        ("policy/v1", "PodDisruptionBudget") => fits::<PodDisruptionBudget>(object),
        ("rbac.authorization.k8s.io/v1", "Role") => fits::<Role>(object),
        ("rbac.authorization.k8s.io/v1", "RoleBinding") => fits::<RoleBinding>(object),
        ("rbac.authorization.k8s.io/v1", "ClusterRole") => fits::<ClusterRole>(object),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding") => {
            fits::<ClusterRoleBinding>(object)
        }
        ("scheduling.k8s.io/v1", "PriorityClass") => fits::<PriorityClass>(object),
        ("storage.k8s.io/v1", "StorageClass") => fits::<StorageClass>(object),
        ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy") => {
            fits::<ValidatingAdmissionPolicy>(object)
        }
        ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding") => {
            fits::<ValidatingAdmissionPolicyBinding>(object)
        }
        (version, kind) if crds::is_known(version, kind) => Vec::new(),
        (version, kind) => vec![Finding::at(
            NAME,
            object,
            "kind",
            format!("`{kind}` of `{version}` is no kind that is known here"),
            "mend apiVersion and kind; a new kind gets a line in xtask/manifests/src/checks/typed.rs, or its schema in src/outside/crds.rs",
        )],
    }
}

fn fits<T: DeserializeOwned + Serialize>(object: &Object) -> Vec<Finding> {
    let mut value = object.value.clone();
    if object.kind == "Secret" {
        // kustomize breaks what is long into lines, and the API server passes over the breaks.
        for text in value["data"].as_object_mut().into_iter().flatten() {
            if let Some(data) = text.1.as_str() {
                *text.1 = data.split_whitespace().collect::<String>().into();
            }
        }
    }
    let parsed: T = match serde_json::from_value(value.clone()) {
        Ok(parsed) => parsed,
        Err(error) => {
            return vec![Finding::at(
                NAME,
                object,
                "",
                format!("does not parse: {error}"),
                format!("see `kubectl explain {}`", object.kind.to_lowercase()),
            )];
        }
    };
    let again = serde_json::to_value(parsed).unwrap_or_default();
    let mut lost = Vec::new();
    missing(&value, &again, "", &mut lost);
    lost.into_iter()
        .map(|field| {
            Finding::at(
                NAME,
                object,
                &field,
                "is a field that Kubernetes does not know here",
                "mend its name or its place",
            )
        })
        .collect()
}

/// Fields of `all` that are not in `kept`.
fn missing(all: &Value, kept: &Value, at: &str, lost: &mut Vec<String>) {
    match (all, kept) {
        (Value::Object(all), Value::Object(kept)) => {
            for (key, value) in all {
                let at = if at.is_empty() {
                    key.clone()
                } else {
                    format!("{at}.{key}")
                };
                match kept.get(key) {
                    Some(kept) => missing(value, kept, &at, lost),
                    // Empty and null say the same as absence.
                    None if is_empty(value) => {}
                    None => lost.push(at),
                }
            }
        }
        (Value::Array(all), Value::Array(kept)) => {
            for (index, (value, kept)) in all.iter().zip(kept).enumerate() {
                missing(value, kept, &format!("{at}[{index}]"), lost);
            }
        }
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}
