//! What no linter knows: how workflows of this repository are written, and what its documents say of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value as Json;

use super::Finding;
use super::read::{Job, Workflow, mapping};

/// What the documents say.
pub struct Known {
    /// The page that tells of secrets and variables.
    pub release_page: String,
}

impl Known {
    pub fn of_repository() -> Result<Self> {
        let page = "docs/release.md";
        Ok(Self {
            release_page: fs::read_to_string(page).context(page)?,
        })
    }
}

/// One workflow by itself.
pub fn check(workflow: &Workflow, known: &Known) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |place: String, wrong: String| found.push(Finding::new(place, wrong));
    let place = &workflow.place;
    let permissions = &workflow.value["permissions"];
    if !permissions.as_mapping().is_some_and(|map| map.is_empty()) {
        say(
            place.clone(),
            "at the top stands `permissions: {}`; a job asks for what it needs".into(),
        );
    }
    for (number, line) in workflow.text.lines().enumerate() {
        if let Some(wrong) = uses(line) {
            say(format!("{place}:{}", number + 1), wrong);
        }
    }
    for name in named(&workflow.text) {
        if name != "GITHUB_TOKEN" && !known.release_page.contains(&format!("`{name}`")) {
            say(
                place.clone(),
                format!("docs/release.md does not tell of {name}"),
            );
        }
    }
    for job in &workflow.jobs {
        for wrong in job_of(job) {
            say(format!("{place}: {}", job.id), wrong);
        }
    }
    found
}

fn job_of(job: &Job) -> Vec<String> {
    let mut wrong = Vec::new();
    let calls = job.value["uses"].is_string();
    if !calls && job.value["timeout-minutes"].as_u64().is_none() {
        wrong.push("has no timeout-minutes".into());
    }
    if job.value["permissions"].is_null() {
        wrong.push("says not what it may do (permissions)".into());
    }
    for step in job.value["steps"].as_sequence().into_iter().flatten() {
        let uses = step["uses"].as_str().unwrap_or_default();
        let keeps = &step["with"]["persist-credentials"];
        if uses.starts_with("actions/checkout@") && keeps.as_bool() != Some(false) {
            wrong.push("leaves a token in the checkout: persist-credentials: false".into());
        }
        // More than a few lines belong into a script, where they are tested.
        let lines = step["run"].as_str().unwrap_or_default().lines().count();
        if lines > 8 {
            wrong.push(format!("runs {lines} lines: a script has tests"));
        }
    }
    wrong
}

/// What is wrong with a line that uses an action: it is one by its commit, with the version as a comment.
fn uses(line: &str) -> Option<String> {
    let line = line.trim().trim_start_matches("- ");
    let action = line.strip_prefix("uses: ")?;
    if action.starts_with("./") {
        return None;
    }
    let (name, rest) = action.split_once('@')?;
    let (commit, comment) = rest.split_once(" # ").unwrap_or((rest, ""));
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if commit.len() != 40 || !hex(commit) {
        return Some(format!("{name} is not pinned to a commit of 40 digits"));
    }
    let numbers = |version: &str| version.split('.').all(|part| part.parse::<u32>().is_ok());
    (!comment.strip_prefix('v').is_some_and(numbers))
        .then(|| format!("{name} does not say its version: # v1.2.3"))
}

