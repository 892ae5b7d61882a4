//! One object of a rendering.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// An object as it would be sent to the cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// As `apps/v1`.
    pub api_version: String,
    /// As `Deployment`.
    pub kind: String,
    /// None where the object belongs to the cluster, or says none.
    pub namespace: Option<String>,
    /// Its name; the empty text if it has none.
    pub name: String,
    /// All of it.
    pub value: Value,
}

impl Object {
    /// From what stands in a file.
    pub fn new(value: Value) -> Result<Self> {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
        Ok(Self {
            api_version: text("/apiVersion").context("no apiVersion")?.to_owned(),
            kind: text("/kind").context("no kind")?.to_owned(),
            namespace: text("/metadata/namespace").map(str::to_owned),
            name: text("/metadata/name").unwrap_or_default().to_owned(),
            value,
        })
    }

    /// As a type of Kubernetes; none if it does not fit, which the check `typed` reports.
    pub fn get<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_value(self.value.clone()).ok()
    }

    /// A text in it, by JSON pointer.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.value.pointer(pointer)?.as_str()
    }

    /// A whole number in it, by JSON pointer.
    pub fn number(&self, pointer: &str) -> Option<i64> {
        self.value.pointer(pointer)?.as_i64()
    }

    /// A list in it, by JSON pointer; empty if there is none.
    pub fn list(&self, pointer: &str) -> &[Value] {
        self.value
            .pointer(pointer)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// A map of texts in it, by JSON pointer; empty if there is none.
    pub fn texts(&self, pointer: &str) -> BTreeMap<String, String> {
        texts(self.value.pointer(pointer))
    }

    /// The part of `apiVersion` before the version: empty for the core.
    pub fn group(&self) -> &str {
        self.api_version
            .rsplit_once('/')
            .map_or("", |(group, _)| group)
    }
}

/// A map of texts.
pub fn texts(value: Option<&Value>) -> BTreeMap<String, String> {
    value
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}
