//! No source file is longer than a person reads in one sitting.

use anyhow::{Result, bail};

use crate::program::output;
use std::process::Command;

/// Past this a file is two rooms.
const MOST: usize = 600;
/// Past this it is worth a look.
const LONG: usize = 400;
const KINDS: &[&str] = &["rs", "css", "js", "html", "sql", "sh"];

/// Checks every source file that git knows or would add; one line for the summary.
pub fn check() -> Result<String> {
    let files = output(Command::new("git").args(["ls-files", "-co", "--exclude-standard"]))?;
    let mut count = 0;
    let mut long = Vec::new();
    for file in files.lines().filter(|file| is_source(file)) {
        // A file that was deleted but is still in the index is not there.
        let Ok(text) = std::fs::read(file) else {
            continue;
        };
        count += 1;
        let lines = text.iter().filter(|byte| **byte == b'\n').count();
        if lines > LONG {
            long.push((lines, file));
        }
    }
    long.sort_unstable();
    for (lines, file) in long.iter().rev() {
        println!("{lines:>5} lines  {file}");
    }
    let over: Vec<_> = long.iter().filter(|(lines, _)| *lines > MOST).collect();
    if !over.is_empty() {
        bail!("{} files have more than {MOST} lines: {over:?}", over.len());
    }
    Ok(format!("{count} files, {} over {LONG} lines", long.len()))
}

fn is_source(file: &str) -> bool {
    // What others wrote and packed is not read line by line.
    if file.contains(".min.") {
        return false;
    }
    file.rsplit_once('.')
        .is_some_and(|(_, kind)| KINDS.contains(&kind))
}
