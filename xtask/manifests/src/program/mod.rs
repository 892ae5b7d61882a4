//! What is known of the program itself, from the program itself.

pub mod answers;
pub mod catalogue;
pub mod effective;
pub mod pod;
pub mod run;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::program::answers::Answers;
use crate::program::catalogue::Catalogue;
use crate::program::effective::Effective;

/// One setting, as `techcommerce config --reference` has it.
#[derive(Debug, Clone)]
pub struct Setting {
    /// As `database_url`.
    pub key: String,
    /// Whether its value is hidden, and may stand in a file.
    pub secret: bool,
}

/// A Secret that `techcommerce cluster secrets` makes.
#[derive(Debug, Clone, Default)]
pub struct MadeSecret {
    /// Its keys.
    pub keys: BTreeSet<String>,
    /// Only with `--object-store`.
    pub only_with_object_store: bool,
}

/// Secrets that the shop's owner brings, because nobody can make them up (k8s/README.md).
pub const BY_OWNER: &[(&str, &[&str])] = &[
    (
        "object-store",
        &["access-key", "secret-key", "credentials.json"],
    ),
    ("smtp", &["url"]),
    ("stripe", &["secret-key", "webhook-secret"]),
    // Without its passphrase no backup can be read: it has to outlive the cluster.
    ("backup-repository", &["repository.conf"]),
    ("cosign-public-key", &["cosign.pub"]),
    // Where logs go instead of Loki.
    ("elasticsearch", &["user", "password"]),
    ("datadog", &["api-key"]),
];

/// The program and what it says of itself.
#[derive(Debug)]
pub struct Program {
    /// The binary.
    pub binary: PathBuf,
    /// By variable, as `TECHCOMMERCE_DATABASE_URL`.
    pub settings: BTreeMap<String, Setting>,
    /// By name, as `order-api-database`.
    pub secrets: BTreeMap<String, MadeSecret>,
    /// What the image sets for every container of ours.
    pub image_variables: BTreeMap<String, String>,
    /// What can be scraped.
    pub metrics: Catalogue,
    /// What the running services answered; empty until they were run.
    pub answers: Answers,
    judged: Mutex<BTreeMap<BTreeMap<String, String>, Result<Effective, String>>>,
}

impl Program {
    /// Asks the binary.
    pub fn ask(binary: &Path, root: &Path) -> Result<Self> {
        let binary = binary.canonicalize().with_context(|| {
            format!(
                "{} is missing; build it with: cargo build -p techcommerce",
                binary.display()
            )
        })?;
        let dockerfile = std::fs::read_to_string(root.join("Dockerfile")).unwrap_or_default();
        Ok(Self {
            settings: settings(&said(&binary, &["config", "--reference"])?),
            secrets: secrets(&said(&binary, &["cluster", "secrets", "--list"])?)?,
            metrics: Catalogue::parse(&said(&binary, &["metrics"])?),
            image_variables: image_variables(&dockerfile),
            binary,
            answers: Answers::default(),
            judged: Mutex::default(),
        })
    }

    /// The settings in force with exactly these variables; else what the program complains of.
    pub fn config(&self, variables: &BTreeMap<String, String>) -> Result<Effective, String> {
        if let Some(known) = self
            .judged
            .lock()
            .ok()
            .and_then(|all| all.get(variables).cloned())
        {
            return known;
        }
        let output = Command::new(&self.binary)
            .arg("config")
            .env_clear()
            .envs(variables)
            .current_dir(std::env::temp_dir())
            .output();
        let answer = match output {
            Ok(output) if output.status.success() => {
                Ok(Effective::parse(&String::from_utf8_lossy(&output.stdout)))
            }
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(error.to_string()),
        };
        if let Ok(mut all) = self.judged.lock() {
            all.insert(variables.clone(), answer.clone());
        }
        answer
    }
}

fn said(binary: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new(binary)
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .output()?;
    if !output.status.success() {
        bail!(
            "`techcommerce {}` ended with {}: {}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// From the rows of the reference: | `key` | `VARIABLE` | default | what it is. Secret. |
fn settings(reference: &str) -> BTreeMap<String, Setting> {
    let mut settings = BTreeMap::new();
    for line in reference.lines() {
        let cells: Vec<&str> = line.split(" | ").collect();
        let [key, variable, _, .., text] = cells.as_slice() else {
            continue;
        };
        let bare = |cell: &str| cell.trim_matches(|c| " |`".contains(c)).to_owned();
        if bare(variable).starts_with("TECHCOMMERCE_") {
            let setting = Setting {
                key: bare(key),
                secret: text.trim_end_matches([' ', '|']).ends_with("Secret."),
            };
            settings.insert(bare(variable), setting);
        }
    }
    settings
}

fn secrets(list: &str) -> Result<BTreeMap<String, MadeSecret>> {
    let list: Value = serde_json::from_str(list).context("`cluster secrets --list`")?;
    let mut secrets = BTreeMap::new();
    for secret in list.as_array().context("a list of Secrets")? {
        let name = secret["name"].as_str().context("a Secret's name")?;
        let keys = secret["keys"].as_array().into_iter().flatten();
        let made = MadeSecret {
            keys: keys
                .filter_map(|key| Some(key["name"].as_str()?.to_owned()))
                .collect(),
            only_with_object_store: secret["when"].as_str() == Some("object-store"),
        };
        secrets.insert(name.to_owned(), made);
    }
    Ok(secrets)
}

/// The `ENV` of the image's last stage.
fn image_variables(dockerfile: &str) -> BTreeMap<String, String> {
    let last = dockerfile
        .rfind("\nFROM ")
        .map_or(dockerfile, |at| &dockerfile[at..]);
    last.split_whitespace()
        .filter(|word| word.starts_with("TECHCOMMERCE_"))
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_read() {
        let text = "| key | variable | default | what it is |\n|---|---|---|---|\n\
            | `data_dir` | `TECHCOMMERCE_DATA_DIR` | `data` | The folder. |\n\
            | `database_url` | `TECHCOMMERCE_DATABASE_URL` | none | PostgreSQL. Secret. |\n";
        let settings = settings(text);
        assert_eq!(settings.len(), 2);
        assert_eq!(settings["TECHCOMMERCE_DATA_DIR"].key, "data_dir");
        assert!(!settings["TECHCOMMERCE_DATA_DIR"].secret);
        assert!(settings["TECHCOMMERCE_DATABASE_URL"].secret);
    }

    #[test]
    fn the_image_sets_variables_in_its_last_stage() {
        let text = "FROM a AS b\nENV TECHCOMMERCE_X=1\n\nFROM scratch\nENV PATH=/bin \\\n    TECHCOMMERCE_DATA_DIR=/var/lib/techcommerce\nUSER 1001\n";
        let variables = image_variables(text);
        assert_eq!(variables.len(), 1);
        assert_eq!(variables["TECHCOMMERCE_DATA_DIR"], "/var/lib/techcommerce");
    }
}
