//! Rendering folders of `k8s/` as `kubectl apply -k` does.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use techcommerce_testservers::find_program;

use crate::rendered::Rendered;

/// The program that renders.
#[derive(Debug, Clone)]
pub struct Kustomize {
    program: PathBuf,
    arguments: Vec<&'static str>,
}

impl Kustomize {
    /// `kubectl`, or `kustomize` by itself.
    pub fn find(root: &Path) -> Result<Self> {
        let ours = root.join("target/tools/kustomize/usr/bin/kustomize");
        if let Some(program) = find_program("kustomize").or_else(|| ours.is_file().then_some(ours))
        {
            return Ok(Self {
                program,
                arguments: vec!["build"],
            });
        }
        if let Some(program) = find_program("kubectl") {
            return Ok(Self {
                program,
                arguments: vec!["kustomize"],
            });
        }
        bail!(
            "neither kustomize nor kubectl is here. Debian 13 has the package kustomize (`sudo apt-get install kustomize`); \
             for others see https://kubectl.docs.kubernetes.io/installation/; `cargo xtask test --only tools` fetches it where it can"
        )
    }

    /// Renders a folder; a warning is an error, since the next version makes it one.
    pub fn render(&self, root: &Path, folder: &str) -> Result<Rendered> {
        let output = Command::new(&self.program)
            .args(&self.arguments)
            .arg(folder)
            .current_dir(root)
            .output()
            .with_context(|| self.program.display().to_string())?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() || !said.trim().is_empty() {
            bail!("kustomize says of {folder}: {}", said.trim());
        }
        Rendered::parse(folder, &String::from_utf8(output.stdout)?)
    }
}

/// The folders below one of `k8s/`'s that are kustomizations, by name.
pub fn folders(root: &Path, below: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let Ok(entries) = std::fs::read_dir(root.join(below)) else {
        return Ok(names);
    };
    for entry in entries {
        let entry = entry?;
        if entry.path().join("kustomization.yaml").is_file() {
            names.push(format!("{below}/{}", entry.file_name().to_string_lossy()));
        }
    }
    names.sort();
    Ok(names)
}

/// What is applied once a cluster, beside the shops.
pub const AROUND: &[&str] = &["k8s/logging", "k8s/monitoring", "k8s/tracing"];

/// All that a shop may be made of, overlays and combinations, and what is around it.
pub fn all(root: &Path) -> Result<Vec<String>> {
    let mut all = folders(root, "k8s/overlays")?;
    all.extend(folders(root, "k8s/combinations")?);
    all.extend(AROUND.iter().map(|folder| (*folder).to_owned()));
    if all.is_empty() {
        bail!("there is nothing in k8s/overlays");
    }
    Ok(all)
}
