//! One rendering: the objects that one `kubectl apply -k` sends.

use anyhow::{Context as _, Result};
use serde::Deserialize as _;
use serde_json::Value;

use crate::object::Object;
use crate::workload::Workload;

/// What one folder of `k8s/` renders to.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The folder, as `k8s/overlays/production`.
    pub folder: String,
    /// In the order of the rendering.
    pub objects: Vec<Object>,
}

impl Rendered {
    /// From the YAML that kustomize writes.
    pub fn parse(folder: &str, yaml: &str) -> Result<Self> {
        let mut objects = Vec::new();
        for document in serde_norway::Deserializer::from_str(yaml) {
            let value = Value::deserialize(document).with_context(|| folder.to_owned())?;
            if value.is_null() {
                continue;
            }
            objects.push(Object::new(value).with_context(|| folder.to_owned())?);
        }
        Ok(Self {
            folder: folder.to_owned(),
            objects,
        })
    }

    /// All of a kind.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Object> {
        self.objects
            .iter()
            .filter(move |object| object.kind == kind)
    }

    /// The one of this kind and name in the namespace.
    pub fn find(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<&Object> {
        self.objects.iter().find(|object| {
            object.kind == kind
                && object.name == name
                && (namespace.is_none()
                    || object.namespace.is_none()
                    || object.namespace.as_deref() == namespace)
        })
    }

    /// All that start pods.
    pub fn workloads(&self) -> Vec<Workload<'_>> {
        self.objects.iter().filter_map(Workload::of).collect()
    }

    /// The namespace of the shop: that of the object `Namespace` with our label, or the only one.
    pub fn namespace(&self) -> Option<&str> {
        let mut all = self.of("Namespace");
        let first = all.next()?;
        let ours = std::iter::once(first)
            .chain(all)
            .find(|object| object.name.starts_with("techcommerce"));
        Some(ours.unwrap_or(first).name.as_str())
    }

    /// As YAML again, for programs that read files.
    pub fn yaml(&self) -> Result<String> {
        let mut text = String::new();
        for object in &self.objects {
            text.push_str("---\n");
            text.push_str(&serde_norway::to_string(&object.value)?);
        }
        Ok(text)
    }
}
