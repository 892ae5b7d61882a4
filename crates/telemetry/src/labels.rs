//! Labels whose number of values is bounded.

use std::{
    borrow::Cow,
    collections::HashSet,
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, PoisonError, RwLock},
};

use prometheus_client::encoding::{EncodeLabel, EncodeLabelSet, LabelSetEncoder};

use crate::catalogue::{Bound, DescribedLabel};

/// The value that stands for all that a label does not name.
pub(crate) const OTHER: &str = "other";

/// The values of the label `service`.
pub const SERVICES: &[&str] = &[
    "frontend",
    "api",
    "product-api",
    "order-api",
    "auth",
    "images",
    "worker",
];

/// A label with a bounded set of values; any further value is counted as `other`.
#[derive(Debug, Clone)]
pub struct Label {
    pub(crate) name: &'static str,
    limit: Limit,
}

#[derive(Debug, Clone)]
enum Limit {
    OneOf(&'static [&'static str]),
    UpTo(usize, Arc<RwLock<HashSet<String>>>),
}

impl Label {
    /// A label that takes one of `values`.
    pub fn one_of(name: &'static str, values: &'static [&'static str]) -> Self {
        Self {
            name,
            limit: Limit::OneOf(values),
        }
    }

    /// A label that takes the first `max` different values it meets: for names that come from
    /// code (a job's kind, a dependency), never for what a user sends.
    pub fn up_to(name: &'static str, max: usize) -> Self {
        Self {
            name,
            limit: Limit::UpTo(max, Arc::default()),
        }
    }

    /// The values that it can take, if they are few and named.
    pub(crate) fn known(&self) -> &'static [&'static str] {
        match &self.limit {
            Limit::OneOf(values) => values,
            Limit::UpTo(..) => &[],
        }
    }

    /// For the catalogue.
    pub(crate) fn described(&self) -> DescribedLabel {
        DescribedLabel {
            name: self.name,
            bound: match &self.limit {
                Limit::OneOf(values) => Bound::OneOf(values),
                Limit::UpTo(max, _) => Bound::UpTo(*max),
            },
        }
    }

    pub(crate) fn value(&self, value: &str) -> Cow<'static, str> {
        match &self.limit {
            Limit::OneOf(values) => values
                .iter()
                .find(|known| **known == value)
                .map_or(Cow::Borrowed(OTHER), |known| Cow::Borrowed(*known)),
            Limit::UpTo(max, seen) => {
                if seen
                    .read()
                    .unwrap_or_else(PoisonError::into_inner)
                    .contains(value)
                {
                    return Cow::Owned(value.to_owned());
                }
                let mut seen = seen.write().unwrap_or_else(PoisonError::into_inner);
                if seen.len() < *max || seen.contains(value) {
                    seen.insert(value.to_owned());
                    Cow::Owned(value.to_owned())
                } else {
                    Cow::Borrowed(OTHER)
                }
            }
        }
    }
}

/// The labels of one series.
#[derive(Clone)]
pub(crate) struct LabelValues<const N: usize> {
    pub(crate) names: [&'static str; N],
    pub(crate) values: [Cow<'static, str>; N],
}

impl<const N: usize> PartialEq for LabelValues<N> {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl<const N: usize> Eq for LabelValues<N> {}

impl<const N: usize> Hash for LabelValues<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.values.hash(state);
    }
}

impl<const N: usize> fmt::Debug for LabelValues<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.names.iter().zip(&self.values))
            .finish()
    }
}

impl<const N: usize> EncodeLabelSet for LabelValues<N> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        for (name, value) in self.names.iter().zip(&self.values) {
            (*name, value.as_ref()).encode(encoder.encode_label())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_is_other() {
        let outcome = Label::one_of("outcome", &["paid", "refused"]);
        assert_eq!(outcome.value("paid"), "paid");
        assert_eq!(outcome.value("<script>"), "other");
    }

    #[test]
    fn the_number_of_values_is_bounded() {
        let job = Label::up_to("job", 2);
        assert_eq!(job.value("mail"), "mail");
        assert_eq!(job.value("expiry"), "expiry");
        assert_eq!(job.value("report"), "other");
        assert_eq!(job.value("mail"), "mail");
    }
}
