//! Where a secret comes from.

use std::{borrow::Cow, fmt};

use techcommerce_kernel::Error;

type Read<V> = Box<dyn Fn() -> Result<V, Error> + Send + Sync>;

/// A secret, or what was read from one, and how it is read again if it may change.
pub struct Source<V> {
    pub(crate) name: Cow<'static, str>,
    pub(crate) value: V,
    pub(crate) read: Option<Read<V>>,
}

impl<V> Source<V> {
    /// One that stays as it is.
    pub fn fixed(value: V) -> Self {
        Self {
            name: Cow::Borrowed(""),
            value,
            read: None,
        }
    }

    /// `read` says what it is now. The log calls it by `name`, the key of its setting. Errors of
    /// `read` are told in the log: they say nothing of the value.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        value: V,
        read: impl Fn() -> Result<V, Error> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            value,
            read: Some(Box::new(read)),
        }
    }

    /// What it is now, as far as we know.
    pub fn value(&self) -> &V {
        &self.value
    }

    /// Whether it may change.
    pub fn may_change(&self) -> bool {
        self.read.is_some()
    }

    /// What `parse` makes of it, then and later.
    ///
    /// # Errors
    /// Those of `parse` about the value that it has now.
    pub fn map<W>(
        self,
        parse: impl Fn(V) -> Result<W, Error> + Send + Sync + 'static,
    ) -> Result<Source<W>, Error>
    where
        V: 'static,
    {
        let value = parse(self.value)?;
        let read = self
            .read
            .map(|read| -> Read<W> { Box::new(move || parse(read()?)) });
        Ok(Source {
            name: self.name,
            value,
            read,
        })
    }
}

impl From<&str> for Source<String> {
    fn from(value: &str) -> Self {
        Self::fixed(value.to_owned())
    }
}

impl From<String> for Source<String> {
    fn from(value: String) -> Self {
        Self::fixed(value)
    }
}

impl<V> fmt::Debug for Source<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.name).finish()
    }
}
