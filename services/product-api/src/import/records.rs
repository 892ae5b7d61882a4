//! Records of a CSV file (RFC 4180, as shops really write it): with or without a byte-order mark,
//! ended by CRLF, LF or CR, separated by commas, semicolons or tabs, with line breaks in quotes.
//!
//! Nothing is held but the record at hand, and that is bounded: a quote that never closes ends
//! the import with its line instead of filling the memory.

use std::{
    io::{Chain, Cursor, Read},
    sync::Arc,
};

use csv::{ByteRecord, ReaderBuilder, Terminator};

use super::{
    report::Refusal,
    source::{Meter, Source, delimiter_of, read_head},
};

/// The most bytes that one record may have.
const MAX_RECORD: usize = 4 * 1024 * 1024;

/// What came of reading one record.
#[derive(Debug)]
pub enum Next {
    /// A record.
    Row(Row),
    /// A record that cannot be read; the next one may be fine.
    Refused(Refusal),
    /// The file cannot be read from here on.
    Broken(Refusal),
    /// The end of the file.
    End,
}

/// One record and the line that it starts on.
#[derive(Debug, Clone)]
pub struct Row {
    /// Counted from 1, the header being on line 1.
    pub line: u64,
    cells: Vec<String>,
}

impl Row {
    /// How many bytes it holds.
    pub fn size(&self) -> usize {
        self.cells.iter().map(String::len).sum()
    }

    /// What stands in a column, trimmed; empty if the record ends before it.
    pub fn cell(&self, column: Option<usize>) -> &str {
        column
            .and_then(|index| self.cells.get(index))
            .map_or("", |cell| cell.trim())
    }
}

/// Reads records one after another.
pub struct Records<R: Read> {
    reader: csv::Reader<Source<Chain<Cursor<Vec<u8>>, R>>>,
    header: Vec<String>,
    record: ByteRecord,
    meter: Arc<Meter>,
}

impl<R: Read> Records<R> {
    /// Reads the header.
    pub fn open(mut source: R) -> Result<Self, Refusal> {
        let head = read_head(&mut source).map_err(|error| unreadable(1, error))?;
        let delimiter = delimiter_of(&head);
        let meter = Arc::new(Meter::default());
        let source = Source::new(
            Cursor::new(head).chain(source),
            Arc::clone(&meter),
            MAX_RECORD,
        );
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .terminator(Terminator::Any(b'\n'))
            .flexible(true)
            .has_headers(false)
            .from_reader(source);
        let mut record = ByteRecord::new();
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Err(Refusal::line(1, "The file is empty.")),
            Err(error) => return Err(unreadable(1, error)),
        }
        let header = record
            .iter()
            .map(|cell| String::from_utf8_lossy(cell).trim().to_owned())
            .collect();
        Ok(Self {
            reader,
            header,
            record,
            meter,
        })
    }

    /// The names of the columns, as they are written.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// How many bytes were read, line ends counted as one.
    pub fn bytes(&self) -> u64 {
        self.reader.position().byte()
    }

    /// The next record that is not blank.
    pub fn next_row(&mut self) -> Next {
        loop {
            self.meter.start_record();
            let from = self.reader.position().line();
            match self.reader.read_byte_record(&mut self.record) {
                Ok(false) => return Next::End,
                Ok(true) => {}
                Err(error) => return Next::Broken(unreadable(from, error)),
            }
            let inner = breaks_within(&self.record);
            // The parser counts blank lines before a record as its own, so count from its end.
            let line = self
                .reader
                .position()
                .line()
                .saturating_sub(inner + 1)
                .max(from);
            if inner > 0 && self.meter.ends_in_quote() {
                let reason = "A quote is opened in this row and never closed.";
                return Next::Broken(Refusal::line(from, reason));
            }
            if !self.record.iter().all(|cell| cell.trim_ascii().is_empty()) {
                return self.decode(line);
            }
        }
    }

    fn decode(&self, line: u64) -> Next {
        let mut cells = Vec::with_capacity(self.record.len());
        for (index, cell) in self.record.iter().enumerate() {
            match std::str::from_utf8(cell) {
                // PostgreSQL takes no NUL in a text.
                Ok(text) => cells.push(text.replace('\0', "")),
                Err(_) => {
                    let column = self.header.get(index).cloned();
                    let reason = "is not UTF-8; save the file with the encoding UTF-8";
                    return Next::Refused(Refusal::new(line, column, reason));
                }
            }
        }
        Next::Row(Row { line, cells })
    }
}

fn breaks_within(record: &ByteRecord) -> u64 {
    let breaks = |cell: &[u8]| cell.iter().filter(|byte| **byte == b'\n').count();
    record.iter().map(breaks).sum::<usize>() as u64
}

fn unreadable(line: u64, error: impl std::fmt::Display) -> Refusal {
    Refusal::line(
        line,
        format!("The file cannot be read from here on: {error}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_and_first_cells(text: &[u8]) -> Vec<(u64, String)> {
        let mut records = Records::open(text).unwrap();
        let mut seen = Vec::new();
        loop {
            match records.next_row() {
                Next::Row(row) => seen.push((row.line, row.cell(Some(0)).to_owned())),
                Next::Refused(refusal) | Next::Broken(refusal) => {
                    seen.push((refusal.line, format!("! {}", refusal.reason)));
                    if refusal.column.is_none() {
                        break;
                    }
                }
                Next::End => break,
            }
        }
        seen
    }

    fn expect(text: &[u8], rows: &[(u64, &str)]) {
        let seen = lines_and_first_cells(text);
        let seen: Vec<(u64, &str)> = seen
            .iter()
            .map(|(line, cell)| (*line, cell.as_str()))
            .collect();
        assert_eq!(seen, rows, "{}", String::from_utf8_lossy(text));
    }

    #[test]
    fn lines_are_counted_whatever_ends_them() {
        expect(b"h,i\na,1\nb,2\n", &[(2, "a"), (3, "b")]);
        expect(b"h,i\r\na,1\r\nb,2", &[(2, "a"), (3, "b")]);
        expect(b"h,i\ra,1\rb,2\r", &[(2, "a"), (3, "b")]);
        expect(
            b"\xef\xbb\xbfh;i\n\n\na;1\n,\nb;2",
            &[(4, "a"), (5, ","), (6, "b")],
        );
        expect(
            b"h\ti\r\na\t\"x\r\ny\r\n\"\r\n\r\nb\t2\r\n",
            &[(2, "a"), (6, "b")],
        );
    }

    #[test]
    fn what_is_broken_is_named_with_its_line() {
        expect(
            b"h,i\na,1\n\"b\nc,2\n",
            &[
                (2, "a"),
                (3, "! A quote is opened in this row and never closed."),
            ],
        );
        expect(
            b"h,i\n\xff,1\nb,2\n",
            &[
                (2, "! is not UTF-8; save the file with the encoding UTF-8"),
                (3, "b"),
            ],
        );
        let mut endless = b"h,i\na,1\nb,\"".to_vec();
        endless.resize(MAX_RECORD * 2, b'x');
        let seen = lines_and_first_cells(&endless);
        assert_eq!(seen.len(), 2);
        assert!(
            seen[1].0 == 3 && seen[1].1.contains("never closes"),
            "{seen:?}"
        );
    }
}
