//! The OpenAPI document that the program serves, which its answers are held against.

use std::collections::BTreeSet;
use std::sync::Mutex;

use anyhow::{Result, bail};
use serde_json::Value;
use techcommerce_testkit::Answer;

use crate::schema::violations;

/// The document, and which of its operations were called.
pub struct Document {
    json: Value,
    called: Mutex<BTreeSet<String>>,
}

impl Document {
    /// From the answer of `GET /api/openapi.json`.
    pub fn new(json: Value) -> Self {
        Self {
            json,
            called: Mutex::default(),
        }
    }

    /// The document itself.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// Checks an answer's status, type and body, and notes its operation as called.
    pub fn check(&self, answer: &Answer) -> Result<()> {
        let path = answer.path.split('?').next().unwrap_or_default();
        let method = answer.method.as_str().to_lowercase();
        let Some((template, operation)) = self.operation(&method, path) else {
            // Pages are no part of it; what else is not documented does not exist, or has
            // another method.
            let about_itself = matches!(path, "/api/openapi.json" | "/api/docs");
            if !path.starts_with("/api/") || about_itself || matches!(answer.status, 404 | 405) {
                return Ok(());
            }
            bail!(
                "{method} {path} answered {} but is not in the document",
                answer.status
            );
        };
        // A called operation is one that did what it is for, not one that was refused.
        if answer.status < 400 {
            let mut called = self.called.lock().expect("no test panicked here");
            called.insert(format!("{method} {template}"));
        }
        let what = format!("{method} {template} → {}", answer.status);
        let response = operation["responses"]
            .get(answer.status.to_string())
            .or_else(|| operation["responses"].get("default"))
            .or_else(|| general(answer.status).then_some(&Value::Null));
        let Some(response) = response else {
            bail!("{what}: the document has no such status: {}", answer.text());
        };
        let response = self.resolve(response);
        let kind = answer.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let Some(content) = response["content"].as_object() else {
            return Ok(());
        };
        let Some(media) = content.get(kind) else {
            bail!("{what}: the document has no content of type {kind:?}");
        };
        if !kind.ends_with("json") {
            return Ok(());
        }
        let wrong = violations(&self.json, &media["schema"], &answer.json()?);
        if !wrong.is_empty() {
            bail!(
                "{what}: the body is not as documented:\n  {}",
                wrong.join("\n  ")
            );
        }
        Ok(())
    }

    /// Every operation as `method path`.
    pub fn operations(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for (path, item) in self.json["paths"].as_object().into_iter().flatten() {
            for method in item.as_object().into_iter().flatten().map(|(key, _)| key) {
                if ["get", "put", "post", "patch", "delete"].contains(&method.as_str()) {
                    all.insert(format!("{method} {path}"));
                }
            }
        }
        all
    }

    /// The operations that no answer below 400 came from.
    pub fn not_called(&self) -> Vec<String> {
        let called = self.called.lock().expect("no test panicked here");
        self.operations().difference(&called).cloned().collect()
    }

    fn operation(&self, method: &str, path: &str) -> Option<(&str, &Value)> {
        let paths = self.json["paths"].as_object()?;
        // A fixed path goes before one with a parameter: `/products/export` is no product.
        let (template, item) = paths
            .iter()
            .filter(|(template, _)| fits(template, path))
            .min_by_key(|(template, _)| template.matches('{').count())?;
        Some((template, item.get(method)?))
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        value["$ref"]
            .as_str()
            .and_then(|reference| self.json.pointer(reference.trim_start_matches('#')))
            .unwrap_or(value)
    }
}

/// What every operation may answer without saying so: the edge's own refusals.
fn general(status: u16) -> bool {
    matches!(status, 401 | 405 | 413 | 415 | 429 | 500..)
}

fn fits(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(part), Some(given)) if part == given => {}
            (Some(part), Some(given)) if part.starts_with('{') && !given.is_empty() => {}
            _ => return false,
        }
    }
}
