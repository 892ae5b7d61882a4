//! Every script and chore that a workflow calls is there, and knows the flags that it is called with: a
//! workflow is run for the first time when it is too late.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use clap::CommandFactory as _;

use super::Finding;
use super::read::Workflow;
use crate::program::{output, target, techcommerce};
use crate::{Cli, steps};

/// A call, as it stands in a workflow.
#[derive(Debug, PartialEq, Eq)]
struct Call {
    /// `scripts/x.sh`, or `cargo xtask`.
    what: String,
    /// What follows, without what is computed in between.
    words: Vec<String>,
}

/// What the commands have said of themselves.
#[derive(Default)]
pub struct Asked {
    help: BTreeMap<String, String>,
    calls: usize,
}

impl Asked {
    pub fn count(&self) -> usize {
        self.calls
    }

    fn help_of(&mut self, name: &str, command: &mut Command) -> Result<&str> {
        if !self.help.contains_key(name) {
            let said = output(command.arg("--help"))?;
            self.help.insert(name.to_owned(), said);
        }
        Ok(&self.help[name])
    }
}

/// All calls of a workflow.
pub fn check(workflow: &Workflow, asked: &mut Asked) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for job in &workflow.jobs {
        for call in job.runs.iter().flat_map(|run| calls(run)) {
            asked.calls += 1;
            if let Some(wrong) = judge(&call, asked)? {
                found.push(Finding::new(
                    format!("{}: {}", workflow.place, job.id),
                    wrong,
                ));
            }
        }
    }
    Ok(found)
}

fn judge(call: &Call, asked: &mut Asked) -> Result<Option<String>> {
    if call.what == "cargo xtask" {
        return judge_chore(&call.words, asked);
    }
    let is_program = Path::new(&call.what)
        .metadata()
        .is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0);
    if !is_program {
        return Ok(Some(format!("there is no program {}", call.what)));
    }
    let own = call
        .words
        .split(|word| word == "--")
        .next()
        .unwrap_or_default();
    let help = asked.help_of(&call.what, &mut Command::new(&call.what))?;
    if let Some(flag) = unknown(own, help) {
        return Ok(Some(format!("{} does not know {flag}", call.what)));
    }
    // The program's own, where a script hands them on.
    let handed_on = call.words.get(own.len() + 1..).unwrap_or_default();
    if handed_on.is_empty() {
        return Ok(None);
    }
    let mut command = Command::new(techcommerce());
    let help = asked.help_of("techcommerce traffic", command.arg("traffic"))?;
    Ok(unknown(handed_on, help).map(|flag| format!("traffic does not know {flag}")))
}

/// A chore of ours: its own flags, the names of steps, and what it hands on after `--`.
fn judge_chore(words: &[String], asked: &mut Asked) -> Result<Option<String>> {
    let chores = Cli::command();
    let name = words.first().map(String::as_str).unwrap_or_default();
    let Some(chore) = chores.find_subcommand(name) else {
        return Ok(Some(format!("there is no chore {name}")));
    };
    let split = words
        .iter()
        .position(|word| word == "--")
        .unwrap_or(words.len());
    let mut own = words[1..split].iter();
    while let Some(word) = own.next() {
        let Some(flag) = word.strip_prefix("--") else {
            continue;
        };
        if !chore
            .get_arguments()
            .any(|known| known.get_long() == Some(flag))
        {
            return Ok(Some(format!("{name} does not know --{flag}")));
        }
        if flag == "only" {
            let step = own.next().map(String::as_str).unwrap_or_default();
            if !steps::ALL.iter().any(|known| known.name == step) {
                return Ok(Some(format!("there is no step {step}")));
            }
        }
    }
    let handed_on = words.get(split + 1..).unwrap_or_default();
    if handed_on.is_empty() {
        return Ok(None);
    }
    // The program of the package, which has the name of the chore.
    let subcommand = handed_on.iter().take_while(|word| !word.starts_with("--"));
    let program = target().join("debug").join(format!("techcommerce-{name}"));
    let mut command = Command::new(program);
    let help = asked.help_of(&format!("{name} {handed_on:?}"), command.args(subcommand))?;
    Ok(unknown(handed_on, help).map(|flag| format!("{name} does not know {flag}")))
}

