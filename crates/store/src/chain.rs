//! A hash chain over rows: equal at its end only if every row, and their order, was equal.

use sha2::{Digest, Sha256};

/// A chain of SHA-256 over rows, which begins with 32 zero bytes:
/// `head = SHA-256(head ‖ fields, each followed by a line feed)`.
///
/// No field may hold a line feed; what goes in here are ids, numbers and our own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain {
    rows: u64,
    head: [u8; 32],
}

impl Chain {
    /// Adds a row.
    pub fn add(&mut self, fields: &[&dyn std::fmt::Display]) {
        let mut hash = Sha256::new();
        hash.update(self.head);
        for field in fields {
            hash.update(format!("{field}\n"));
        }
        self.head = hash.finalize().into();
        self.rows += 1;
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Its end, in hexadecimal.
    pub fn head(&self) -> String {
        self.head.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_and_their_order_count() {
        let of = |rows: &[[i64; 2]]| {
            let mut chain = Chain::default();
            for [one, two] in rows {
                chain.add(&[one, two]);
            }
            chain.head()
        };
        assert_eq!(Chain::default().head(), "0".repeat(64));
        assert_eq!(of(&[[1, 2], [3, 4]]), of(&[[1, 2], [3, 4]]));
        for other in [
            &[[3, 4], [1, 2]][..],
            &[[1, 2]],
            &[[1, 2], [3, 5]],
            &[[12, 3]],
        ] {
            assert_ne!(of(&[[1, 2], [3, 4]]), of(other));
        }
        // SHA-256 of 32 zero bytes and "1\n2\n": what another program has to come to.
        assert_eq!(
            of(&[[1, 2]]),
            "16827d7e6850004cd98c0dc5c8bd5bb218f7e1776f9983ecf06933b0e034aa9a"
        );
    }
}
