//! Columns that hold something and are not taken over.

use std::collections::BTreeSet;

use super::{columns::Columns, layout::Parsed, records::Row, report::Refusal};

/// How many columns the warning names.
const NAMED: usize = 30;

/// Watches them, so that nobody believes that they came along.
#[derive(Debug, Default)]
pub(super) struct Unread {
    watched: Vec<usize>,
    seen: BTreeSet<usize>,
    names: Vec<String>,
}

impl Unread {
    /// All columns but those that are read and those whose names begin with something expected.
    pub fn new(columns: &Columns, read: &[usize], expected: &[&str]) -> Self {
        let is_expected = |name: &str| {
            let name = name.to_lowercase();
            name.is_empty() || expected.iter().any(|start| name.starts_with(start))
        };
        let names = columns.names().to_vec();
        let watched = names.iter().enumerate();
        let watched = watched
            .filter(|(index, name)| !read.contains(index) && !is_expected(name))
            .map(|(index, _)| index)
            .collect();
        Self {
            watched,
            seen: BTreeSet::new(),
            names,
        }
    }

    /// Looks at a row.
    pub fn note(&mut self, row: &Row) {
        let (watched, seen) = (&mut self.watched, &mut self.seen);
        watched.retain(|index| {
            let cell = row.cell(Some(*index));
            let says_something = !["", "0", "false", "no"].contains(&cell);
            if says_something {
                seen.insert(*index);
            }
            !says_something
        });
    }

    /// The warning, if there is something to warn of.
    pub fn warning(&mut self) -> Option<Parsed> {
        let seen = std::mem::take(&mut self.seen);
        if seen.is_empty() {
            return None;
        }
        let named: Vec<String> = seen
            .iter()
            .take(NAMED)
            .filter_map(|index| self.names.get(*index))
            .map(|name| name.chars().take(60).collect())
            .collect();
        let more = match seen.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let reason = format!(
            "What stands in these columns is not taken over: {}{more}.",
            named.join(", ")
        );
        Some(Parsed {
            line: 1,
            warnings: vec![Refusal::line(1, reason)],
            ..Parsed::default()
        })
    }
}
