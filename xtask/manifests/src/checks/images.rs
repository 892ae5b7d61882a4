//! One name for our image, and tags that do not move for others'.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::program::Program;
use crate::rendered::Rendered;
use crate::workload::{image_name, is_ours};

pub const NAME: &str = "images";

/// The name of our image.
pub const OURS: &str = "ghcr.io/techcommerce/techcommerce";

/// Tags that mean something else tomorrow.
const MOVING: &[&str] = &[
    "latest", "stable", "main", "master", "edge", "nightly", "dev",
];

pub fn check(rendered: &Rendered, _: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut ours = BTreeSet::new();
    for workload in rendered.workloads() {
        for (field, container) in workload.containers() {
            let image = container.image.as_deref().unwrap_or_default();
            let field = format!("{field}.image");
            let mut say = |wrong: String, mend: &str| {
                found.push(Finding::at(NAME, workload.object, &field, wrong, mend));
            };
            let name = image_name(image);
            let tag = image[name.len()..]
                .split('@')
                .next()
                .unwrap_or_default()
                .trim_start_matches(':');
            let digest = image.split_once("@sha256:").map(|(_, digest)| digest);
            if digest.is_some_and(|d| d.len() != 64 || !d.chars().all(|c| c.is_ascii_hexdigit())) {
                say(
                    format!("`{image}` has no digest of 64 hexadecimal digits"),
                    "copy it whole",
                );
            }
            if image.is_empty() || (tag.is_empty() && digest.is_none()) {
                say(
                    format!("`{image}` has neither tag nor digest"),
                    "it would be `latest`: name a version",
                );
            } else if MOVING.contains(&tag) && digest.is_none() {
                say(format!("`{image}` moves"), "name a version, best a digest");
            }
            if is_ours(container) {
                if name != OURS {
                    say(format!("`{name}` is not the name of our image"), OURS);
                }
                ours.insert(image.to_owned());
            } else if digest.is_none() && !tag.chars().any(|c| c.is_ascii_digit()) {
                say(
                    format!("the tag `{tag}` names no version"),
                    "name a version",
                );
            }
            if container.image_pull_policy.as_deref() == Some("Never") {
                say("is never pulled".to_owned(), "IfNotPresent");
            }
        }
    }
    if ours.len() > 1 {
        let all: Vec<String> = ours.into_iter().collect();
        found.push(Finding::of(
            NAME,
            rendered.folder.as_str(),
            format!("services run different versions: {}", all.join(", ")),
            "set the image once, with `images:` of the kustomization",
        ));
    }
    found
}
