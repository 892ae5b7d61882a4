//! When certificates in files end. Only the public part is read.

use std::path::{Path, PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD};
use techcommerce_kernel::Timestamp;
use techcommerce_telemetry::{Gauges, Label, Telemetry};

/// How many can be watched.
const MOST: usize = 32;
/// Nobody's certificates are larger.
const LARGEST: u64 = 1 << 20;

pub(super) struct Certificates {
    ends: Gauges<1>,
    files: Vec<(String, PathBuf)>,
}

impl Certificates {
    pub fn new(telemetry: &Telemetry, files: Vec<(String, PathBuf)>) -> Self {
        Self {
            ends: telemetry.gauges(
                "techcommerce_certificate_expiry_timestamp_seconds",
                "When the first certificate of a file of certificates.watch ends, in seconds since \
                 1970; 0 if there is none to be read",
                [Label::up_to("name", MOST)],
            ),
            files,
        }
    }

    /// Reads the files again: they are renewed while the process runs.
    pub async fn look(&self) {
        for (name, path) in &self.files {
            let path = path.clone();
            let end = tokio::task::spawn_blocking(move || first_end(&path)).await;
            let end = end.ok().flatten().map_or(0, Timestamp::as_seconds);
            self.ends.with([name]).set(end);
        }
    }
}

/// `ingress=/etc/tls/tls.crt` has its name, `/etc/tls/tls.crt` is `tls`.
pub(super) fn named(watched: &[String]) -> Vec<(String, PathBuf)> {
    let one = |text: &String| match text.split_once('=') {
        Some((name, path)) => (name.trim().to_owned(), PathBuf::from(path.trim())),
        None => {
            let path = PathBuf::from(text.trim());
            let stem = path.file_stem().unwrap_or_default();
            (stem.to_string_lossy().into_owned(), path)
        }
    };
    watched.iter().map(one).take(MOST).collect()
}

/// When the first of the file's certificates ends: a chain is as good as its shortest part.
fn first_end(path: &Path) -> Option<Timestamp> {
    if std::fs::metadata(path).ok()?.len() > LARGEST {
        return None;
    }
    let text = std::fs::read_to_string(path).ok()?;
    let mut rest = text.as_str();
    let mut first: Option<Timestamp> = None;
    while let Some((_, after)) = rest.split_once("-----BEGIN CERTIFICATE-----") {
        let (body, after) = after.split_once("-----END CERTIFICATE-----")?;
        rest = after;
        let body: String = body.split_whitespace().collect();
        let end = not_after(&BASE64_STANDARD.decode(body).ok()?)?;
        first = Some(first.map_or(end, |first| first.min(end)));
    }
    first
}

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// `notAfter` of a certificate (RFC 5280, 4.1): Certificate → tbsCertificate → version (may be left
/// out), serial number, signature, issuer, validity → the second of two times.
fn not_after(der: &[u8]) -> Option<Timestamp> {
    let (SEQUENCE, certificate, _) = element(der)? else {
        return None;
    };
    let (SEQUENCE, mut rest, _) = element(certificate)? else {
        return None;
    };
    if *rest.first()? == VERSION {
        rest = element(rest)?.2;
    }
    for _ in ["serial number", "signature", "issuer"] {
        rest = element(rest)?.2;
    }
    let (SEQUENCE, validity, _) = element(rest)? else {
        return None;
    };
    let (kind, text, _) = element(element(validity)?.2)?;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match kind {
        // RFC 5280, 4.1.2.5.1: from 50 on it is the last century.
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let century = if year < "50" { "20" } else { "19" };
            (format!("{century}{year}"), rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.to_owned(), rest)
        }
        _ => return None,
    };
    if rest.len() != 10 || !rest.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let at = |from: usize| &rest[from..from + 2];
    let text = format!("{year}-{}-{}T{}:{}:{}Z", at(0), at(2), at(4), at(6), at(8));
    text.parse().ok()
}

