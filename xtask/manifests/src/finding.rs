//! What a check has to say: where, what is wrong, and how to mend it.

use std::fmt;

use crate::object::Object;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The check that found it, as `references`.
    pub check: &'static str,
    /// The object and the field, as `Deployment/api spec.template.spec.containers[api].image`.
    pub place: String,
    /// What is wrong there.
    pub wrong: String,
    /// How to mend it.
    pub mend: String,
}

impl Finding {
    /// A finding at a field of an object.
    pub fn at(
        check: &'static str,
        object: &Object,
        field: &str,
        wrong: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            check,
            place: format!("{object} {field}").trim_end().to_owned(),
            wrong: wrong.into(),
            mend: mend.into(),
        }
    }

    /// A finding about a rendering as a whole.
    pub fn of(
        check: &'static str,
        place: impl Into<String>,
        wrong: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            check,
            place: place.into(),
            wrong: wrong.into(),
            mend: mend.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}: {}", self.check, self.place, self.wrong)?;
        if !self.mend.is_empty() {
            write!(f, "\n    mend: {}", self.mend)?;
        }
        Ok(())
    }
}
