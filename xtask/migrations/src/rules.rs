//! Rules of ours, which hold on both engines.

use std::collections::BTreeMap;

use techcommerce_store::{Class, Effect, Lock, Manner, Script, effects};

use crate::Finding;
use crate::file::File;

/// Column types that are the same on both engines (docs/database.md).
const TYPES: [&str; 6] = ["uuid", "jsonb", "bigint", "text", "boolean", "bytea"];

/// All rules on all files.
pub fn run(files: &[File]) -> Vec<Finding> {
    let mut found = numbers(files);
    for file in files {
        match file.script() {
            Ok(script) => found.extend(of_script(file, &script)),
            Err(wrong) => found.push(Finding::of("head", &file.path, wrong)),
        }
    }
    found
}

/// A service's numbers are 1, 2, 3, …
fn numbers(files: &[File]) -> Vec<Finding> {
    let mut folders: BTreeMap<&str, Vec<&File>> = BTreeMap::new();
    for file in files
        .iter()
        .filter(|file| file.folder().starts_with("services/"))
    {
        folders.entry(file.folder()).or_default().push(file);
    }
    let mut found = Vec::new();
    for of_service in folders.values() {
        for (file, expected) in of_service.iter().zip(1..) {
            if file.number != Some(expected) {
                let wrong = format!("is to begin with {expected:04}_: numbers go up one by one");
                found.push(Finding::of("numbers", &file.path, wrong));
                break;
            }
        }
    }
    found
}

fn of_script(file: &File, script: &Script<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |rule: &str, wrong: String| found.push(Finding::of(rule, &file.path, wrong));
    let concurrently = script.manner == Manner::Concurrently;
    let all: Vec<Effect> = script
        .statements
        .iter()
        .flat_map(|statement| effects(statement, concurrently))
        .collect();
    let made: Vec<&str> = all
        .iter()
        .filter(|effect| effect.makes)
        .map(|effect| effect.table.as_str())
        .collect();
    let is_there = |effect: &&Effect| !made.contains(&effect.table.as_str());
    for effect in all.iter().filter(is_there) {
        let what = &effect.what;
        if effect.lock == Lock::Unknown {
            say(
                "known",
                format!(
                    "`{what}`: what it locks is not known here; teach crates/store/src/migrate/effect.rs"
                ),
            );
        }
        if effect.takes_away && script.class == Class::Expand {
            say(
                "class",
                format!(
                    "`{what}`: the version before may not work beside it. Expand in this release, and take away in a later one that says `-- class: contract after X.Y.Z`"
                ),
            );
        }
        if effect.rewrites {
            say(
                "rewrite",
                format!(
                    "`{what}`: writes the whole table anew while everybody waits. Add a column, fill it in batches, and read the new one"
                ),
            );
        }
    }
    // Rows that are changed in the transaction of a change of the schema are changed under its lock.
    let locks = |effect: &&Effect| effect.lock >= Lock::Share && effect.lock != Lock::Unknown;
    let locked = all.iter().filter(is_there).find(locks);
    let written = all
        .iter()
        .filter(is_there)
        .find(|effect| effect.lock == Lock::Rows);
    if let (Some(locked), Some(written), Manner::Transaction) = (locked, written, script.manner) {
        say(
            "backfill",
            format!(
                "`{}` changes rows while `{}` has its table: fill in a file of its own that says `-- run: batches`",
                written.what, locked.what
            ),
        );
    }
    for statement in &script.statements {
        for wrong in types(statement) {
            say(
                "types",
                format!(
                    "`{wrong}` is no column type of both engines; there are {}",
                    TYPES.join(", ")
                ),
            );
        }
    }
    found
}

/// Column types that are not ours, of a table that is made or a column that is added.
fn types(statement: &str) -> Vec<String> {
    const OTHERS: [&str; 18] = [
        "int",
        "integer",
        "smallint",
        "int4",
        "int8",
        "serial",
        "bigserial",
        "varchar",
        "char",
        "character",
        "numeric",
        "decimal",
        "real",
        "double",
        "timestamp",
        "timestamptz",
        "date",
        "json",
    ];
    let plain = without_texts(statement);
    let mut words = plain.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let Some(first) = words.find(|word| !word.is_empty()) else {
        return Vec::new();
    };
    if !first.eq_ignore_ascii_case("CREATE") && !first.eq_ignore_ascii_case("ALTER") {
        return Vec::new();
    }
    words
        .filter(|word| OTHERS.iter().any(|other| other.eq_ignore_ascii_case(word)))
        .map(str::to_owned)
        .collect()
}

/// Without comments to the end of a line, and without what stands in quotes.
fn without_texts(statement: &str) -> String {
    let lines = statement
        .lines()
        .map(|line| line.split("--").next().unwrap_or(line));
    let text = lines.collect::<Vec<_>>().join("\n");
    text.split('\'').step_by(2).collect::<Vec<_>>().join(" ")
}