/// Secrets and variables that a text asks GitHub for.
fn named(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for kind in ["secrets.", "vars."] {
        for (at, _) in text.match_indices(kind) {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|char| char.is_alphanumeric() || char == '-') {
                continue;
            }
            let rest = &text[at + kind.len()..];
            let end = rest.find(|char: char| !(char.is_alphanumeric() || char == '_'));
            let name = &rest[..end.unwrap_or(rest.len())];
            if !name.is_empty() {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

/// The checks that a branch demands are jobs of the workflow that pull requests run.
pub fn rules(workflows: &[Workflow]) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    let file = ".github/rulesets/main.json";
    let rules: Json = serde_json::from_str(&fs::read_to_string(file).context(file)?)?;
    let of_requests = |workflow: &&Workflow| {
        mapping(&workflow.value["on"])
            .iter()
            .any(|(event, _)| event == "pull_request")
    };
    let jobs: BTreeSet<&str> = workflows
        .iter()
        .filter(of_requests)
        .flat_map(|workflow| workflow.jobs.iter().map(|job| job.name.as_str()))
        .collect();
    let demanded = demanded(&rules);
    for name in demanded.iter().filter(|name| !jobs.contains(name.as_str())) {
        found.push(Finding::new(
            file,
            format!("no job of a pull request is called {name}"),
        ));
    }
    for name in jobs.iter().filter(|name| !demanded.contains(**name)) {
        found.push(Finding::new(
            file,
            format!("{name} may fail, and the change lands"),
        ));
    }
    for rule in [
        "required_signatures",
        "pull_request",
        "non_fast_forward",
        "deletion",
    ] {
        let has = rules["rules"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|one| one["type"] == rule);
        if !has {
            found.push(Finding::new(file, format!("{rule} is not demanded")));
        }
    }
    Ok(found)
}

fn demanded(rules: &Json) -> BTreeSet<String> {
    let rules = rules["rules"].as_array().into_iter().flatten();
    rules
        .filter_map(|rule| rule["parameters"]["required_status_checks"].as_array())
        .flatten()
        .filter_map(|check| check["context"].as_str().map(str::to_owned))
        .collect()
}

/// Owners of what there is.
pub fn owners(text: &str) -> Vec<Finding> {
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let missing = |line: &str| {
        let path = line.split_whitespace().next()?.trim_start_matches('/');
        // As far as it is a name, and not a pattern.
        let name = path.split('*').next()?;
        let gone = !name.is_empty() && !Path::new(name).exists();
        let nobody = !line.contains(" @");
        (gone || nobody).then(|| {
            Finding::new(
                ".github/CODEOWNERS",
                format!("{path}: there is no such thing, or it has no owner"),
            )
        })
    };
    lines.filter_map(missing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
name: Good
on: push
permissions: {}
jobs:
  one:
    name: One
    runs-on: ubuntu-latest
    timeout-minutes: 5
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          persist-credentials: false
      - run: echo ${{ secrets.KNOWN }} ${{ vars.ADDRESS }}
";

    fn found(text: &str) -> Vec<String> {
        let workflow = Workflow::read("w.yaml", text).expect("a workflow");
        let known = Known {
            release_page: "| `KNOWN` | `ADDRESS` |".into(),
        };
        check(&workflow, &known)
            .into_iter()
            .map(|one| one.wrong)
            .collect()
    }

    #[test]
    fn what_is_right_is_left_alone() {
        assert_eq!(found(GOOD), Vec::<String>::new());
    }

    #[test]
    fn each_mistake_is_named() {
        for (from, to, named) in [
            ("permissions: {}", "permissions: read-all", "at the top"),
            ("    timeout-minutes: 5\n", "", "has no timeout-minutes"),
            (
                "    permissions:\n      contents: read\n",
                "",
                "says not what it may do",
            ),
            (
                "@de0fac2e4500dabe0009e67214ff5f5447ce83dd",
                "@v6",
                "not pinned to a commit",
            ),
            ("5447ce83dd", "5447ce83dg", "not pinned to a commit"),
            ("# v6.0.2", "# vfour", "does not say its version"),
            (" # v6.0.2", "", "does not say its version"),
            (
                "persist-credentials: false",
                "persist-credentials: true",
                "leaves a token",
            ),
            (
                "secrets.KNOWN",
                "secrets.UNHEARD_OF",
                "does not tell of UNHEARD_OF",
            ),
            (
                "vars.ADDRESS",
                "vars.ELSEWHERE",
                "does not tell of ELSEWHERE",
            ),
            (
                "run: echo",
                "run: |\n          1\n          2\n          3\n          4\n          5\n          6\n          7\n          8\n          echo",
                "runs 9 lines",
            ),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let wrong = found(&GOOD.replacen(from, to, 1));
            assert!(
                wrong.iter().any(|one| one.contains(named)),
                "{named}: {wrong:?}"
            );
        }
    }

    #[test]
    fn owners_own_what_there_is() {
        let count = |text: &str| owners(text).len();
        assert_eq!(count("# who\n* @a/b\n/src/ @a/b\n"), 0);
        assert_eq!(count("/nowhere/ @a/b\n/src/ nobody\n"), 2);
    }
}
