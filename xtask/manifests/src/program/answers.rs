//! What the running services answered.

use std::collections::{BTreeMap, BTreeSet};

/// By service, as `order-api`.
#[derive(Debug, Clone, Default)]
pub struct Answers(pub BTreeMap<String, Answered>);

/// Of one service.
#[derive(Debug, Clone, Default)]
pub struct Answered {
    /// The status for each port and path that was asked.
    pub status: BTreeMap<(i64, String), u16>,
    /// The names of its metrics.
    pub metrics: BTreeSet<String>,
}

impl Answers {
    /// Whether a metric of this name is exported by any service.
    pub fn has_metric(&self, name: &str) -> bool {
        self.0
            .values()
            .any(|answered| answered.metrics.contains(name))
    }

    /// Whether the services were run.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The names in Prometheus' text: of each series, and of each family that is described, since one
/// without a series yet is exported all the same.
pub fn metric_names(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let mut words = rest.split_whitespace();
            let (Some(name), Some(kind)) = (words.next(), words.next()) else {
                continue;
            };
            let endings: &[&str] = match kind {
                "counter" => &["_total"],
                "histogram" => &["_bucket", "_sum", "_count"],
                "info" => &["_info"],
                _ => &[""],
            };
            names.extend(endings.iter().map(|ending| {
                if name.ends_with(ending) {
                    name.to_owned()
                } else {
                    format!("{name}{ending}")
                }
            }));
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap_or_default();
            if !name.is_empty() {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_and_series_have_names() {
        let text = "# HELP a b\n# TYPE http_requests counter\n# TYPE seconds histogram\nup{x=\"1\"} 1\n# EOF\n";
        let names = metric_names(text);
        for name in [
            "http_requests_total",
            "seconds_bucket",
            "seconds_count",
            "up",
        ] {
            assert!(names.contains(name), "{name} is not in {names:?}");
        }
    }
}
