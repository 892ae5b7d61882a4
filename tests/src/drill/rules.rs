//! The rules of k8s/monitoring/rules, as Prometheus reads them without an operator, with every duration
//! shorter by a factor and nothing else changed.
//!
//! The files are read line by line in the shape in which this repository writes YAML: blocks, texts
//! by `|` and `>-`. A key that is not known here is an error, so that a new kind of duration cannot go
//! through as it is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::durations::{scaled, scaled_expression};

/// Keys whose value is a duration.
const DURATIONS: [&str; 4] = ["for", "keep_firing_for", "interval", "query_offset"];
/// Keys whose value stays.
const PLAIN: [&str; 6] = ["groups", "rules", "name", "alert", "record", "limit"];
/// Keys with whatever is below them.
const WHOLE: [&str; 2] = ["labels", "annotations"];

/// All files of rules, shortened: their names and texts.
pub fn all(factor: f64) -> Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for path in paths()? {
        let text = fs::read_to_string(&path)?;
        let short = shortened(&text, factor).with_context(|| path.display().to_string())?;
        let name = path.file_name().context("a name")?.to_string_lossy();
        files.push((name.into_owned(), short));
    }
    ensure!(!files.is_empty(), "there are no rules");
    Ok(files)
}

/// The names of all alerts.
pub fn alerts() -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for path in paths()? {
        let text = fs::read_to_string(&path)?;
        let found = text
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("- alert: "));
        names.extend(found.map(|name| name.trim().to_owned()));
    }
    Ok(names)
}

fn paths() -> Result<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../k8s/monitoring/rules");
    let mut paths = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let yaml = path.extension().is_some_and(|end| end == "yaml");
        if yaml
            && path
                .file_name()
                .is_some_and(|name| name != "kustomization.yaml")
        {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// What stands below `spec:` of a PrometheusRule.
fn shortened(text: &str, factor: f64) -> Result<String> {
    let (head, spec) = text.split_once("\nspec:\n").context("no spec")?;
    ensure!(
        head.contains("\nkind: PrometheusRule\n"),
        "no PrometheusRule"
    );
    let mut out = String::new();
    let mut lines = spec.lines().peekable();
    while let Some(line) = lines.next() {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with('#') {
            continue;
        }
        let (indent, key, value) = parts(line)?;
        // What is indented further belongs to this key.
        let mut below = Vec::new();
        let ends = |next: &str| !next.trim().is_empty() && width(next) <= indent;
        let multi = WHOLE.contains(&key) || matches!(value, "|" | "|-" | ">-" | ">");
        while multi && lines.peek().is_some_and(|next| !ends(next)) {
            below.extend(lines.next());
        }
        let start = &line[..line.len() - value.len()];
        match key {
            _ if DURATIONS.contains(&key) => {
                out.push_str(&format!("{start}{}\n", scaled(value, factor)?));
            }
            "expr" if below.is_empty() => {
                ensure!(
                    !value.starts_with(['\'', '"']),
                    "an expression in quotes: {value}"
                );
                out.push_str(&format!("{start}{}\n", scaled_expression(value, factor)?));
            }
            "expr" => {
                let expression = scaled_expression(&below.join("\n"), factor)?;
                out.push_str(&format!("{line}\n{expression}\n"));
            }
            _ if WHOLE.contains(&key) || PLAIN.contains(&key) => {
                out.push_str(&format!("{line}\n"));
                below
                    .iter()
                    .for_each(|line| out.push_str(&format!("{line}\n")));
            }
            _ => bail!("{key}: nobody said whether that is a duration"),
        }
    }
    Ok(out)
}

/// Where the key begins, the key, what stands behind it.
fn parts(line: &str) -> Result<(usize, &str, &str)> {
    let bare = line.trim_start();
    let bare = bare.strip_prefix("- ").map_or(bare, str::trim_start);
    let indent = line.len() - bare.len();
    let (key, value) = bare
        .split_once(':')
        .with_context(|| format!("no key: {line}"))?;
    Ok((indent, key, value.trim()))
}

fn width(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "\
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: shop
spec:
  groups:
    - name: shop
      interval: 1m
      rules:
        # Every [5m].
        - record: shop:a
          expr: |
            rate(a[5m])
            /
            rate(b[5m] offset 1h)
          labels: { for: '10m' }
        - alert: A
          expr: shop:a > 300
          for: 10m
          keep_firing_for: 5m
          labels:
            severity: high
          annotations:
            summary: >-
              Within [5m]:
              for: 10m
";

    #[test]
    fn every_duration_is_shorter_and_nothing_else() {
        let short = shortened(RULES, 10.0).unwrap();
        let expected = RULES
            .split_once("spec:\n")
            .unwrap()
            .1
            .replace("        # Every [5m].\n", "")
            .replace("interval: 1m", "interval: 6000ms")
            .replace("rate(a[5m])", "rate(a[30000ms])")
            .replace("rate(b[5m] offset 1h)", "rate(b[30000ms] offset 360000ms)")
            .replace(
                "          for: 10m\n          keep",
                "          for: 60000ms\n          keep",
            )
            .replace("keep_firing_for: 5m", "keep_firing_for: 30000ms");
        assert_eq!(short, expected);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (good, bad) in [
            ("interval: 1m", "partial: 1m"),
            ("for: 10m\n", "for: soon\n"),
            ("rate(a[5m])", "rate(a[x])"),
            ("kind: PrometheusRule", "kind: ConfigMap"),
            ("expr: shop:a > 300", "expr: 'shop:a > 300'"),
        ] {
            assert!(RULES.contains(good));
            assert!(shortened(&RULES.replace(good, bad), 10.0).is_err(), "{bad}");
        }
    }

    /// By one, they say what they said; no number is lost on the way.
    #[test]
    fn all_of_ours_are_read() {
        assert!(alerts().unwrap().len() > 20);
        let count = |text: &str| text.matches("- alert: ").count();
        let long: usize = paths()
            .unwrap()
            .iter()
            .map(|path| count(&fs::read_to_string(path).unwrap()))
            .sum();
        let short: usize = all(20.0).unwrap().iter().map(|(_, text)| count(text)).sum();
        assert_eq!(long, short);
        for (name, text) in all(20.0).unwrap() {
            for long in ["[5m]", "[10m]", "[1h]", "[30d]", "for: 1m", "offset 1w"] {
                assert!(!text.contains(long), "{long} in {name}");
            }
        }
    }
}
