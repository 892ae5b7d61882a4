//! A workflow as far as our own checks look at it.

use anyhow::{Context as _, Result};
use serde_norway::Value;

pub struct Workflow {
    /// The file.
    pub place: String,
    /// All of it, as it is written: comments too.
    pub text: String,
    pub value: Value,
    pub jobs: Vec<Job>,
}

pub struct Job {
    /// Its key, as `rollback_production`.
    pub id: String,
    /// Its name, as the pages show it and rules demand it.
    pub name: String,
    pub value: Value,
    /// What its steps run.
    pub runs: Vec<String>,
}

impl Workflow {
    pub fn read(place: &str, text: &str) -> Result<Self> {
        let value: Value = serde_norway::from_str(text).with_context(|| place.to_owned())?;
        let mut jobs = Vec::new();
        for (id, job) in mapping(&value["jobs"]) {
            let steps = job["steps"].as_sequence().cloned().unwrap_or_default();
            let run = |step: &Value| step["run"].as_str().map(str::to_owned);
            jobs.push(Job {
                name: job["name"].as_str().unwrap_or(&id).to_owned(),
                runs: steps.iter().filter_map(run).collect(),
                value: job,
                id,
            });
        }
        Ok(Self {
            place: place.to_owned(),
            text: text.to_owned(),
            value,
            jobs,
        })
    }
}

/// The entries of a mapping, in their order; none of anything else.
pub fn mapping(value: &Value) -> Vec<(String, Value)> {
    let entries = value.as_mapping().into_iter().flatten();
    entries
        .filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value.clone())))
        .collect()
}
