//! squawk (<https://squawkhq.com>), on what PostgreSQL is sent.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use techcommerce_store::Manner;
use techcommerce_testservers::find_program;

use crate::Finding;
use crate::file::File;

const PACKAGE: &str = "squawk-cli==2.70.0";
const FOLDER: &str = "target/tools/py/squawk-cli";
/// The oldest server that we work with.
const POSTGRES: &str = "15";

/// What does not fit how migrations are run here.
const NOT_HERE: [&str; 2] = [
    // The program sets them for each statement, shorter than a file could.
    "require-timeout-settings",
    // What is not in a transaction is an index, and the program looks whether it is there and valid.
    "prefer-robust-stmts",
];

#[derive(Debug, Deserialize)]
struct Violation {
    file: String,
    line: usize,
    rule_name: String,
    message: String,
    #[serde(default)]
    help: Option<String>,
}

/// Where it is, from PyPI, in a virtual environment of its own.
///
/// # Errors
/// It is not there; says how to get it.
pub fn find(root: &Path) -> Result<PathBuf> {
    let program = root.join(FOLDER).join("bin/squawk");
    if !program.is_file() {
        bail!(
            "squawk is missing; get it with: python3 -m venv {FOLDER} && {FOLDER}/bin/pip install {PACKAGE}"
        );
    }
    Ok(program)
}

/// Installs it, if this version is not there.
///
/// # Errors
/// Python or the package cannot be had.
pub fn install(root: &Path) -> Result<()> {
    let folder = root.join(FOLDER);
    let stamp = folder.join("version");
    if std::fs::read_to_string(&stamp).is_ok_and(|there| there == PACKAGE) {
        return Ok(());
    }
    let python = find_program("python3").context(
        "python3 is missing; install it with: sudo apt-get install -y python3 python3-venv",
    )?;
    run(Command::new(python).args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(folder.join("bin/pip"))
        .args(["install", "--quiet", "--disable-pip-version-check"])
        .arg(PACKAGE))?;
    Ok(std::fs::write(stamp, PACKAGE)?)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// What squawk says of these files. A contract says of itself that it takes away, and is not told so.
///
/// # Errors
/// It cannot be run, or what it says is not understood.
pub fn check(squawk: &Path, files: &[File]) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for file in files {
        // What cannot be read is told by our own rules.
        let Ok(script) = file.script() else { continue };
        let takes_away = script.class.after().is_some();
        for one in violations(squawk, file, &script.for_postgres(), script.manner)? {
            let is_said = matches!(one.rule_name.as_str(), "ban-drop-column" | "ban-drop-table");
            if takes_away && is_said {
                continue;
            }
            let help = one.help.map_or_else(String::new, |help| format!(" {help}"));
            found.push(Finding {
                wrong: format!("statement at line {}: {}{help}", one.line + 1, one.message),
                rule: one.rule_name,
                file: one.file,
            });
        }
    }
    Ok(found)
}

fn violations(squawk: &Path, file: &File, sql: &str, manner: Manner) -> Result<Vec<Violation>> {
    let mut command = Command::new(squawk);
    command
        .args(["--reporter", "Json", "--pg-version", POSTGRES])
        .arg(format!("--exclude={}", NOT_HERE.join(",")))
        // Not what stands in some folder above.
        .args(["--stdin-filepath", &file.path])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if manner == Manner::Transaction {
        command.arg("--assume-in-transaction");
    }
    let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
    if let Some(mut input) = child.stdin.take() {
        std::io::Write::write_all(&mut input, sql.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(said.trim()).with_context(|| {
        format!(
            "{command:?} said {said:?} {}",
            String::from_utf8_lossy(&output.stderr)
        )
    })
}
