//! What compose's Prometheus and Alertmanager read is made of what the cluster's do.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::finding::Finding;
use crate::repository::{ALERTMANAGER, COMPOSE, RULES, Repository};

pub const NAME: &str = "compose";

/// Every file below `compose/` that is made, with its text.
///
/// # Errors
/// The configuration of Alertmanager is no YAML.
pub fn files(repository: &Repository) -> Result<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    let made = |from: &str| {
        format!("# Made of {from} by `cargo xtask monitoring -- --write`: change that, not this.\n")
    };
    for file in &repository.rules {
        let from = format!("{RULES}/{}.yaml", file.name);
        let text = made(&from) + &serde_norway::to_string(&file.plain())?;
        all.insert(format!("{COMPOSE}/rules/{}.yaml", file.name), text);
    }
    let from = format!("{ALERTMANAGER}/alertmanager.yaml");
    let text = made(&from)
        + "# The same routes, receivers and templates, by mail alone: http://localhost:8025 shows them.\n"
        + &serde_norway::to_string(&mails_only(&repository.alertmanager)?)?;
    all.insert(format!("{COMPOSE}/alertmanager.yml"), text);
    Ok(all)
}

/// The same configuration with the mail catcher in place of everything else.
fn mails_only(text: &str) -> Result<Value> {
    let mut value: Value = serde_norway::from_str(text).context("alertmanager.yaml")?;
    value["global"] = json!({
        "resolve_timeout": value["global"]["resolve_timeout"],
        "smtp_smarthost": "mail:1025",
        "smtp_from": "alerts@techcommerce.example",
        "smtp_require_tls": false,
    });
    value["templates"] = json!(["/etc/alertmanager/*.tmpl"]);
    for receiver in value["receivers"].as_array_mut().into_iter().flatten() {
        if let Some(fields) = receiver.as_object_mut() {
            fields.retain(|name, _| name == "name" || name == "email_configs");
        }
    }
    Ok(value)
}

/// Whether they are there and current.
///
/// # Errors
/// See [`files`].
pub fn check(repository: &Repository) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for (name, text) in files(repository)? {
        let there = fs::read_to_string(repository.root.join(&name)).unwrap_or_default();
        if there != text {
            found.push(Finding::new(
                NAME,
                name,
                "is not what it is made of",
                "cargo xtask monitoring -- --write",
            ));
        }
    }
    let known: Vec<String> = files(repository)?.into_keys().collect();
    for entry in fs::read_dir(repository.root.join(COMPOSE).join("rules"))?.flatten() {
        let name = format!("{COMPOSE}/rules/{}", entry.file_name().to_string_lossy());
        if !known.contains(&name) {
            found.push(Finding::new(
                NAME,
                name,
                "is made of nothing any more",
                "remove it",
            ));
        }
    }
    Ok(found)
}

/// Writes them anew.
///
/// # Errors
/// A file cannot be written.
pub fn write(repository: &Repository) -> Result<()> {
    for (name, text) in files(repository)? {
        let path = repository.root.join(&name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        if fs::read_to_string(&path).unwrap_or_default() != text {
            fs::write(&path, text)?;
            println!("{name} is written");
        }
    }
    Ok(())
}
