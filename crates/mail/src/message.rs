//! What a mail says, and its form on the wire.

use std::time::{Duration, UNIX_EPOCH};

use lettre::{
    Address, Message,
    message::{Mailbox, MultiPart, SinglePart},
};
use techcommerce_kernel::{EmailAddress, Env, Error, Uuid};

/// The longest subject that is sent, in characters; the rest is cut off.
const SUBJECT_LIMIT: usize = 200;

/// Whose name mail is sent in.
#[derive(Debug, Clone)]
pub struct Sender {
    /// The name that people see, as `Tidewell`.
    pub name: String,
    /// The address that answers go to.
    pub address: EmailAddress,
}

/// One mail to one person.
#[derive(Debug, Clone)]
pub struct Mail {
    id: Uuid,
    to: EmailAddress,
    subject: String,
    text: String,
    html: Option<String>,
}

impl Mail {
    /// A mail. `id` names it for ever: give the job's id, so that a repeat is the same mail.
    pub fn new(id: Uuid, to: EmailAddress, subject: &str, text: impl Into<String>) -> Self {
        Self {
            id,
            to,
            subject: one_line(subject),
            text: text.into(),
            html: None,
        }
    }

    /// Adds the same text as HTML, for those who like it.
    #[must_use]
    pub fn html(mut self, html: impl Into<String>) -> Self {
        self.html = Some(html.into());
        self
    }

    /// The mail's id.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The mail as it goes over the wire.
    pub(crate) fn to_message(&self, sender: &Sender, env: &Env) -> Result<Message, Error> {
        let domain = sender
            .address
            .as_str()
            .rsplit_once('@')
            .map_or("localhost", |at| at.1);
        let micros = u64::try_from(env.now().as_micros()).unwrap_or(0);
        let message = Message::builder()
            .message_id(Some(format!("<{}@{domain}>", self.id)))
            .date(UNIX_EPOCH + Duration::from_micros(micros))
            .from(sender.mailbox()?)
            .to(Mailbox::new(None, address(&self.to)?))
            .subject(self.subject.clone());
        let text = SinglePart::plain(self.text.clone());
        let message = match &self.html {
            None => message.singlepart(text),
            Some(html) => message.multipart(
                MultiPart::alternative()
                    .singlepart(text)
                    .singlepart(SinglePart::html(html.clone())),
            ),
        };
        message.map_err(|error| refused().caused_by(error))
    }
}

impl Sender {
    pub(crate) fn mailbox(&self) -> Result<Mailbox, Error> {
        let name = one_line(&self.name);
        Ok(Mailbox::new(
            (!name.is_empty()).then_some(name),
            address(&self.address)?,
        ))
    }
}

/// The error for a mail that will never be taken.
pub(crate) fn refused() -> Error {
    Error::unprocessable("mail_refused", "The mail was refused.")
}

/// The parser's own error is dropped: it may repeat the address.
fn address(address: &EmailAddress) -> Result<Address, Error> {
    address
        .as_str()
        .parse()
        .map_err(|_| refused().caused_by("the address cannot be used in SMTP"))
}

/// Line breaks and other control characters become spaces, so that nothing can add a header.
fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| {
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
                ' '
            } else {
                c
            }
        })
        .take(SUBJECT_LIMIT)
        .collect();
    spaced.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(name: &str) -> Sender {
        Sender {
            name: name.into(),
            address: "shop@tidewell.example".parse().unwrap(),
        }
    }

    fn wire(mail: &Mail, name: &str) -> String {
        let (env, _) = Env::manual(1);
        let bytes = mail.to_message(&sender(name), &env).unwrap().formatted();
        String::from_utf8(bytes).unwrap()
    }

    fn mail(subject: &str) -> Mail {
        Mail::new(
            Uuid::from_u128(7),
            "jo@example.com".parse().unwrap(),
            subject,
            "Thank you.\n",
        )
    }

    #[test]
    fn has_text_and_html_and_a_stable_id() {
        let plain = wire(&mail("Your order"), "Tidewell");
        assert!(
            plain.contains(
                "Message-ID: <00000000-0000-0000-0000-000000000007@tidewell.example>\r\n"
            )
        );
        assert!(plain.contains("From: Tidewell <shop@tidewell.example>\r\n"));
        assert!(plain.contains("Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n"));
        assert!(plain.contains("Content-Type: text/plain; charset=utf-8\r\n"));
        let both = wire(&mail("Your order").html("<p>Thank you.</p>"), "Tidewell");
        assert!(both.contains("multipart/alternative"));
        assert!(both.contains("<p>Thank you.</p>"));
    }

    #[test]
    fn nothing_adds_a_header() {
        for evil in [
            "Hi\r\nBcc: x@evil.example",
            "Hi\nBcc: x@evil.example",
            "Hi\u{2028}Bcc: x",
            "Hi\u{85}Bcc: x",
        ] {
            let text = wire(&mail(evil), evil);
            let (head, _) = text.split_once("\r\n\r\n").unwrap();
            assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
            assert_eq!(
                head.lines().filter(|line| line.starts_with("To:")).count(),
                1
            );
        }
    }

    #[test]
    fn long_and_foreign_subjects_stay_within_the_wire_format() {
        let text = wire(
            &mail(&"Ihre Bestellung – großartig ✨ ".repeat(40)),
            "Käthe & Söhne, \"Laden\"",
        );
        assert!(text.is_ascii());
        assert!(text.lines().all(|line| line.len() <= 998));
    }

    #[test]
    fn addresses_stay_out_of_debug() {
        assert!(!format!("{:?}", mail("x")).contains("jo@example.com"));
    }
}
