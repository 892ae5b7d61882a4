//! What each component changes, as components.txt lists it: one that reaches further shows up as a
//! difference that somebody has to look at.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::checks;
use crate::finding::Finding;
use crate::render::{self, Kustomize};
use crate::rendered::Rendered;

pub const NAME: &str = "components";

/// The list.
const FILE: &str = "xtask/manifests/components.txt";

/// Every component is used, and changes what is listed.
pub fn check(root: &Path, kustomize: &Kustomize) -> Result<Vec<Finding>> {
    let components = render::folders(root, "k8s/components")?;
    let mut found = checks::check_components(root, &components, &render::all(root)?)?;
    let text = std::fs::read_to_string(root.join(FILE)).unwrap_or_default();
    let listed = read(&text);
    for (component, lines) in all(root, kustomize)? {
        let empty = Vec::new();
        let known = listed.get(&component).unwrap_or(&empty);
        for line in lines.iter().filter(|line| !known.contains(line)) {
            found.push(Finding::of(
                NAME,
                component.as_str(),
                format!("changes what is not listed for it: {line}"),
                format!("if it has to: cargo run -p techcommerce-manifests -- --write-components writes {FILE}"),
            ));
        }
        for line in known.iter().filter(|line| !lines.contains(line)) {
            found.push(Finding::of(
                NAME,
                component.as_str(),
                format!("does not change what is listed for it: {line}"),
                format!("if it should not: cargo run -p techcommerce-manifests -- --write-components writes {FILE}"),
            ));
        }
    }
    Ok(found)
}

/// Writes the list anew.
pub fn write(root: &Path, kustomize: &Kustomize) -> Result<()> {
    let mut text = String::from(
        "# What each component changes (+ adds, - removes, ~ changes): on k8s/base, and with what it needs.\n\
         # Written by: cargo run -p techcommerce-manifests -- --write-components\n",
    );
    for (component, lines) in all(root, kustomize)? {
        writeln!(text, "\n[{component}]")?;
        for line in lines {
            writeln!(text, "{line}")?;
        }
    }
    std::fs::write(root.join(FILE), text)?;
    println!("{FILE} is written");
    Ok(())
}

fn read(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut component = String::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        match line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            Some(name) => {
                component = name.to_owned();
                all.entry(component.clone()).or_default();
            }
            None => all
                .entry(component.clone())
                .or_default()
                .push(line.to_owned()),
        }
    }
    all
}

/// Where a component can stand, the first that builds being taken.
const GROUNDS: &[&str] = &["k8s/base", "k8s/overlays/production"];

/// What each component changes.
fn all(root: &Path, kustomize: &Kustomize) -> Result<BTreeMap<String, Vec<String>>> {
    let scratch = format!("target/manifests-{}", std::process::id());
    let mut grounds = BTreeMap::new();
    let mut all = BTreeMap::new();
    for component in render::folders(root, "k8s/components")? {
        let mut lines = vec!["cannot be built on k8s/base or k8s/overlays/production".to_owned()];
        for ground in GROUNDS {
            let Ok(after) = on(root, kustomize, &scratch, ground, &component) else {
                continue;
            };
            if !grounds.contains_key(ground) {
                grounds.insert(*ground, kustomize.render(root, ground)?);
            }
            let before: &Rendered = grounds.get(ground).context("was put there")?;
            lines = checks::changes(before, &after);
            lines.insert(0, format!("on {ground}"));
            break;
        }
        all.insert(component, lines);
    }
    let _ = std::fs::remove_dir_all(root.join(&scratch));
    Ok(all)
}

fn on(
    root: &Path,
    kustomize: &Kustomize,
    scratch: &str,
    ground: &str,
    component: &str,
) -> Result<Rendered> {
    let folder = root.join(scratch);
    std::fs::create_dir_all(&folder)?;
    let text = format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n\
         resources: [../../{ground}]\ncomponents: [../../{component}]\n"
    );
    std::fs::write(folder.join("kustomization.yaml"), text)?;
    kustomize.render(root, scratch)
}
