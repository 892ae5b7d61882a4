//! Values that are shown nowhere.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A value that `Debug` and `Display` hide. Compare or hand on by [`Secret::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    value: String,
    file: Option<PathBuf>,
}

impl Secret {
    /// Keeps `value`.
    pub fn new(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            file: None,
        }
    }

    /// The same, with the file that it stands in.
    pub(crate) fn in_file(self, file: PathBuf) -> Self {
        let file = Some(file);
        Self { file, ..self }
    }

    /// The value itself; the name makes each use easy to find.
    pub fn expose(&self) -> &str {
        &self.value
    }

    /// The file that it stands in, if it does: whoever follows it reads it again.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What its file holds now; itself if it stands in none.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read_again(&self) -> std::io::Result<Self> {
        let Some(file) = &self.file else {
            return Ok(self.clone());
        };
        let text = std::fs::read_to_string(file)?;
        Ok(Self::new(text.trim()).in_file(file.clone()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}
