//! What is found and is as it should be, each with its reason.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::file::File;
use crate::{Finding, paths};

/// The list.
pub const FILE: &str = "xtask/migrations/exceptions.toml";

/// `xtask/migrations/exceptions.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exceptions {
    /// Rules that a file may break.
    #[serde(default)]
    file: Vec<OfFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfFile {
    path: String,
    rules: Vec<String>,
    why: String,
}

impl Exceptions {
    /// Reads the list of a repository.
    ///
    /// # Errors
    /// It is not there or not understood.
    pub fn read(root: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(root.join(FILE)).context(FILE)?;
        Self::parse(&text).context(FILE)
    }

    /// Reads a list.
    ///
    /// # Errors
    /// It is not understood.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(toml::from_str(text)?)
    }

    /// What is left of the findings; an exception that nothing needs is one itself.
    pub fn take_out(&self, files: &[File], found: Vec<Finding>) -> Vec<Finding> {
        let excuses = |finding: &Finding| {
            let of_file =
                |one: &OfFile| one.path == finding.file && one.rules.contains(&finding.rule);
            self.file.iter().any(of_file)
        };
        let mut left = Vec::new();
        for one in &self.file {
            for rule in &one.rules {
                let is_used = |finding: &Finding| finding.file == one.path && finding.rule == *rule;
                let is_there = paths(files).any(|path| path == one.path);
                if !is_there || !found.iter().any(is_used) || one.why.is_empty() {
                    left.push(unused(rule, &one.path));
                }
            }
        }
        left.extend(found.into_iter().filter(|finding| !excuses(finding)));
        left
    }
}

fn unused(rule: &str, place: &str) -> Finding {
    let wrong = format!("the exception of {rule} for {place} excuses nothing, or has no reason");
    Finding::of("exceptions", FILE, wrong)
}
