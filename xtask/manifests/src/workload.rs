//! What starts pods, whatever its kind.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, PodSpec, PodTemplateSpec};
use serde_json::Value;

use crate::object::{Object, texts};

/// A Deployment, StatefulSet, DaemonSet, Job, CronJob, Pod or Rollout, with its pods.
#[derive(Debug, Clone)]
pub struct Workload<'a> {
    /// Where it comes from.
    pub object: &'a Object,
    /// Its pods.
    pub pod: PodSpec,
    /// The pods' labels.
    pub labels: BTreeMap<String, String>,
    /// The pods' annotations.
    pub annotations: BTreeMap<String, String>,
    /// Where the pod template stands, as a JSON pointer: `/spec/template`.
    pub template: &'static str,
}

impl<'a> Workload<'a> {
    /// None if the object starts no pods or does not parse.
    pub fn of(object: &'a Object) -> Option<Self> {
        let template = match object.kind.as_str() {
            "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicaSet" | "Rollout" => {
                "/spec/template"
            }
            "CronJob" => "/spec/jobTemplate/spec/template",
            "Pod" => "",
            _ => return None,
        };
        let value = object.value.pointer(template)?;
        let parsed: PodTemplateSpec = serde_json::from_value(value.clone()).ok()?;
        Some(Self {
            object,
            pod: parsed.spec?,
            labels: texts(value.pointer("/metadata/labels")),
            annotations: texts(value.pointer("/metadata/annotations")),
            template,
        })
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        &self.object.name
    }

    /// Whether its pods run until somebody stops them.
    pub fn is_lasting(&self) -> bool {
        !matches!(self.object.kind.as_str(), "Job" | "CronJob" | "Pod")
    }

    /// Its own `matchLabels`.
    pub fn match_labels(&self) -> BTreeMap<String, String> {
        self.object.texts("/spec/selector/matchLabels")
    }

    /// All containers, with the field each stands in.
    pub fn containers(&self) -> Vec<(String, &Container)> {
        let first = self.pod.init_containers.iter().flatten().map(|container| {
            let field = format!("spec.initContainers[{}]", container.name);
            (self.field(&field), container)
        });
        let rest = self.pod.containers.iter().map(|container| {
            let field = format!("spec.containers[{}]", container.name);
            (self.field(&field), container)
        });
        first.chain(rest).collect()
    }

    /// A field below the pod template as one writes it.
    pub fn field(&self, below: &str) -> String {
        let template = self.template.trim_start_matches('/').replace('/', ".");
        if template.is_empty() {
            below.to_owned()
        } else {
            format!("{template}.{below}")
        }
    }

    /// The service of ours that it runs: the second word of `serve SERVICE`.
    pub fn service(&self) -> Option<&str> {
        let container = self.pod.containers.iter().find(|c| is_ours(c))?;
        match container.args.as_deref() {
            Some([command, service, ..]) if command == "serve" => Some(service),
            _ => None,
        }
    }

    /// The containers that run our program.
    pub fn ours(&self) -> Vec<(String, &Container)> {
        let mut all = self.containers();
        all.retain(|(_, container)| is_ours(container));
        all
    }

    /// How many pods it has at least and at most, without an autoscaler.
    pub fn replicas(&self) -> i64 {
        match self.object.kind.as_str() {
            "Job" => self.object.number("/spec/parallelism").unwrap_or(1),
            _ => self.object.number("/spec/replicas").unwrap_or(1),
        }
    }
}

/// The image of the program, whatever its registry, tag and digest.
pub fn is_ours(container: &Container) -> bool {
    let image = container.image.as_deref().unwrap_or_default();
    image_name(image).rsplit('/').next() == Some("techcommerce")
}

/// An image's name without tag and digest.
pub fn image_name(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or_default();
    match image.rsplit_once(':') {
        // A colon before a slash belongs to a port.
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    }
}

/// Whether a label selector (as JSON) matches these labels. An empty one matches all.
pub fn selects(selector: &Value, labels: &BTreeMap<String, String>) -> bool {
    let equal = texts(selector.get("matchLabels"));
    let wanted = equal
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value));
    let expressions = selector
        .get("matchExpressions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    wanted
        && expressions.into_iter().all(|expression| {
            let key = expression["key"].as_str().unwrap_or_default();
            let values = || expression["values"].as_array().into_iter().flatten();
            let has = labels.get(key);
            let among = || values().any(|value| value.as_str() == has.map(String::as_str));
            match expression["operator"].as_str() {
                Some("In") => has.is_some() && among(),
                Some("NotIn") => has.is_none() || !among(),
                Some("Exists") => has.is_some(),
                Some("DoesNotExist") => has.is_none(),
                _ => false,
            }
        })
}
