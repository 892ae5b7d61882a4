//! The bytes of a CSV file on their way to the parser.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// The most bytes that are looked at for the header.
const MAX_HEADER: usize = 256 * 1024;

/// What the parser learns of the bytes that it was given.
#[derive(Debug, Default)]
pub struct Meter {
    since_record: AtomicUsize,
    odd_quotes: AtomicBool,
    at_end: AtomicBool,
}

impl Meter {
    /// A new record begins.
    pub fn start_record(&self) {
        self.since_record.store(0, Ordering::Relaxed);
    }

    /// Whether the file was read to its end with a quote open.
    pub fn ends_in_quote(&self) -> bool {
        self.at_end.load(Ordering::Relaxed) && self.odd_quotes.load(Ordering::Relaxed)
    }
}

/// Turns every line end into LF (so that lines can be counted), ends the last line, and fails when
/// one record grows beyond its limit.
pub struct Source<R> {
    inner: R,
    meter: Arc<Meter>,
    limit: usize,
    after_return: bool,
    last: u8,
    ended: bool,
}

impl<R: Read> Source<R> {
    /// `limit`: the most bytes that one record may have.
    pub fn new(inner: R, meter: Arc<Meter>, limit: usize) -> Self {
        Self {
            inner,
            meter,
            limit,
            after_return: false,
            last: b'\n',
            ended: false,
        }
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.ended || buffer.is_empty() {
                self.meter.at_end.store(self.ended, Ordering::Relaxed);
                return Ok(0);
            }
            let read = self.inner.read(buffer)?;
            if read == 0 {
                self.ended = true;
                if self.last == b'\n' {
                    continue;
                }
                buffer[0] = b'\n';
                return Ok(1);
            }
            let before = self.meter.since_record.fetch_add(read, Ordering::Relaxed);
            if before.saturating_add(read) > self.limit {
                return Err(io::Error::other(format!(
                    "one row has more than {} bytes; is a quote opened that never closes?",
                    self.limit
                )));
            }
            let mut kept = 0;
            for index in 0..read {
                let byte = buffer[index];
                let written = match byte {
                    b'\n' if self.after_return => None,
                    b'\r' => Some(b'\n'),
                    byte => Some(byte),
                };
                self.after_return = byte == b'\r';
                if let Some(byte) = written {
                    if byte == b'"' {
                        self.meter.odd_quotes.fetch_xor(true, Ordering::Relaxed);
                    }
                    buffer[kept] = byte;
                    self.last = byte;
                    kept += 1;
                }
            }
            if kept > 0 {
                return Ok(kept);
            }
        }
    }
}

/// Reads as much as the first line needs, without a byte-order mark.
pub fn read_head(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = source.read(&mut chunk)?;
        head.extend_from_slice(&chunk[..read]);
        let line_ends = chunk[..read]
            .iter()
            .any(|byte| matches!(byte, b'\n' | b'\r'));
        if read == 0 || line_ends || head.len() > MAX_HEADER {
            break;
        }
    }
    if head.starts_with(b"\xef\xbb\xbf") {
        head.drain(..3);
    }
    Ok(head)
}

/// What separates the columns: whichever of comma, semicolon and tab the first line has most.
pub fn delimiter_of(head: &[u8]) -> u8 {
    let first_line = head
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .next()
        .unwrap_or_default();
    let mut quoted = false;
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    for byte in first_line {
        if *byte == b'"' {
            quoted = !quoted;
        } else if !quoted {
            for (delimiter, count) in &mut counts {
                *count += usize::from(delimiter == byte);
            }
        }
    }
    let most = counts.iter().rev().max_by_key(|(_, count)| *count);
    most.map_or(b',', |(delimiter, _)| *delimiter)
}
