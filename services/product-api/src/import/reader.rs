//! A whole file, from its first byte to its last product.

use std::io::{self, Read, Seek, SeekFrom};

use super::{
    columns::Columns,
    json_lines::{Line, Lines},
    layout::{Context, Layout, Parsed, detect},
    records::{Next, Records},
    report::Refusal,
};

/// What was read since the last time.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// Products that became whole, and refusals.
    pub parsed: Vec<Parsed>,
    /// Rows.
    pub rows: u64,
    /// How far it is, in percent.
    pub percent: u32,
    /// Whether nothing follows.
    pub last: bool,
}

/// The format, as soon as it is known, and then what is in the file.
pub(super) trait Sink {
    /// `false`: nobody listens any more.
    fn format(&mut self, name: &'static str) -> bool;

    /// `false`: nobody listens any more.
    fn piece(&mut self, piece: Piece) -> bool;
}

/// A file that can be read from its beginning again.
pub(super) trait Source: Read + Seek {}

impl<T: Read + Seek> Source for T {}

/// Reads the file; what comes of it is the same each time.
///
/// # Errors
/// If the file is of no known kind.
pub(super) fn read(
    source: &mut impl Source,
    context: Context,
    sink: &mut impl Sink,
) -> Result<(), String> {
    let unreadable = |error: io::Error| format!("The file cannot be read: {error}.");
    let length = source.seek(SeekFrom::End(0)).map_err(unreadable)?;
    source.rewind().map_err(unreadable)?;
    if let Some(encoding) = other_encoding(source).map_err(unreadable)? {
        return Err(format!(
            "The file is encoded as {encoding}; save it with the encoding UTF-8."
        ));
    }
    source.rewind().map_err(unreadable)?;
    if first_byte(source).map_err(unreadable)? == Some(b'{') {
        source.rewind().map_err(unreadable)?;
        return json_lines(source, context, length, sink);
    }
    source.rewind().map_err(unreadable)?;
    let records = Records::open(&mut *source).map_err(|refusal| refusal.reason)?;
    let columns = Columns::new(records.header());
    let Some(mut layout) = detect(&columns, context) else {
        return Err(
            "The header is of no known kind. A Shopify product export has the columns \
             Handle, Title and Variant Price; a WooCommerce one has Type, Name and Regular price."
                .to_owned(),
        );
    };
    drop(records);
    if !sink.format(layout.name()) {
        return Ok(());
    }
    if layout.wants_index() {
        each_row(source, |next| {
            if let Next::Row(row) = next {
                layout.index(&row);
            }
            true
        })?;
        layout.indexed();
    }
    let mut first = true;
    loop {
        let mut heard = true;
        let layout_of_rows = layout.as_mut();
        each_row_at(source, |next, bytes| {
            let piece = step(layout_of_rows, next, first, bytes, length);
            heard = sink.piece(piece);
            heard
        })?;
        if !heard {
            return Ok(());
        }
        let last = layout.finish();
        let again = layout.again();
        let piece = Piece {
            parsed: last,
            rows: 0,
            percent: if again { 99 } else { 100 },
            last: !again,
        };
        if !sink.piece(piece) || !again {
            return Ok(());
        }
        first = false;
    }
}

/// What a record comes to. When the file is read once more its rows were counted, and what cannot
/// be read was told.
fn step(layout: &mut dyn Layout, next: Next, first: bool, bytes: u64, length: u64) -> Piece {
    let broken = matches!(next, Next::Broken(_));
    let parsed = match next {
        Next::Row(row) => layout.push(row),
        Next::Refused(refusal) | Next::Broken(refusal) if first => vec![Parsed::refused(refusal)],
        _ => Vec::new(),
    };
    Piece {
        parsed,
        rows: u64::from(first && !broken),
        percent: if first { percent(bytes, length) } else { 99 },
        last: false,
    }
}

fn each_row(source: &mut impl Source, mut take: impl FnMut(Next) -> bool) -> Result<(), String> {
    each_row_at(source, |next, _| take(next))
}

/// Every record from the beginning on, until `take` has enough.
fn each_row_at(
    source: &mut impl Source,
    mut take: impl FnMut(Next, u64) -> bool,
) -> Result<(), String> {
    source
        .rewind()
        .map_err(|error| format!("The file cannot be read: {error}."))?;
    let mut records = Records::open(source).map_err(|refusal: Refusal| refusal.reason)?;
    loop {
        match records.next_row() {
            Next::End => return Ok(()),
            next => {
                let broken = matches!(next, Next::Broken(_));
                if !take(next, records.bytes()) || broken {
                    return Ok(());
                }
            }
        }
    }
}

fn json_lines(
    source: &mut impl Source,
    context: Context,
    length: u64,
    sink: &mut impl Sink,
) -> Result<(), String> {
    let mut lines = Lines::new(source, context);
    let mut first = true;
    loop {
        let line = lines.next_line();
        if std::mem::take(&mut first) {
            if let Some(why) = line.is_no_line() {
                return Err(format!(
                    "The file begins as JSON Lines do, but not with a product as the export writes \
                     it: {why}"
                ));
            }
            if !sink.format("jsonl") {
                return Ok(());
            }
        }
        let (parsed, goes_on) = match line {
            Line::Product(parsed) => (vec![*parsed], true),
            Line::Broken(refusal) => (vec![Parsed::refused(refusal)], false),
            Line::End => break,
        };
        let piece = Piece {
            parsed,
            rows: 1,
            percent: percent(lines.bytes(), length),
            last: false,
        };
        if !sink.piece(piece) {
            return Ok(());
        }
        if !goes_on {
            break;
        }
    }
    sink.piece(Piece {
        percent: 100,
        last: true,
        ..Piece::default()
    });
    Ok(())
}

fn percent(bytes: u64, length: u64) -> u32 {
    let percent = bytes.saturating_mul(100) / length.max(1);
    u32::try_from(percent).unwrap_or(99).min(99)
}

/// UTF-16 begins with a mark of its own, and a text in it has a zero in every other byte.
fn other_encoding(source: &mut impl Read) -> io::Result<Option<&'static str>> {
    let mut head = Vec::new();
    source.take(64).read_to_end(&mut head)?;
    let marked = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    let zeros = head.iter().filter(|byte| **byte == 0).count();
    Ok((marked || zeros > head.len() / 4).then_some("UTF-16"))
}

/// The first byte that is not white and belongs to no byte-order mark.
fn first_byte(source: &mut impl Read) -> io::Result<Option<u8>> {
    let mut head = Vec::new();
    source.take(1024).read_to_end(&mut head)?;
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
    Ok(head.trim_ascii_start().first().copied())
}
