//! What a migration may not do, checked on its file: by rules of our own and by squawk.

pub mod exceptions;
pub mod file;
pub mod rules;
pub mod squawk;

use std::fmt;
use std::path::Path;

use anyhow::Result;

use crate::exceptions::Exceptions;
use crate::file::File;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule, as squawk or we call it.
    pub rule: String,
    /// The file, from the root of the repository.
    pub file: String,
    /// What is wrong, and how to mend it.
    pub wrong: String,
}

impl Finding {
    /// A finding of a rule of ours.
    pub fn of(rule: &str, file: &str, wrong: impl Into<String>) -> Self {
        Self {
            rule: rule.to_owned(),
            file: file.to_owned(),
            wrong: wrong.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}: {}", self.rule, self.file, self.wrong)
    }
}

/// Checks every migration below `root`; gives how many there are.
///
/// # Errors
/// Something cannot be read, or squawk is missing.
pub fn check(root: &Path, squawk: &Path) -> Result<(usize, Vec<Finding>)> {
    let files = file::all(root)?;
    let exceptions = Exceptions::read(root)?;
    let mut found = rules::run(&files);
    found.extend(squawk::check(squawk, &files)?);
    Ok((files.len(), exceptions.take_out(&files, found)))
}

/// The paths of the files.
pub fn paths(files: &[File]) -> impl Iterator<Item = &str> {
    files.iter().map(|file| file.path.as_str())
}
