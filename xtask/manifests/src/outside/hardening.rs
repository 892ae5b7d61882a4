//! checkov and pipeline-check, with every exception listed in exceptions.toml: one that is not
//! needed any more is a failure as well.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::finding::Finding;
use crate::outside::tool::{CHECKOV, PIPELINE_CHECK};
use crate::rendered::Rendered;

pub const NAME: &str = "hardening";

/// One exception.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    /// checkov or pipeline-check.
    tool: String,
    /// As `CKV_K8S_43`.
    check: String,
    /// As `Deployment/postgres`; `*` is any, at the end any rest.
    object: String,
    /// Why it is right so.
    why: String,
}

#[derive(Debug, Deserialize)]
struct Exceptions {
    exception: Vec<Exception>,
}

/// What a tool found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Complaint {
    tool: &'static str,
    check: String,
    object: String,
    text: String,
}

/// All renderings.
pub fn check(root: &Path, renderings: &[Rendered], scratch: &Path) -> Result<Vec<Finding>> {
    let file = root.join("xtask/manifests/exceptions.toml");
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let exceptions: Exceptions =
        toml::from_str(&text).with_context(|| file.display().to_string())?;
    let mut complaints = BTreeSet::new();
    complaints.extend(checkov(root, renderings, scratch)?);
    complaints.extend(pipeline_check(root, renderings, scratch)?);
    Ok(judge(complaints, &exceptions.exception))
}

fn judge(complaints: BTreeSet<Complaint>, exceptions: &[Exception]) -> Vec<Finding> {
    let mut used = vec![false; exceptions.len()];
    let mut found = Vec::new();
    for complaint in complaints {
        let mut excused = false;
        for (exception, used) in exceptions.iter().zip(&mut used) {
            if exception.tool == complaint.tool
                && exception.check == complaint.check
                && matches(&exception.object, &complaint.object)
            {
                *used = true;
                excused = true;
            }
        }
        if !excused {
            found.push(Finding::of(
                NAME,
                complaint.object,
                format!("{} {}: {}", complaint.tool, complaint.check, complaint.text),
                "mend it, or say in xtask/manifests/exceptions.toml why it is right so",
            ));
        }
    }
    for (exception, used) in exceptions.iter().zip(used) {
        let place = format!(
            "xtask/manifests/exceptions.toml {} {}",
            exception.check, exception.object
        );
        if !used {
            found.push(Finding::of(
                NAME,
                place.clone(),
                "is an exception that nothing needs any more",
                "take it out",
            ));
        }
        if exception.why.trim().len() < 20 {
            found.push(Finding::of(
                NAME,
                place,
                "has no reason",
                "say why it is right so",
            ));
        }
    }
    found
}

/// `*` at the end stands for any rest.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => text == pattern,
    }
}

/// Once over all distinct objects: it takes seconds to start.
fn checkov(root: &Path, renderings: &[Rendered], scratch: &Path) -> Result<Vec<Complaint>> {
    let folder = scratch.join("checkov");
    std::fs::create_dir_all(&folder)?;
    let mut seen = BTreeSet::new();
    let mut text = String::new();
    for object in renderings.iter().flat_map(|rendered| &rendered.objects) {
        if seen.insert(object.value.to_string()) {
            text.push_str("---\n");
            text.push_str(&serde_norway::to_string(&object.value)?);
        }
    }
    std::fs::write(folder.join("all.yaml"), text)?;
    let output = CHECKOV
        .command(root)?
        .arg("-d")
        .arg(&folder)
        .args([
            "--framework",
            "kubernetes",
            "--output",
            "json",
            "--compact",
            "--quiet",
            "--skip-download",
        ])
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let report: Value = serde_json::from_str(&said).with_context(|| {
        format!(
            "checkov gave no report: {}",
            String::from_utf8_lossy(&output.stderr)
        )
    })?;
    let report = report.get(0).unwrap_or(&report);
    if report["summary"]["parsing_errors"].as_i64() != Some(0) {
        bail!(
            "checkov did not understand all: {}",
            report["results"]["parsing_errors"]
        );
    }
    let failed = report["results"]["failed_checks"]
        .as_array()
        .context("checkov's failed checks")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(failed
        .iter()
        .map(|check| {
            // `Deployment.namespace.name`, with the container behind it at times.
            let resource = text(&check["resource"]);
            let parts: Vec<&str> = resource.splitn(3, '.').collect();
            let object = match parts.as_slice() {
                [kind, _, name] => {
                    format!("{kind}/{}", name.split(" (").next().unwrap_or(name))
                }
                _ => resource.clone(),
            };
            Complaint {
                tool: "checkov",
                check: text(&check["check_id"]),
                object,
                text: text(&check["check_name"]),
            }
        })
        .collect())
}

fn pipeline_check(root: &Path, renderings: &[Rendered], scratch: &Path) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for (index, rendered) in renderings.iter().enumerate() {
        let file = scratch.join(format!("pipeline-check-{index}.yaml"));
        std::fs::write(&file, rendered.yaml()?)?;
        let output = PIPELINE_CHECK
            .command(root)?
            .args(["--pipeline", "kubernetes", "--output", "json", "--k8s-path"])
            .arg(&file)
            .output()?;
        let report: Value = serde_json::from_slice(&output.stdout).with_context(|| {
            format!(
                "pipeline-check gave no report: {}",
                String::from_utf8_lossy(&output.stderr)
            )
        })?;
        for finding in report["findings"]
            .as_array()
            .context("pipeline-check's findings")?
        {
            if finding["passed"] == Value::Bool(false) {
                let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
                complaints.push(Complaint {
                    tool: "pipeline-check",
                    check: text("check_id"),
                    object: rendered.folder.clone(),
                    text: format!("{}: {}", text("title"), text("description")),
                });
            }
        }
    }
    Ok(complaints)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(check: &str, object: &str) -> Complaint {
        Complaint {
            tool: "checkov",
            check: check.to_owned(),
            object: object.to_owned(),
            text: "privileged".to_owned(),
        }
    }

    fn exception(check: &str, object: &str) -> Exception {
        Exception {
            tool: "checkov".to_owned(),
            check: check.to_owned(),
            object: object.to_owned(),
            why: "because this is how it has to be".to_owned(),
        }
    }

    #[test]
    fn an_exception_excuses_what_it_names_and_nothing_else() {
        let found = judge(
            [
                complaint("A", "Deployment/api"),
                complaint("B", "Deployment/api"),
                complaint("A", "Job/x"),
            ]
            .into(),
            &[exception("A", "Deployment/*")],
        );
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn an_exception_that_nothing_needs_is_found() {
        let found = judge(BTreeSet::new(), &[exception("A", "*")]);
        assert!(found[0].wrong.contains("nothing needs"), "{found:?}");
    }
}
