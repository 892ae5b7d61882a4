//! Runbooks: one for each alert, with what somebody needs who was woken by it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use techcommerce_testservers::monitoring;

use crate::finding::Finding;
use crate::promtool::say;
use crate::repository::{RUNBOOKS, Repository};

pub const NAME: &str = "runbooks";

/// In this order.
const SECTIONS: &[&str] = &[
    "## What it means",
    "## What to look at",
    "## What to do",
    "## When it is over",
];

/// The blocks of a language in a page.
pub fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match &mut open {
            Some(block) if line.trim() == "```" => {
                found.push(block.trim().to_owned());
                open = None;
            }
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
            None if line.trim() == format!("```{language}") => open = Some(String::new()),
            None => {}
        }
    }
    found
}

/// The commands of a runbook, one a line, without what is said about them.
pub fn commands(text: &str) -> Vec<String> {
    blocks(text, "sh")
        .iter()
        .flat_map(|block| {
            block
                .replace("\\\n", " ")
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .map(|line| {
            line.split(" #")
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned()
        })
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// Those of the blocks, and those of kubectl in the text.
pub fn all_commands(text: &str) -> Vec<String> {
    let outside = text.split("```").step_by(2).collect::<Vec<_>>().join("\n");
    let spans = outside.split('`').skip(1).step_by(2);
    let spans = spans.filter(|span| span.starts_with("kubectl ") && !span.contains('…'));
    let spans = spans.map(|span| span.split_whitespace().collect::<Vec<_>>().join(" "));
    let whole = spans.filter(|span| span.split(' ').count() > 2);
    commands(text).into_iter().chain(whole).collect()
}

/// One for each alert and none without; sections, list, commands.
pub fn check(repository: &Repository) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut alerts: Vec<&str> = repository.alerts().map(|(_, rule)| rule.name()).collect();
    alerts.dedup();
    for alert in &alerts {
        match repository.runbooks.get(*alert) {
            None => found.push(Finding::new(
                NAME,
                *alert,
                "has no runbook",
                format!("{RUNBOOKS}/{alert}.md"),
            )),
            Some(text) => found.extend(page(alert, text)),
        }
    }
    let list = fs::read_to_string(repository.root.join(RUNBOOKS).join("README.md"));
    let list = list.unwrap_or_default();
    for alert in repository.runbooks.keys() {
        if !alerts.contains(&alert.as_str()) {
            found.push(Finding::new(
                NAME,
                alert,
                "is a runbook of no alert",
                "remove it",
            ));
        }
        if !list.contains(&format!("({alert}.md)")) {
            found.push(Finding::new(
                NAME,
                alert,
                "is not in docs/runbooks/README.md",
                "",
            ));
        }
    }
    found
}

fn page(alert: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let place = format!("{RUNBOOKS}/{alert}.md");
    if text.lines().next() != Some(&format!("# {alert}")) {
        found.push(Finding::new(
            NAME,
            &place,
            "does not begin with the alert's name",
            "",
        ));
    }
    let mut from = 0;
    for section in SECTIONS {
        let heading = format!("\n{section}\n");
        let Some(at) = text[from..].find(&heading) else {
            found.push(Finding::new(
                NAME,
                &place,
                format!("has no \"{section}\", or not in its place"),
                "",
            ));
            continue;
        };
        from += at + heading.len();
        let body = text[from..].split("\n## ").next().unwrap_or_default();
        if body.trim().len() < 10 {
            found.push(Finding::new(
                NAME,
                &place,
                format!("has nothing below \"{section}\""),
                "",
            ));
        }
    }
    if commands(text).is_empty() && blocks(text, "promql").is_empty() {
        found.push(Finding::new(
            NAME,
            &place,
            "has nothing to run",
            "a command or a query",
        ));
    }
    for command in all_commands(text) {
        if let Err(wrong) = known(&command) {
            found.push(Finding::new(
                NAME,
                &place,
                format!("`{command}`: {wrong}"),
                "",
            ));
        }
    }
    found
}

/// What a runbook may tell somebody to run: the grammar of what we have tried or can try here.
fn known(command: &str) -> Result<(), String> {
    let words: Vec<&str> = command.split(' ').collect();
    match words[..] {
        ["techcommerce", ..] => Ok(()),
        ["kubectl", ref rest @ ..] => kubectl(rest),
        [
            "docker",
            "compose",
            "ps" | "logs" | "restart" | "up" | "stop" | "start",
            ..,
        ] => Ok(()),
        ["df", "-h", _] => Ok(()),
        _ => Err("is no command that runbooks may use".into()),
    }
}

const KINDS: &[&str] = &[
    "pods",
    "pod",
    "deployments",
    "deployment",
    "deploy",
    "events",
    "hpa",
    "resourcequota",
    "pvc",
    "jobs",
    "job",
    "nodes",
    "node",
    "certificates",
    "certificate",
    "endpointslices",
    "services",
    "networkpolicies",
    "secrets",
    "secret",
    "statefulset",
    "replicasets",
    "configmaps",
    "prometheusrules",
];
const OPTIONS: &[&str] = &[
    "-n",
    "--namespace",
    "-l",
    "--selector",
    "-o",
    "--tail",
    "--previous",
    "--since",
    "--sort-by",
    "--replicas",
    "-A",
    "--all-namespaces",
    "--timeout",
    "-p",
    "--type",
    "--containers",
    "--field-selector",
    "--from",
    "--from-file",
    "--dry-run",
    "-c",
    "--max",
];

fn kubectl(words: &[&str]) -> Result<(), String> {
    if let Some(at) = words.iter().position(|word| *word == "--") {
        return match (words.first(), words.get(at + 1)) {
            (Some(&"exec"), Some(&"techcommerce")) => Ok(()),
            _ => Err("there is nothing in the image but techcommerce".into()),
        };
    }
    let verb: Vec<&str> = words.iter().take(2).copied().collect();
    let kind = match verb[..] {
        ["get" | "describe" | "delete" | "scale" | "patch", kind] => Some(kind),
        ["rollout", "status" | "undo" | "restart" | "history"] => words.get(2).copied(),
        ["logs", target] => target.contains('/').then_some(target),
        ["top", "pods" | "nodes"]
        | ["create", "job" | "secret"]
        | ["apply", _]
        | ["port-forward", _] => None,
        ["set", "resources"] => words.get(2).copied(),
        _ => return Err("kubectl has no such command, or runbooks do not use it".into()),
    };
    for kind in kind.into_iter().flat_map(|kind| kind.split(',')) {
        let kind = kind.split('/').next().unwrap_or_default();
        if !KINDS.contains(&kind) {
            return Err(format!("{kind} is no kind that we know"));
        }
    }
    for word in words
        .iter()
        .filter(|word| word.starts_with('-') && verb[0] != "set" && verb[0] != "apply")
    {
        let name = word.split('=').next().unwrap_or_default();
        if !OPTIONS.contains(&name) {
            return Err(format!("{name} is no option that we know"));
        }
    }
    Ok(())
}

/// The queries of all runbooks: promtool reads them as it reads a rule.
///
/// # Errors
/// promtool is not there.
pub fn queries(repository: &Repository, scratch: &Path) -> Result<(usize, Vec<Finding>)> {
    let mut rules = Vec::new();
    for (alert, text) in &repository.runbooks {
        for (index, query) in blocks(text, "promql").into_iter().enumerate() {
            let name = format!("{}:{index}", alert.to_lowercase());
            rules.push(serde_json::json!({"record": name, "expr": query}));
        }
    }
    let count = rules.len();
    let file = scratch.join("queries.json");
    fs::write(
        &file,
        serde_json::json!({"groups": [{"name": "runbooks", "rules": rules}]}).to_string(),
    )?;
    let mut command = Command::new(monitoring("promtool")?);
    let (well, said) = say(command.args(["check", "rules", "--lint=none"]).arg(&file))?;
    let found = (!well).then(|| Finding::new(NAME, "queries of docs/runbooks", said.trim(), ""));
    Ok((count, found.into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_without_their_remarks() {
        let text = "```sh\nkubectl get pods   # all of them\nkubectl logs \\\n  deploy/api\n```\n";
        assert_eq!(
            commands(text),
            ["kubectl get pods", "kubectl logs deploy/api"]
        );
    }

    #[test]
    fn what_nobody_tried_is_refused() {
        for command in [
            "rm -rf /",
            "kubectl frobnicate pods",
            "kubectl get dinosaurs",
            "kubectl get pods --fast",
            "kubectl exec deploy/api -- sh",
        ] {
            assert!(known(command).is_err(), "{command}");
        }
        for command in [
            "kubectl get pods -n techcommerce",
            "kubectl exec deploy/api -- techcommerce doctor",
            "kubectl rollout undo deploy/api",
        ] {
            assert_eq!(known(command), Ok(()), "{command}");
        }
    }
}
