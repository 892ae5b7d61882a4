//! `docs/threat-model.md`: whatever it names as shown by a test is shown by a test that is there.

use anyhow::{Context as _, Result};
use regex::Regex;

use crate::finding::Finding;
use crate::updates::File;

/// Where it is.
pub const FILE: &str = "docs/threat-model.md";

/// The column that is looked at.
const COLUMN: &str = "shown by";

/// How many tests are named, and which are not there.
///
/// # Errors
/// A pattern of ours is none.
pub fn check(text: &str, files: &[File]) -> Result<(usize, Vec<Finding>)> {
    // Steps of the gate and paths are no tests.
    let step = Regex::new("step `[a-z-]+`")?;
    let name = Regex::new("`([a-z][a-z0-9_]*)`")?;
    let (mut count, mut found, mut inside) = (0, Vec::new(), false);
    for (number, line) in text.lines().enumerate() {
        if !line.starts_with('|') {
            inside = false;
            continue;
        }
        let cell = line
            .trim_end_matches('|')
            .rsplit('|')
            .next()
            .context("a cell")?
            .trim();
        if cell == COLUMN {
            inside = true;
            continue;
        }
        if !inside || cell.starts_with("---") {
            continue;
        }
        let place = || format!("{FILE}:{}", number + 1);
        if cell.is_empty() {
            found.push(Finding::new(
                place(),
                "nothing shows that this threat is met",
                "",
            ));
        }
        let cell = step.replace_all(cell, "");
        for test in name.captures_iter(&cell).filter_map(|hit| hit.get(1)) {
            count += 1;
            let declared = Regex::new(&format!(r"\bfn {}\b", test.as_str()))?;
            let there = files
                .iter()
                .any(|file| file.path.ends_with(".rs") && declared.is_match(&file.text));
            if !there {
                found.push(Finding::new(
                    place(),
                    format!("there is no test {}", test.as_str()),
                    "Name the one that shows it now.",
                ));
            }
        }
    }
    Ok((count, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(table: &str) -> (usize, Vec<String>) {
        let files = [File {
            path: "a.rs".into(),
            text: "#[test]\nfn it_holds() {}\n".into(),
        }];
        let (count, found) = check(table, &files).unwrap();
        (count, found.into_iter().map(|found| found.wrong).collect())
    }

    #[test]
    fn tests_that_are_gone_are_found() {
        let head = "| threat | shown by |\n|---|---|\n";
        assert_eq!(
            found(&format!("{head}| x | `it_holds`; the step `image` |\n")),
            (1, vec![])
        );
        assert_eq!(
            found(&format!("{head}| x | `it_holds`, `it_held` |\n")),
            (2, vec!["there is no test it_held".to_owned()])
        );
        let (_, wrong) = found(&format!("{head}| x |  |\n"));
        assert_eq!(wrong, ["nothing shows that this threat is met"]);
        // Other tables are about other things.
        assert_eq!(
            found("| what | why |\n|---|---|\n| `money` | `it_sells` |\n"),
            (0, vec![])
        );
    }
}
