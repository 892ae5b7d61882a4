//! What the settings of traces are made of.

use crate::{
    Secret, Traces,
    parse::{Parse, Value},
};

/// A share of the whole, from 0 to 1, exact to a millionth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u32);

impl Share {
    const WHOLE: f64 = 1_000_000.0;

    /// As a number from 0 to 1.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / Self::WHOLE
    }
}

impl Parse for Share {
    fn parse(value: &Value) -> Result<Self, String> {
        let number = value.text()?.parse::<f64>().ok();
        let number = number.filter(|number| (0.0..=1.0).contains(number));
        let number = number.ok_or("must be a share from 0 to 1, as 0.1")?;
        Ok(Self((number * Self::WHOLE).round() as u32))
    }
}

/// Reads `name=value,name=value`, where the bytes of a value may be written as `%2C`: the form of
/// OpenTelemetry's variables (W3C Baggage).
///
/// # Errors
/// What is wrong. It repeats nothing, for a value may be a secret.
pub fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let items = text.split(',').map(str::trim);
    items
        .filter(|item| !item.is_empty())
        .map(|item| {
            let pair = item.split_once('=').map(|(name, value)| {
                let value = unescaped(value.trim());
                (name.trim().to_owned(), value)
            });
            match pair {
                Some((name, Some(value))) if !name.is_empty() => Ok((name, value)),
                _ => Err("must be name=value,name=value".to_owned()),
            }
        })
        .collect()
}

/// `%2C` is a comma; `None` if what it gives is no text.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = rest
            .get(1..3)
            .filter(|_| *first == b'%')
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = match escaped {
            Some(_) => rest.get(3..).unwrap_or_default(),
            None => after,
        };
    }
    String::from_utf8(bytes).ok()
}

impl Traces {
    pub(crate) fn check(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        let host = ["http://", "https://"]
            .iter()
            .find_map(|scheme| self.endpoint.strip_prefix(scheme));
        let has_host = |host: &str| {
            let authority = host.split('/').next().unwrap_or_default();
            !authority.is_empty()
                && !host.contains(|c: char| c.is_whitespace() || "?#@".contains(c))
        };
        if !self.endpoint.is_empty() && !host.is_some_and(has_host) {
            wrong.push((
                "traces.endpoint",
                "must be an address, as http://otel-collector:4318; a key belongs into \
                 traces.headers"
                    .to_owned(),
            ));
        }
        if let Err(error) = pairs(self.headers.as_ref().map_or("", Secret::expose)) {
            wrong.push(("traces.headers", error));
        }
        if let Err(error) = pairs(&self.attributes) {
            wrong.push(("traces.attributes", error));
        }
        if self.slow_ms == 0 {
            wrong.push(("traces.slow_ms", "must be at least 1".to_owned()));
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_as_opentelemetry_writes_them() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(pairs("").unwrap(), []);
        assert_eq!(
            pairs("k8s.pod.name=api-1, x-key = a%2Cb%20c=d%,").unwrap(),
            [pair("k8s.pod.name", "api-1"), pair("x-key", "a,b c=d%")]
        );
        for bad in ["secret", "=secret", "a=1,secret", "a=%ff"] {
            let error = pairs(bad).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_share_is_from_nothing_to_all() {
        let share = |text: &str| Share::parse(&Value::Text(text.to_owned())).map(Share::as_f64);
        assert_eq!(share("0"), Ok(0.0));
        assert_eq!(share("0.25"), Ok(0.25));
        assert_eq!(share("1"), Ok(1.0));
        for bad in ["-0.1", "1.1", "NaN", "ten"] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }
}
