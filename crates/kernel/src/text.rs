//! Texts that cannot hold a wrong value.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

text_type! {
    /// A mail address, trimmed. Compare by [`EmailAddress::key`].
    ///
    /// It is never shown by `Debug`, so that it cannot slip into a log.
    EmailAddress
}

impl EmailAddress {
    /// What two spellings of one address have in common: lower case.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for EmailAddress {
    type Err = String;

    /// Takes what a mail server could take (RFC 5321's lengths), not all that RFC 5322 allows.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let wrong = || "is no mail address: write it as name@example.com".to_owned();
        let (local, domain) = text.rsplit_once('@').ok_or_else(wrong)?;
        let bad = |c: char| c.is_whitespace() || c.is_control() || "<>()[]\\,;:\"".contains(c);
        let domain_ok = domain.contains('.')
            && domain
                .split('.')
                .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
        if local.is_empty()
            || local.len() > 64
            || text.len() > 254
            || local.contains('@')
            || text.contains(bad)
            || !domain_ok
        {
            return Err(wrong());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

text_type! {
    /// A name for addresses: lower-case letters, digits and single hyphens, as `stoneware-mug`.
    Handle
}

impl Handle {
    /// The longest handle.
    pub const MAX_LEN: usize = 200;

    /// The handle that a title suggests, or `None` if nothing of it can stand in a handle.
    pub fn from_title(title: &str) -> Option<Self> {
        let mut handle = String::new();
        for c in title.chars().flat_map(char::to_lowercase) {
            if c.is_ascii_alphanumeric() {
                handle.push(c);
            } else if !handle.is_empty() && !handle.ends_with('-') {
                handle.push('-');
            }
        }
        handle.truncate(Self::MAX_LEN);
        let handle = handle.trim_matches('-');
        (!handle.is_empty()).then(|| Self(handle.to_owned()))
    }
}

impl FromStr for Handle {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if text.is_empty() || text.len() > Self::MAX_LEN || !text.chars().all(allowed) {
            return Err(
                "must be 1 to 200 lower-case letters, digits and hyphens, as stoneware-mug".into(),
            );
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_type! {
    /// A stock-keeping unit as the shop's owner writes it. Real ones repeat; they identify nothing.
    Sku
}

impl FromStr for Sku {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > 255 || text.chars().any(char::is_control) {
            return Err("must be 1 to 255 characters without control characters".into());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_addresses() {
        for good in ["a@b.de", " Jo.Doe+shop@mail.example.com "] {
            assert!(good.parse::<EmailAddress>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@b",
            "@b.de",
            "a b@c.de",
            "a@b..de",
            "a@b.de\nBcc: x@y.de",
            "a@-b.de",
        ] {
            assert!(bad.parse::<EmailAddress>().is_err(), "{bad}");
        }
        let address: EmailAddress = "secret@example.com".parse().unwrap();
        assert!(!format!("{address:?}").contains("secret"));
    }

    #[test]
    fn handles_come_from_titles() {
        let handle = Handle::from_title("  Ocean Blue Shirt — XL! ").unwrap();
        assert_eq!(handle.as_str(), "ocean-blue-shirt-xl");
        assert_eq!(Handle::from_title("!!!"), None);
        assert!("Not OK".parse::<Handle>().is_err());
    }
}
