//! Objects of Kubernetes itself against the schemas of several versions, by kubernetes-validate.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, bail};

use crate::finding::Finding;
use crate::outside::crds;
use crate::outside::tool::KUBERNETES_VALIDATE;
use crate::rendered::Rendered;

pub const NAME: &str = "schemas";

/// The oldest version that we support, the one that we aim at, the newest that is described.
pub const VERSIONS: &[&str] = &["1.34", "1.36", "1.37"];

/// All distinct objects of all renderings.
pub fn check(root: &Path, renderings: &[Rendered], scratch: &Path) -> Result<Vec<Finding>> {
    let file = scratch.join("schemas.yaml");
    std::fs::write(&file, core_objects(renderings)?)?;
    let mut children = Vec::new();
    for version in VERSIONS {
        let mut command = KUBERNETES_VALIDATE.command(root)?;
        command.args(["--strict", "-k", version]).arg(&file);
        command
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        children.push((version, command.spawn()?));
    }
    let mut found = Vec::new();
    for (version, child) in children {
        let output = child.wait_with_output()?;
        let text =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        let before = found.len();
        found.extend(read(version, &text));
        if !output.status.success() && found.len() == before {
            bail!("kubernetes-validate ended with {}: {text}", output.status);
        }
    }
    Ok(found)
}

/// Those that are not custom resources, each once.
fn core_objects(renderings: &[Rendered]) -> Result<String> {
    let mut seen = BTreeSet::new();
    let mut text = String::new();
    for object in renderings.iter().flat_map(|rendered| &rendered.objects) {
        if !crds::is_known(&object.api_version, &object.kind)
            && seen.insert(object.value.to_string())
        {
            text.push_str("---\n");
            text.push_str(&serde_norway::to_string(&object.value)?);
        }
    }
    Ok(text)
}

/// A line as `ERROR file did not validate for resource configmap/a against version 1.34: why`, or
/// `WARN file Couldn't find schema for kind …`, which is a failure too.
fn read(version: &str, text: &str) -> Vec<Finding> {
    let lines = text
        .lines()
        .filter(|line| line.starts_with("ERROR") || line.starts_with("WARN"));
    lines
        .map(
            |line| match line.split_once(" did not validate for resource ") {
                Some((_, rest)) => {
                    let (resource, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                    let why = rest.split_once(": ").map_or(rest, |(_, why)| why);
                    Finding::of(
                        NAME,
                        resource,
                        format!("is no valid object of Kubernetes {version}: {why}"),
                        "see `kubectl explain`",
                    )
                }
                None => {
                    let words: Vec<&str> = line.split_whitespace().skip(2).collect();
                    Finding::of(
                        NAME,
                        "",
                        words.join(" "),
                        "use a version that every supported Kubernetes serves",
                    )
                }
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_warnings_are_findings() {
        let text = "INFO x passed\nERROR a.yaml did not validate for resource deployment/b against version 1.34: spec: 'selector' is a required property\nWARN a.yaml Couldn't find schema for kind Bar\n";
        let found = read("1.34", text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].place, "deployment/b");
        assert!(found[0].wrong.contains("'selector' is a required property"));
        assert!(found[1].wrong.contains("schema for kind Bar"));
    }
}
