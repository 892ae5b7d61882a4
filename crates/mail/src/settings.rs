//! Settings as they are written by people.

use std::{str::FromStr, time::Duration};

use url::Url;

use crate::{Encryption, Sender, SmtpSettings};

/// How long a mail server may take for one answer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// `smtps://user:password@host` speaks TLS from the first byte (port 465 if none is given);
/// `smtp://host` demands STARTTLS (port 587); `smtp://host?tls=none` does without (port 25).
/// Special characters in user and password are percent-encoded.
///
/// The error says what is wrong and never repeats the text, which may hold a password.
impl FromStr for SmtpSettings {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("is no address: {error}"))?;
        let tls = url.query_pairs().find(|(key, _)| key == "tls");
        let (encryption, port) = match (url.scheme(), tls.as_ref().map(|(_, value)| value.as_ref()))
        {
            ("smtps", None) => (Encryption::Tls, 465),
            ("smtp", None | Some("starttls")) => (Encryption::StartTls, 587),
            ("smtp", Some("none")) => (Encryption::None, 25),
            ("smtp" | "smtps", Some(_)) => {
                return Err(
                    "`tls` may only be `starttls` or `none`, and only after smtp://".into(),
                );
            }
            _ => return Err("must start with smtp:// or smtps://".into()),
        };
        let host = url
            .host_str()
            .filter(|host| !host.is_empty())
            .ok_or("names no host")?;
        let decoded = |part: &str| {
            percent_encoding::percent_decode_str(part)
                .decode_utf8()
                .map(|text| text.into_owned())
                .map_err(|_| "has a user or password that is no UTF-8".to_owned())
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) => Some((decoded(user)?, decoded(password)?)),
            (_, None) => return Err("names a user without a password".into()),
        };
        // An IPv6 address stands in brackets in an address, and without them elsewhere.
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        Ok(Self {
            host,
            port: url.port().unwrap_or(port),
            encryption,
            credentials,
            timeout: TIMEOUT,
        })
    }
}

/// `Tidewell <shop@tidewell.example>`, or the address alone.
impl FromStr for Sender {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (name, address) = match text
            .strip_suffix('>')
            .and_then(|text| text.rsplit_once('<'))
        {
            Some((name, address)) => (name.trim().trim_matches('"'), address),
            None => ("", text),
        };
        Ok(Self {
            name: name.to_owned(),
            address: address.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_servers() {
        let settings: SmtpSettings = "smtps://shop:p%40ss@mail.example.com".parse().unwrap();
        assert_eq!(
            (settings.host.as_str(), settings.port),
            ("mail.example.com", 465)
        );
        assert_eq!(settings.encryption, Encryption::Tls);
        assert_eq!(settings.credentials, Some(("shop".into(), "p@ss".into())));

        let settings: SmtpSettings = "smtp://mail.example.com:2525".parse().unwrap();
        assert_eq!(
            (settings.port, settings.encryption),
            (2525, Encryption::StartTls)
        );
        let settings: SmtpSettings = "smtp://[::1]:1025?tls=none".parse().unwrap();
        assert_eq!((settings.host.as_str(), settings.port), ("::1", 1025));
        assert_eq!(settings.encryption, Encryption::None);
        assert_eq!(settings.credentials, None);
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        for bad in [
            "mail.example.com",
            "http://user:hunter2@mail.example.com",
            "smtp://",
            "smtp://user@mail.example.com",
            "smtps://user:hunter2@mail.example.com?tls=none",
            "smtp://user:hunter2@mail.example.com:port",
        ] {
            let error = bad.parse::<SmtpSettings>().map(drop).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn senders() {
        for (text, name) in [
            ("Tidewell <shop@tidewell.example>", "Tidewell"),
            (
                "\"Tidewell, Hamburg\" <shop@tidewell.example>",
                "Tidewell, Hamburg",
            ),
            ("shop@tidewell.example", ""),
        ] {
            let sender: Sender = text.parse().unwrap();
            assert_eq!(
                (sender.name.as_str(), sender.address.as_str()),
                (name, "shop@tidewell.example")
            );
        }
        assert!("Tidewell".parse::<Sender>().is_err());
    }
}
