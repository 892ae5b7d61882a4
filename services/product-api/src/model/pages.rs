//! Pages of lists that were asked for, as they were answered.
//!
//! They belong to one [`Snapshot`](super::Snapshot) and go with it, so none outlives a change.

use std::sync::{PoisonError, RwLock};

use bytes::Bytes;
use http::HeaderValue;
use techcommerce_http::Packed;
use techcommerce_kernel::recent::Recent;

/// How many pages are kept, and how long one and what asks for it may be: 16 MB at most and what
/// they are compressed to, and far less as lists are.
const PAGES: usize = 256;
const LONGEST: usize = 64 * 1024;
const LONGEST_QUERY: usize = 256;

/// A page as it is sent.
#[derive(Debug, Clone)]
pub struct Page {
    /// Names its content.
    pub tag: HeaderValue,
    /// The content.
    pub json: Bytes,
    /// The content, compressed.
    pub packed: Packed,
}

/// The pages that were asked for of late, by their queries to the letter.
#[derive(Debug)]
pub struct Pages(RwLock<Recent<Box<str>, Page>>);

impl Default for Pages {
    fn default() -> Self {
        Self(RwLock::new(Recent::new(PAGES)))
    }
}

impl Pages {
    /// The page that this query was answered with.
    pub fn get(&self, query: &str) -> Option<Page> {
        let pages = self.0.read().unwrap_or_else(PoisonError::into_inner);
        pages.get(query).cloned()
    }

    /// Keeps the answer to a query, unless one of them is too long.
    pub fn keep(&self, query: &str, page: &Page) {
        if query.len() <= LONGEST_QUERY && page.json.len() <= LONGEST {
            let mut pages = self.0.write().unwrap_or_else(PoisonError::into_inner);
            pages.insert(query.into(), page.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_kept_in_bounds() {
        let pages = Pages::default();
        let page = |length: usize| Page {
            tag: HeaderValue::from_static("\"x\""),
            json: vec![b'x'; length].into(),
            packed: Packed::default(),
        };
        pages.keep("q=long", &page(LONGEST + 1));
        pages.keep(&"q".repeat(LONGEST_QUERY + 1), &page(1));
        assert!(pages.0.read().unwrap().is_empty());
        for number in 0..10 * PAGES {
            pages.keep(&number.to_string(), &page(1));
            assert!(pages.0.read().unwrap().len() <= PAGES);
        }
        assert_eq!(pages.get("2559").unwrap().json.len(), 1);
        assert!(pages.get("1").is_none());
    }
}
