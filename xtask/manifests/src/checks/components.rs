//! Every component is used by an overlay or a combination, and changes only what is listed for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use crate::finding::Finding;
use crate::rendered::Rendered;

pub const NAME: &str = "components";

/// The folders of components, and those that some rendering names.
pub fn check_components(
    root: &Path,
    components: &[String],
    renderings: &[String],
) -> Result<Vec<Finding>> {
    let mut used = BTreeSet::new();
    let mut open: Vec<String> = renderings.to_vec();
    let mut seen = BTreeSet::new();
    while let Some(folder) = open.pop() {
        if !seen.insert(folder.clone()) {
            continue;
        }
        let text = std::fs::read_to_string(root.join(&folder).join("kustomization.yaml"))
            .unwrap_or_default();
        let value: Value = serde_norway::from_str(&text).unwrap_or_default();
        for field in ["components", "resources"] {
            for path in value[field]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
            {
                if let Some(path) = resolve(&folder, path) {
                    used.insert(path.clone());
                    open.push(path);
                }
            }
        }
    }
    let unused = components
        .iter()
        .filter(|component| !used.contains(*component));
    Ok(unused
        .map(|component| {
            Finding::of(
                NAME,
                component.as_str(),
                "is used by no overlay and no combination, so nobody knows whether it builds",
                "add it to a folder of k8s/combinations",
            )
        })
        .collect())
}

/// A path relative to a folder.
fn resolve(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// What a component changes: `+` makes, `-` takes away, `~` changes, with the top fields.
pub fn changes(before: &Rendered, after: &Rendered) -> Vec<String> {
    let index = |rendered: &Rendered| -> BTreeMap<String, Value> {
        let pairs = rendered
            .objects
            .iter()
            .map(|object| (object.to_string(), object.value.clone()));
        pairs.collect()
    };
    let (before, after) = (index(before), index(after));
    let mut all = Vec::new();
    for (name, value) in &after {
        match before.get(name) {
            None => all.push(format!("+ {name}")),
            Some(old) if old != value => {
                let mut fields = BTreeSet::new();
                different(old, value, &mut Vec::new(), &mut fields);
                let fields: Vec<String> = fields.into_iter().collect();
                all.push(format!("~ {name}: {}", fields.join(", ")));
            }
            Some(_) => {}
        }
    }
    all.extend(
        before
            .keys()
            .filter(|name| !after.contains_key(*name))
            .map(|name| format!("- {name}")),
    );
    all
}

/// The fields in which two values differ, three levels deep below the pod template's head.
fn different(old: &Value, new: &Value, at: &mut Vec<String>, fields: &mut BTreeSet<String>) {
    if old == new {
        return;
    }
    let (Value::Object(before), Value::Object(after)) = (old, new) else {
        fields.insert(at.join("."));
        return;
    };
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let empty = Value::Null;
        at.push(key.clone());
        let (a, b) = (
            before.get(key).unwrap_or(&empty),
            after.get(key).unwrap_or(&empty),
        );
        different(a, b, at, fields);
        at.pop();
    }
}