/// The first flag that a help does not tell of.
fn unknown(words: &[String], help: &str) -> Option<String> {
    let tells = |flag: &str| {
        help.split(|char: char| !(char.is_alphanumeric() || char == '-'))
            .any(|word| word == flag)
    };
    words
        .iter()
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .map(|word| word.split('=').next().unwrap_or(word))
        .find(|flag| !tells(flag))
        .map(str::to_owned)
}

/// What a step's text calls of ours.
fn calls(run: &str) -> Vec<Call> {
    let text = run.replace("\\\n", " ");
    let mut found = Vec::new();
    for start in ["scripts/", "cargo xtask "] {
        for (at, _) in text.match_indices(start) {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|char| char.is_alphanumeric() || "/._-".contains(char)) {
                continue;
            }
            let mut words = words_from(&text[at..]);
            let what = match start {
                "cargo xtask " => {
                    words.drain(..2);
                    "cargo xtask".to_owned()
                }
                _ => words.remove(0),
            };
            found.push(Call { what, words });
        }
    }
    found
}

/// The words up to the end of a command; what `$(…)` and `${…}` compute is left out.
fn words_from(text: &str) -> Vec<String> {
    let mut plain = String::new();
    let (mut depth, mut quoted) = (0, false);
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '$' if matches!(chars.peek(), Some('(' | '{')) => {
                chars.next();
                depth += 1;
            }
            ')' | '}' if depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            ')' | '\n' | '|' | ';' | '&' | '>' if !quoted => break,
            // The end of a quoted command inside another: "$(this)".
            ')' => break,
            '"' => quoted = !quoted,
            _ => plain.push(char),
        }
    }
    plain.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(what: &str, words: &[&str]) -> Call {
        Call {
            what: what.into(),
            words: words.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn calls_are_found_wherever_they_stand() {
        let run = "trivy image --exit-code 1 \"$(scripts/image.sh name --only x)@$DIGEST\"\n\
                   A=b cargo xtask test --only supply-chain && scripts/a.sh --one \"$(cat --two)\" \\\n  --three | cat --four\n\
                   scripts/b.sh x -- --rate 2\n";
        assert_eq!(
            calls(run),
            [
                call("scripts/image.sh", &["name", "--only", "x"]),
                call("scripts/a.sh", &["--one", "--three"]),
                call("scripts/b.sh", &["x", "--", "--rate", "2"]),
                call("cargo xtask", &["test", "--only", "supply-chain"]),
            ]
        );
    }

    #[test]
    fn chores_and_steps_are_ours() {
        let judge = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            judge_chore(&words, &mut Asked::default()).expect("an answer")
        };
        assert_eq!(judge("test --nightly"), None);
        assert_eq!(judge("test --only lints"), None);
        assert_eq!(
            judge("test --only luck").as_deref(),
            Some("there is no step luck")
        );
        assert_eq!(
            judge("test --never").as_deref(),
            Some("test does not know --never")
        );
        assert_eq!(judge("hope").as_deref(), Some("there is no chore hope"));
    }

    #[test]
    fn flags_are_whole_words() {
        let words = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        let help = "  --only NAME   this\n  --dry-run\n";
        assert_eq!(unknown(&words("--only x --dry-run"), help), None);
        assert_eq!(unknown(&words("--dry"), help).as_deref(), Some("--dry"));
        assert_eq!(unknown(&words("--on=x"), help).as_deref(), Some("--on"));
    }

    #[test]
    fn a_script_that_is_not_there_is_named() {
        let wrong = judge(&call("scripts/nowhere.sh", &[]), &mut Asked::default());
        let wrong = wrong.expect("an answer");
        assert_eq!(
            wrong.as_deref(),
            Some("there is no program scripts/nowhere.sh")
        );
    }
}
