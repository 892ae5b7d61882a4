//! A whole file read and forgotten: what `fuzz/` throws bytes at.

use std::io::Cursor;

use techcommerce_kernel::{Currency, Timestamp};

use super::{
    layout::Context,
    reader::{Piece, Sink, read},
};

/// What a file holds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Survey {
    /// Products that would be written.
    pub products: usize,
    /// Rows that would be refused.
    pub refused: usize,
    /// Rows, without the header.
    pub rows: u64,
}

impl Sink for Survey {
    fn format(&mut self, _name: &'static str) -> bool {
        true
    }

    fn piece(&mut self, piece: Piece) -> bool {
        for parsed in &piece.parsed {
            self.products += usize::from(parsed.product.is_some());
            self.refused += parsed.refusals.len();
        }
        self.rows += piece.rows;
        true
    }
}

/// Reads a file as an import does, without a database.
///
/// # Errors
/// It is of no known kind.
pub fn survey(file: &[u8]) -> Result<Survey, String> {
    let context = Context {
        currency: Currency::EUR,
        today: Timestamp::from_micros(1_795_132_800_000_000),
    };
    let mut survey = Survey::default();
    read(&mut Cursor::new(file), context, &mut survey)?;
    Ok(survey)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_import_would_do_is_counted() {
        let file = "Handle,Title,Variant Price\nmug,Mug,12.00\nbowl,Bowl,much\n";
        let found = survey(file.as_bytes()).unwrap();
        assert_eq!((found.rows, found.products), (2, 1));
        assert!(found.refused >= 1, "{found:?}");
        assert!(survey(b"neither this nor that").is_err());
    }
}
