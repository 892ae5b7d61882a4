//! The migrations' files.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use techcommerce_store::Script;

/// Tables that several services have: these files have no number, the program gives them one.
const SHARED: &[&str] = &["crates/audit", "crates/jobs", "crates/once"];

/// A file.
#[derive(Debug, Clone)]
pub struct File {
    /// From the root, as `services/auth/migrations/0001_accounts.sql`.
    pub path: String,
    /// Its number, of those of a service.
    pub number: Option<i64>,
    /// What it says.
    pub text: String,
}

impl File {
    /// The file at a path, with its number.
    pub fn new(path: &str, text: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        let number = name
            .split_once('_')
            .and_then(|(number, _)| number.parse().ok());
        Self {
            path: path.to_owned(),
            number,
            text: text.to_owned(),
        }
    }

    /// As the program reads it.
    ///
    /// # Errors
    /// As the program's.
    pub fn script(&self) -> Result<Script<'_>, String> {
        Script::read(self.number.unwrap_or_default(), self.name(), &self.text)
    }

    /// The folder, which is one service's.
    pub fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// All files below the root, in their order.
///
/// # Errors
/// A folder cannot be read.
pub fn all(root: &Path) -> Result<Vec<File>> {
    let mut folders: Vec<String> = SHARED.iter().map(|folder| (*folder).to_owned()).collect();
    for entry in fs::read_dir(root.join("services")).context("services")? {
        let name = entry?.file_name();
        folders.push(format!("services/{}", name.to_string_lossy()));
    }
    let mut files = Vec::new();
    for folder in folders {
        let folder = format!("{folder}/migrations");
        // Some services keep nothing.
        let Ok(entries) = fs::read_dir(root.join(&folder)) else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            let text = fs::read_to_string(entry.path()).with_context(|| path.clone())?;
            files.push(File::new(&path, &text));
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}
