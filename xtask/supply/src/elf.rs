//! Reads one section of an ELF file of 64 bits, low byte first, which is all that we ship.

use anyhow::{Context as _, Result, bail};

/// Where a section's name, place and size are said in its header.
const HEADER: usize = 64;

/// The bytes of the section of this name, if there is one.
///
/// # Errors
/// It is no such file, or cut off.
pub fn section<'a>(file: &'a [u8], name: &str) -> Result<Option<&'a [u8]>> {
    if file.get(..6) != Some(b"\x7fELF\x02\x01".as_slice()) {
        bail!("it is no program for Linux of 64 bits");
    }
    let table = number(file, 0x28, 8)?;
    let count = number(file, 0x3c, 2)?;
    let names = number(file, 0x3e, 2)?;
    let header = |index: usize| -> Result<&[u8]> {
        let from = table + index * HEADER;
        file.get(from..from + HEADER)
            .context("a cut-off table of sections")
    };
    let content = |header: &[u8]| -> Result<&'a [u8]> {
        let (from, size) = (number(header, 0x18, 8)?, number(header, 0x20, 8)?);
        let to = from.checked_add(size).context("a section without end")?;
        file.get(from..to).context("a section that is cut off")
    };
    let names = content(header(names)?)?;
    for index in 0..count {
        let header = header(index)?;
        let start = names.get(number(header, 0, 4)?..).unwrap_or_default();
        let end = start
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(start.len());
        if start.get(..end) == Some(name.as_bytes()) {
            return content(header).map(Some);
        }
    }
    Ok(None)
}

/// The architecture, as releases name it.
///
/// # Errors
/// It is for none of ours.
pub fn architecture(file: &[u8]) -> Result<&'static str> {
    match number(file, 0x12, 2)? {
        0x3e => Ok("amd64"),
        0xb7 => Ok("arm64"),
        other => bail!("it is for a machine of kind {other:#x}, which no release is for"),
    }
}

fn number(bytes: &[u8], from: usize, size: usize) -> Result<usize> {
    let bytes = bytes.get(from..from + size).context("it is cut off")?;
    let number = bytes
        .iter()
        .rev()
        .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    usize::try_from(number).context("a number that is too large")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A program with nothing but one section.
    pub(crate) fn with_section(name: &str, content: &[u8]) -> Vec<u8> {
        let names = format!("\0{name}\0.names\0");
        let mut file = b"\x7fELF\x02\x01\x01".to_vec();
        file.resize(64, 0);
        file[0x12] = 0x3e;
        let at = file.len();
        file.extend(content);
        let names_at = file.len();
        file.extend(names.as_bytes());
        let table = file.len();
        let mut header = |name: usize, at: usize, size: usize| {
            let mut bytes = [0_u8; HEADER];
            bytes[..4].copy_from_slice(&u32::try_from(name).unwrap().to_le_bytes());
            bytes[0x18..0x20].copy_from_slice(&(at as u64).to_le_bytes());
            bytes[0x20..0x28].copy_from_slice(&(size as u64).to_le_bytes());
            file.extend(bytes);
        };
        header(0, 0, 0);
        header(1, at, content.len());
        header(2 + name.len(), names_at, names.len());
        file[0x28..0x30].copy_from_slice(&(table as u64).to_le_bytes());
        file[0x3c] = 3;
        file[0x3e] = 2;
        file
    }

    #[test]
    fn a_section_is_found_by_its_name() {
        let file = with_section(".dep-v0", b"content");
        assert_eq!(section(&file, ".dep-v0").unwrap(), Some(&b"content"[..]));
        assert_eq!(section(&file, ".dep").unwrap(), None);
        assert_eq!(architecture(&file).unwrap(), "amd64");
    }

    #[test]
    fn what_is_cut_off_or_something_else_is_an_error() {
        let file = with_section(".dep-v0", b"content");
        for length in 0..file.len() {
            assert!(section(&file[..length], ".dep-v0").is_err(), "{length}");
        }
        assert!(section(b"#!/bin/sh\nexec true", ".dep-v0").is_err());
        let mut far = file;
        let table = usize::from(far[0x28]);
        far[table + HEADER + 0x1f] = 0xff;
        assert!(section(&far, ".dep-v0").is_err());
    }
}