/// The first element of DER: its tag, its content, and what comes after it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        // So many bytes of length follow; four are enough for any file.
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes.iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((*tag, content, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `openssl req -x509 -days 3650`: ends on 18 November 2036, 18:54:39, as a UTCTime.
    const NEAR: &str = "\
-----BEGIN CERTIFICATE-----
MIIBhDCCASmgAwIBAgIUVNqWKiPN8wVPEJTGMVdnRYyhvxcwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMc2hvcC5leGFtcGxlMB4XDTI2MTEyMTE4NTQzOVoXDTM2MTEx
ODE4NTQzOVowFzEVMBMGA1UEAwwMc2hvcC5leGFtcGxlMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEUCVIgtdwDKlUIZEN1nf0r/5VMJOGUvGz8LHzVz7/0U02ypcL
mvdcAaRE0dqgxgxAqCZXYmLlQeteUkncBKB6Y6NTMFEwHQYDVR0OBBYEFF8cFz0V
9yMGhIg453HYyEpHu6auMB8GA1UdIwQYMBaAFF8cFz0V9yMGhIg453HYyEpHu6au
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhALqw+8RSBCjHG6vN
lLNEyydVq4PPFhdOO9KgEeFP1kwbAiEAyMBnM4ie0LH2VMfM/4e/e4AeC99dZIMt
7E+zh7zZUBo=
-----END CERTIFICATE-----
";
    /// The same with `-days 20000`: 24 August 2081, 18:54:39, as a GeneralizedTime.
    const FAR: &str = "\
-----BEGIN CERTIFICATE-----
MIIBhDCCASmgAwIBAgIUNG4TtWyi5IcxHv6OOofDqpzlJWkwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLZmFyLmV4YW1wbGUwIBcNMjYxMTIxMTg1NDM5WhgPMjA4MTA4
MjQxODU0MzlaMBYxFDASBgNVBAMMC2Zhci5leGFtcGxlMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEUCVIgtdwDKlUIZEN1nf0r/5VMJOGUvGz8LHzVz7/0U02ypcL
mvdcAaRE0dqgxgxAqCZXYmLlQeteUkncBKB6Y6NTMFEwHQYDVR0OBBYEFF8cFz0V
9yMGhIg453HYyEpHu6auMB8GA1UdIwQYMBaAFF8cFz0V9yMGhIg453HYyEpHu6au
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAO9AeZHVfSXS4Lp5
0Sq4Xp7ZzfgsbNdzt4pJQFJncQKYAiEAgqCjmHEa5mTZLNmeEOn4tnCWwpTSwjC3
Quzk8o0ZViU=
-----END CERTIFICATE-----
";

    fn end(content: &str) -> Option<i64> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tls.crt");
        std::fs::write(&path, content).unwrap();
        first_end(&path).map(Timestamp::as_seconds)
    }

    #[test]
    fn the_first_end_of_a_chain_counts() {
        assert_eq!(end(NEAR), Some(2_110_647_279));
        assert_eq!(end(FAR), Some(3_523_287_279));
        assert_eq!(end(&format!("a key\n{FAR}\n{NEAR}")), Some(2_110_647_279));
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        let half = &NEAR[..NEAR.len() / 2];
        let half = format!("{half}\n-----END CERTIFICATE-----\n");
        for wrong in ["", "nothing", half.as_str(), &NEAR.replace("MII", "AII")] {
            assert_eq!(end(wrong), None, "{wrong}");
        }
        assert_eq!(first_end(Path::new("/nowhere")), None);
    }

    #[tokio::test]
    async fn names_come_from_the_setting_or_the_file() {
        let files = named(&[
            "ingress=/etc/tls/tls.crt".into(),
            "/etc/ssl/shop.pem".into(),
        ]);
        let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["ingress", "shop"]);
        let telemetry = Telemetry::new("0", "0");
        Certificates::new(&telemetry, files).look().await;
        let text = telemetry.encode();
        let line = r#"techcommerce_certificate_expiry_timestamp_seconds{name="ingress"} 0"#;
        assert!(text.contains(line), "{text}");
    }
}
