//! Mistakes of each kind, planted into what is right: each linter has to name them, every time.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::{Finding, tools};
use crate::program::target;

const RIGHT: &str = "\
name: Right
on:
  push:
    branches: [main]
permissions: {}
concurrency:
  group: right
  cancel-in-progress: true
jobs:
  one:
    name: One
    runs-on: ubuntu-latest
    timeout-minutes: 5
    permissions:
      contents: read # to check out
    steps:
      - name: Check out
        uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          persist-credentials: false
      - name: Look
        env:
          BRANCH: ${{ github.head_ref }}
        run: echo \"$BRANCH\"
";

type Linter = fn(&[PathBuf]) -> Result<Vec<Finding>>;

/// What is planted in place of what, for whom, and a word of the complaint.
const MISTAKES: &[(Linter, &str, &str, &str)] = &[
    (
        tools::actionlint,
        "github.head_ref",
        "github.nobody",
        "nobody",
    ),
    (
        tools::actionlint,
        "echo \\\"$BRANCH\\\"",
        "echo $BRANCH",
        "SC2086",
    ),
    (
        tools::actionlint,
        "ubuntu-latest",
        "ubuntu-1.04",
        "ubuntu-1.04",
    ),
    (
        tools::zizmor,
        "echo \\\"$BRANCH\\\"",
        "echo ${{ github.head_ref }}",
        "template-injection",
    ),
    (
        tools::zizmor,
        "persist-credentials: false",
        "fetch-depth: 1",
        "artipacked",
    ),
    (
        tools::zizmor,
        "@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2",
        "@v6",
        "unpinned-uses",
    ),
    (
        tools::zizmor,
        "permissions: {}\n",
        "permissions: write-all\n",
        "excessive-permissions",
    ),
    (
        tools::zizmor,
        "  push:\n    branches: [main]",
        "  pull_request_target:",
        "dangerous-triggers",
    ),
    (
        tools::schema,
        "timeout-minutes: 5",
        "timeout-minutes: long",
        "timeout-minutes",
    ),
    (
        tools::schema,
        "    runs-on: ubuntu-latest\n",
        "    runs-out: yes\n",
        "runs-out",
    ),
];

/// How many were found: all of them, or it fails.
pub fn all() -> Result<usize> {
    let folder = target().join("planted-workflows/.github/workflows");
    fs::create_dir_all(&folder)?;
    let file = folder.join("planted.yaml");
    let right = RIGHT.replace("\\\"", "\"");
    for linter in [tools::actionlint, tools::zizmor, tools::schema] {
        fs::write(&file, &right)?;
        if let Some(finding) = linter(std::slice::from_ref(&file))?.first() {
            bail!(
                "{} complains of what is right: {}",
                finding.place,
                finding.wrong
            );
        }
    }
    for (linter, from, to, named) in MISTAKES {
        let from = from.replace("\\\"", "\"");
        let to = to.replace("\\\"", "\"");
        if !right.contains(&from) {
            bail!("there is no {from} to plant {to} for");
        }
        fs::write(&file, right.replacen(&from, &to, 1))?;
        let found = linter(std::slice::from_ref(&file))?;
        if !found.iter().any(|finding| finding.wrong.contains(named)) {
            let said: Vec<&str> = found.iter().map(|finding| finding.wrong.as_str()).collect();
            bail!("nobody named the planted mistake {to} ({named}): {said:?}");
        }
    }
    let script = folder.join("planted.sh");
    fs::write(&script, "#!/usr/bin/env bash\nrm -r $1\n")?;
    let script = script.to_str().context("a path")?.to_owned();
    if tools::shellcheck(&[script])?.is_empty() {
        bail!("shellcheck says nothing to rm -r $1");
    }
    fs::remove_dir_all(target().join("planted-workflows"))?;
    Ok(MISTAKES.len() + 1)
}
