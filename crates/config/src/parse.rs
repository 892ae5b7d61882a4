//! From texts to types, with errors that say how to mend the value.

use std::{net::IpAddr, path::PathBuf};

use techcommerce_kernel::{Currency, EmailAddress, TimeZone};

use crate::{Secret, secret::Around};

/// A value as it stands in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, a number or a boolean, as text.
    Text(String),
    /// A TOML array.
    List(Vec<String>),
    /// What stands in a file of its own.
    File {
        /// The file.
        path: PathBuf,
        /// What it held, or the address that is made with it.
        text: String,
        /// What stands around it in that address.
        around: Option<Around>,
    },
}

impl Value {
    pub(crate) fn show(&self) -> String {
        match self {
            Self::Text(text) | Self::File { text, .. } => text.clone(),
            Self::List(items) => items.join("; "),
        }
    }

    pub(crate) fn text(&self) -> Result<&str, String> {
        match self {
            Self::Text(text) | Self::File { text, .. } => Ok(text.trim()),
            Self::List(_) => Err("must be one value, not a list".into()),
        }
    }
}

/// A type that a setting may have.
pub trait Parse: Sized {
    /// Reads the value; the error says what it must be.
    fn parse(value: &Value) -> Result<Self, String>;
}

impl Parse for String {
    fn parse(value: &Value) -> Result<Self, String> {
        value.text().map(ToOwned::to_owned)
    }
}

impl Parse for bool {
    fn parse(value: &Value) -> Result<Self, String> {
        match value.text()? {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("must be true or false".into()),
        }
    }
}

macro_rules! parse_number {
    ($($type:ty),+) => {
        $(impl Parse for $type {
            fn parse(value: &Value) -> Result<Self, String> {
                value.text()?.parse().map_err(|_| {
                    format!("must be a whole number between {} and {}", <$type>::MIN, <$type>::MAX)
                })
            }
        })+
    };
}

parse_number!(u16, u32, u64, i64);

impl Parse for EmailAddress {
    fn parse(value: &Value) -> Result<Self, String> {
        value.text()?.parse()
    }
}

impl Parse for Currency {
    fn parse(value: &Value) -> Result<Self, String> {
        value.text()?.parse()
    }
}

impl Parse for TimeZone {
    fn parse(value: &Value) -> Result<Self, String> {
        value.text()?.parse()
    }
}

impl Parse for IpAddr {
    fn parse(value: &Value) -> Result<Self, String> {
        value
            .text()?
            .parse()
            .map_err(|_| "must be an address, as 127.0.0.1 or 0.0.0.0".into())
    }
}

impl Parse for PathBuf {
    fn parse(value: &Value) -> Result<Self, String> {
        match value.text()? {
            "" => Err("must be a path".into()),
            path => Ok(path.into()),
        }
    }
}

impl Parse for Secret {
    fn parse(value: &Value) -> Result<Self, String> {
        let secret = Self::new(value.text()?);
        Ok(match value {
            Value::File { path, around, .. } => secret.in_file(path.clone(), around.clone()),
            Value::Text(_) | Value::List(_) => secret,
        })
    }
}

/// An empty value is none.
impl<T: Parse> Parse for Option<T> {
    fn parse(value: &Value) -> Result<Self, String> {
        if value.text()?.is_empty() {
            return Ok(None);
        }
        T::parse(value).map(Some)
    }
}

/// In a variable the items are set apart by semicolons.
impl Parse for Vec<String> {
    fn parse(value: &Value) -> Result<Self, String> {
        let items = match value {
            Value::List(items) => items.clone(),
            Value::Text(text) | Value::File { text, .. } => {
                text.split(';').map(ToOwned::to_owned).collect()
            }
        };
        Ok(items
            .into_iter()
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect())
    }
}

/// Where a service is reached inside the house: `http`, a host, a port, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceUrl {
    text: String,
    port: u16,
}

impl ServiceUrl {
    /// The address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its port; 80 if it names none.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Parse for ServiceUrl {
    fn parse(value: &Value) -> Result<Self, String> {
        let text = value.text()?.trim_end_matches('/').to_ascii_lowercase();
        let wrong = || "must be an address inside, as http://product-api:5000".to_owned();
        let authority = text.strip_prefix("http://").ok_or_else(wrong)?;
        // The colons inside of an IPv6 address stand before its bracket.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().map_err(|_| wrong())?),
            _ => (authority, 80),
        };
        let bracketed = host.starts_with('[') && host.ends_with(']');
        let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        let sane = match bracketed {
            true => host[1..host.len() - 1]
                .parse::<std::net::Ipv6Addr>()
                .is_ok(),
            false => !host.is_empty() && host.chars().all(allowed),
        };
        match sane {
            true => Ok(Self { text, port }),
            false => Err(wrong()),
        }
    }
}

/// A host, perhaps with a port, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    host: String,
    port: Option<u16>,
}

impl HostPort {
    /// The host; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, if one is named.
    pub fn port(&self) -> Option<u16> {
        self.port
    }
}

impl Parse for HostPort {
    fn parse(value: &Value) -> Result<Self, String> {
        let text = value.text()?;
        let url = Value::Text(format!("http://{text}"));
        let wrong = || "must be host or host:port, as postgres-direct:5432".to_owned();
        if text.contains('/') {
            return Err(wrong());
        }
        let url = ServiceUrl::parse(&url).map_err(|_| wrong())?;
        let authority = url.text.trim_start_matches("http://");
        let named = authority
            .rsplit_once(':')
            .filter(|(_, port)| !port.contains(']'));
        let host = named.map_or(authority, |(host, _)| host);
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: named.map(|_| url.port),
        })
    }
}

/// The address that shoppers use: `http` or `https`, a host, perhaps a port, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// The address without a slash at its end; it is also the origin that browsers name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is under TLS.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl Parse for PublicUrl {
    fn parse(value: &Value) -> Result<Self, String> {
        let text = value.text()?.trim_end_matches('/').to_ascii_lowercase();
        let host = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))
            .unwrap_or_default();
        let allowed = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        if host.is_empty() || !host.chars().all(allowed) {
            return Err("must be the shop's address, as https://shop.example.com".into());
        }
        Ok(Self(text))
    }
}
