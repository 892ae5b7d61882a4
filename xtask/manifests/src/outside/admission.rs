//! Admission policies on what they are for: the workloads beside them must be admitted, and planted
//! mistakes refused (admission.py). CEL by cel-python, Rego by regopy.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::finding::Finding;
use crate::outside::tool::{CEL, Python, REGO};
use crate::rendered::Rendered;

pub const NAME: &str = "admission";

const SCRIPT: &str = include_str!("admission.py");

/// Kinds with rules in them, and what evaluates them.
const ENGINES: &[(&str, &str, Python)] = &[
    ("ValidatingAdmissionPolicy", "cel", CEL),
    ("NamespacedValidatingPolicy", "cel", CEL),
    ("ConstraintTemplate", "rego", REGO),
];

#[derive(Deserialize)]
struct Said {
    place: String,
    wrong: String,
}

/// All renderings that hold policies.
pub fn check(root: &Path, renderings: &[Rendered]) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for rendered in renderings {
        for (kind, engine, tool) in ENGINES {
            if rendered.of(kind).next().is_some() {
                let objects = rendered.objects.iter().map(|object| object.value.clone());
                found.extend(evaluate(
                    root,
                    &rendered.folder,
                    objects.collect(),
                    engine,
                    *tool,
                )?);
            }
        }
    }
    Ok(found)
}

fn evaluate(
    root: &Path,
    folder: &str,
    objects: Vec<Value>,
    engine: &str,
    tool: Python,
) -> Result<Vec<Finding>> {
    let mut child = tool
        .python(root)?
        .args(["-c", SCRIPT, engine])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("its standard input")?;
    stdin.write_all(&serde_json::to_vec(&Value::Array(objects))?)?;
    drop(stdin);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("{folder}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let said: Vec<Said> = serde_json::from_slice(&output.stdout)?;
    let finding = |one: Said| {
        let place = format!("{folder}: {}", one.place);
        let mend = "k8s/components: admission-policy, kyverno, gatekeeper have the same rules";
        Finding::of(NAME, place, one.wrong, mend)
    };
    Ok(said.into_iter().map(finding).collect())
}
