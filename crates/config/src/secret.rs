//! Values that are shown nowhere.

use std::{
    fmt::{self, Write},
    path::{Path, PathBuf},
};

/// A value that `Debug` and `Display` hide. Compare or hand on by [`Secret::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    value: String,
    file: Option<PathBuf>,
    around: Option<Around>,
}

/// What stands around a password that comes by a file of its own, so that it makes an address.
#[derive(Clone, PartialEq, Eq)]
pub struct Around {
    pub(crate) before: String,
    pub(crate) after: String,
}

impl Around {
    /// The address with this password.
    pub(crate) fn make(&self, password: &str) -> String {
        let Self { before, after } = self;
        format!("{before}{}{after}", percent(password))
    }
}

/// Without its text: it names users and hosts of addresses that are secret as a whole.
impl fmt::Debug for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// RFC 3986: everything but unreserved characters.
pub(crate) fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

impl Secret {
    /// Keeps `value`.
    pub fn new(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            file: None,
            around: None,
        }
    }

    /// The same, with the file that it stands in, or that has the password which it holds.
    pub(crate) fn in_file(self, file: PathBuf, around: Option<Around>) -> Self {
        Self {
            file: Some(file),
            around,
            ..self
        }
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
        let value = match &self.around {
            None => text.trim().to_owned(),
            Some(around) => around.make(text.trim_end()),
        };
        Ok(Self {
            value,
            ..self.clone()
        })
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
