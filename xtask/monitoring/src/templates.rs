//! What people read: each template with each set of alerts, by amtool, against what was approved.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use techcommerce_testservers::monitoring;

use crate::finding::Finding;
use crate::promtool::say;
use crate::repository::Repository;

pub const NAME: &str = "templates";

/// Alerts as Alertmanager hands them to a template, and what came of it (`NAME.txt`).
const GOLDEN: &str = "xtask/monitoring/golden";

/// Each with whether it is HTML, where values are escaped.
const TEMPLATES: &[(&str, bool)] = &[
    ("shop.subject", false),
    ("shop.link", false),
    ("shop.runbook", false),
    ("shop.colour", false),
    ("shop.text", false),
    ("shop.slack", false),
    ("shop.html", true),
];

/// All of them, of one set of alerts.
fn rendered(folder: &Path, data: &Path) -> Result<String> {
    let mut all = String::new();
    for (name, html) in TEMPLATES {
        let mut command = Command::new(monitoring("amtool")?);
        command
            .args(["template", "render"])
            .arg(format!("--template.glob={}/*.tmpl", folder.display()))
            .arg(format!("--template.text={{{{ template \"{name}\" . }}}}"))
            .arg(format!("--template.data={}", data.display()))
            .arg(format!(
                "--template.type={}",
                if *html { "html" } else { "text" }
            ));
        let (_, said) = say(&mut command)?;
        all += &format!("── {name}\n{}\n", said.trim_end());
    }
    Ok(all)
}

/// Compares, or writes anew.
///
/// # Errors
/// amtool is not there, or a file cannot be read.
pub fn check(
    repository: &Repository,
    scratch: &Path,
    write: bool,
) -> Result<(usize, Vec<Finding>)> {
    let folder = scratch.join("templates");
    fs::create_dir_all(&folder)?;
    for (name, text) in &repository.templates {
        fs::write(folder.join(name), text)?;
    }
    let golden = repository.root.join(GOLDEN);
    let mut count = 0;
    let mut found = Vec::new();
    for entry in fs::read_dir(&golden).with_context(|| GOLDEN)?.flatten() {
        let data = entry.path();
        if data.extension().is_none_or(|end| end != "json") {
            continue;
        }
        count += TEMPLATES.len();
        let text = rendered(&folder, &data)?;
        let approved = data.with_extension("txt");
        if write {
            fs::write(&approved, &text)?;
        }
        let there = fs::read_to_string(&approved).unwrap_or_default();
        if there != text {
            let differs = text
                .lines()
                .zip(there.lines())
                .find(|(now, then)| now != then);
            let (now, then) = differs.unwrap_or((&text, &there));
            found.push(Finding::new(
                NAME,
                format!("{GOLDEN}/{}", entry.file_name().to_string_lossy()),
                format!("is shown as\n    {now}\n  where it was approved as\n    {then}"),
                "if it is better so: cargo xtask monitoring -- --write, and look at the difference",
            ));
        }
    }
    if count == 0 {
        found.push(Finding::new(NAME, GOLDEN, "there is nothing to show", ""));
    }
    Ok((count, found))
}
