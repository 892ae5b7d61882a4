//! What is checked, read from the repository once; the tests plant mistakes into it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::rules::{Rule, RuleFile};

pub const RULES: &str = "k8s/monitoring/rules";
pub const TESTS: &str = "k8s/monitoring/tests";
pub const ALERTMANAGER: &str = "k8s/monitoring/alertmanager";
pub const RUNBOOKS: &str = "docs/runbooks";
pub const COMPOSE: &str = "compose";
pub const NOTICED: &str = "xtask/monitoring/noticed.txt";
const OURS: &str = "xtask/monitoring";

/// All of it.
#[derive(Debug, Clone)]
pub struct Repository {
    pub root: PathBuf,
    pub rules: Vec<RuleFile>,
    /// Tests of promtool by file name.
    pub tests: BTreeMap<String, String>,
    /// `alertmanager.yaml`.
    pub alertmanager: String,
    /// Templates by file name.
    pub templates: BTreeMap<String, String>,
    /// By the alert's name.
    pub runbooks: BTreeMap<String, String>,
    /// `docs/metrics.md`.
    pub metrics: String,
    /// `docs/objectives.md`.
    pub objectives: String,
    /// Metrics of others, with whose they are.
    pub foreign: String,
    /// What routes have to lead where.
    pub routes: String,
    /// Outages, and what has to be muted while they last.
    pub outages: String,
    /// Which test noticed a change of a number when all were tried last: it is tried first.
    pub noticed: String,
}

impl Repository {
    /// Reads it.
    ///
    /// # Errors
    /// A file is missing, or no rule.
    pub fn read(root: &Path) -> Result<Self> {
        let text =
            |path: &str| fs::read_to_string(root.join(path)).with_context(|| path.to_owned());
        let mut rules = Vec::new();
        for (name, text) in folder(&root.join(RULES), "yaml")? {
            if name != "kustomization.yaml" {
                rules.push(RuleFile::parse(name.trim_end_matches(".yaml"), &text)?);
            }
        }
        let runbooks = folder(&root.join(RUNBOOKS), "md")?
            .into_iter()
            .filter(|(name, _)| name != "README.md")
            .map(|(name, text)| (name.trim_end_matches(".md").to_owned(), text))
            .collect();
        Ok(Self {
            root: root.to_owned(),
            rules,
            tests: folder(&root.join(TESTS), "yaml")?,
            alertmanager: text(&format!("{ALERTMANAGER}/alertmanager.yaml"))?,
            templates: folder(&root.join(ALERTMANAGER), "tmpl")?,
            runbooks,
            metrics: text("docs/metrics.md")?,
            objectives: text("docs/objectives.md")?,
            foreign: text(&format!("{OURS}/foreign.txt"))?,
            routes: text(&format!("{OURS}/routes.txt"))?,
            outages: text(&format!("{OURS}/outages.txt"))?,
            noticed: text(NOTICED)?,
        })
    }

    /// All alerts with the files they are in.
    pub fn alerts(&self) -> impl Iterator<Item = (&RuleFile, &Rule)> {
        self.rules
            .iter()
            .flat_map(|file| file.alerts().map(move |rule| (file, rule)))
    }

    /// The file with this alert or recording.
    pub fn file_of(&mut self, name: &str) -> Option<&mut RuleFile> {
        self.rules
            .iter_mut()
            .find(|file| file.rules().any(|rule| rule.name() == name))
    }

    /// A rule by its name, to be changed.
    pub fn rule(&mut self, name: &str) -> Option<&mut Rule> {
        self.rules
            .iter_mut()
            .flat_map(|file| &mut file.groups)
            .flat_map(|group| &mut group.rules)
            .find(|rule| rule.name() == name)
    }
}

/// Files of a folder with their texts.
fn folder(path: &Path, ending: &str) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let Ok(entries) = fs::read_dir(path) else {
        return Ok(found);
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let (Some(name), true) = (name, path.extension().is_some_and(|end| end == ending)) {
            found.insert(name.to_owned(), fs::read_to_string(&path)?);
        }
    }
    Ok(found)
}

/// Lines of our own lists: no blanks, no comments.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}
