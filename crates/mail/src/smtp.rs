//! Mail to a server, by SMTP.

use std::{fmt, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    transport::smtp::{self, authentication::Credentials},
};
use techcommerce_kernel::{Env, Error};

use crate::{Mail, Sender, message::refused};

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// TLS from the first byte (usually port 465).
    Tls,
    /// Plain first, then TLS or nothing is sent (usually port 587).
    StartTls,
    /// None: only for a server on the same machine or in the same pod.
    None,
}

/// Where the mail server is and how it wants to be spoken to.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpSettings {
    /// Its host name, which its certificate must carry.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub encryption: Encryption,
    /// User and password, if it wants them.
    pub credentials: Option<(String, String)>,
    /// The longest that connecting, or any one answer, may take. All of a mail may take four times it.
    pub timeout: Duration,
}

/// Without the password.
impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpSettings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("encryption", &self.encryption)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Sends mail to a server, over a connection of its own for each.
#[derive(Clone)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Sender,
    env: Env,
    limit: Duration,
}

impl Smtp {
    pub(crate) fn new(settings: &SmtpSettings, sender: Sender, env: Env) -> Result<Self, Error> {
        let wrong = |error: smtp::Error| {
            Error::invalid(
                "mail_settings",
                "The mail server's settings cannot be used.",
            )
            .caused_by(error)
        };
        sender.mailbox()?;
        let builder = match settings.encryption {
            Encryption::Tls => {
                AsyncSmtpTransport::<Tokio1Executor>::relay(&settings.host).map_err(wrong)?
            }
            Encryption::StartTls => {
                AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&settings.host)
                    .map_err(wrong)?
            }
            Encryption::None => {
                AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            }
        };
        let builder = builder.port(settings.port).timeout(Some(settings.timeout));
        let builder = match &settings.credentials {
            Some((user, password)) => {
                builder.credentials(Credentials::new(user.clone(), password.clone()))
            }
            None => builder,
        };
        Ok(Self {
            transport: builder.build(),
            sender,
            env,
            limit: settings.timeout * 4,
        })
    }

    pub(crate) async fn send(&self, mail: &Mail) -> Result<(), Error> {
        let message = mail.to_message(&self.sender, &self.env)?;
        match tokio::time::timeout(self.limit, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(tell(&error)),
            Err(_) => Err(away(LATE)),
        }
    }

    pub(crate) async fn check(&self) -> Result<(), Error> {
        match tokio::time::timeout(self.limit, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(away("the server does not answer as a mail server")),
            Ok(Err(error)) => Err(tell(&error)),
            Err(_) => Err(away(LATE)),
        }
    }
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").finish_non_exhaustive()
    }
}

/// What an answer that does not come is told by.
const LATE: &str = "no answer in time";

/// What an answer about our password begins with.
const UNKNOWN: &str = "the mail server refuses user or password";

/// RFC 4954 §6: who we are is wanted, wrong, too weakly shown, or not shown under TLS.
fn is_about_us(code: u16) -> bool {
    matches!(code, 530 | 534 | 535 | 538)
}

/// Whether the server does not know us (any more).
pub(crate) fn is_unknown(error: &Error) -> bool {
    let cause = std::error::Error::source(error);
    cause.is_some_and(|cause| cause.to_string().starts_with(UNKNOWN))
}

/// Whether the server did not answer in time.
pub(crate) fn is_late(error: &Error) -> bool {
    let cause = std::error::Error::source(error);
    cause.is_some_and(|cause| cause.to_string() == LATE)
}

fn away(why: impl Into<String>) -> Error {
    Error::unavailable("The mail server cannot be reached.").caused_by(why.into())
}

/// A server's answer may repeat the address, so of an answer only its number is kept.
fn tell(error: &smtp::Error) -> Error {
    match error.status() {
        // Nothing of the mail: it waits until the server knows us.
        Some(code) if is_about_us(code.into()) => away(format!("{UNKNOWN} ({code})")),
        Some(code) if error.is_permanent() => {
            refused().caused_by(format!("the mail server answered {code}"))
        }
        Some(code) => away(format!("the mail server answered {code}")),
        None if error.is_timeout() => away(LATE),
        None => away(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
        net::{TcpListener, TcpStream},
        sync::mpsc,
    };

    use super::*;
    use crate::{Mailer, Transport};
    use techcommerce_follow::Source;
    use techcommerce_kernel::Uuid;

    /// A mail server that answers RCPT as it is told, and hands on what it was sent.
    async fn server(rcpt: &'static str) -> (u16, mpsc::UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sent, received) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, rcpt, sent.clone()));
            }
        });
        (port, received)
    }

    async fn converse(stream: TcpStream, rcpt: &'static str, sent: mpsc::UnboundedSender<String>) {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let mut answer = "220 mail.test ready".to_owned();
        let mut data: Option<String> = None;
        loop {
            if !answer.is_empty()
                && write
                    .write_all(format!("{answer}\r\n").as_bytes())
                    .await
                    .is_err()
            {
                return;
            }
            let Ok(Some(line)) = lines.next_line().await else {
                return;
            };
            answer = match (&mut data, line.split(' ').next().unwrap_or_default()) {
                (Some(text), ".") => {
                    let _ = sent.send(std::mem::take(text));
                    data = None;
                    "250 queued".into()
                }
                (Some(text), _) => {
                    text.push_str(&line);
                    text.push('\n');
                    String::new()
                }
                (None, "EHLO") => "250 mail.test".into(),
                (None, "RCPT") => rcpt.into(),
                (None, "DATA") => {
                    data = Some(String::new());
                    "354 go on".into()
                }
                (None, "QUIT") => "221 bye".into(),
                (None, _) => "250 fine".into(),
            };
        }
    }

    fn mailer(port: u16) -> Mailer {
        let settings = SmtpSettings {
            host: "127.0.0.1".into(),
            port,
            encryption: Encryption::None,
            credentials: None,
            timeout: Duration::from_millis(500),
        };
        let sender = Sender {
            name: "Tidewell".into(),
            address: "shop@tidewell.example".parse().unwrap(),
        };
        Mailer::new(
            Transport::Smtp(Source::fixed(settings)),
            sender,
            Env::manual(5).0,
        )
        .unwrap()
    }

    fn mail() -> Mail {
        Mail::new(
            Uuid::from_u128(1),
            "jo@example.com".parse().unwrap(),
            "Your order",
            "Thank you.",
        )
    }

    #[tokio::test]
    async fn a_mail_arrives() {
        let (port, mut received) = server("250 fine").await;
        let mailer = mailer(port);
        mailer.check().await.unwrap();
        mailer.send(&mail()).await.unwrap();
        let text = received.recv().await.unwrap();
        assert!(text.contains("To: jo@example.com"));
        assert!(text.contains("Thank you."));
    }

    #[tokio::test]
    async fn a_refusal_is_final_and_does_not_tell_the_address() {
        let (port, _received) = server("550 5.1.1 <jo@example.com> unknown").await;
        let error = mailer(port).send(&mail()).await.unwrap_err();
        assert_eq!(error.code(), "mail_refused");
        assert!(!error.is_transient());
        assert!(
            !format!("{error:?}").contains("jo@example.com"),
            "{error:?}"
        );
    }

    #[tokio::test]
    async fn a_busy_or_missing_or_silent_server_is_worth_a_retry() {
        let (busy, _received) = server("451 <jo@example.com> later").await;
        let error = mailer(busy).send(&mail()).await.unwrap_err();
        assert!(error.is_transient());
        assert!(
            !format!("{error:?}").contains("jo@example.com"),
            "{error:?}"
        );

        let gone = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        assert!(mailer(gone).send(&mail()).await.unwrap_err().is_transient());

        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = silent.local_addr().unwrap().port();
        assert!(mailer(port).send(&mail()).await.unwrap_err().is_transient());
    }

    /// It is no fault of the mail's: given up, it would be lost.
    #[tokio::test]
    async fn a_password_that_is_refused_is_worth_a_retry() {
        let (unknown, _received) = server("535 5.7.8 <jo@example.com> who?").await;
        let error = mailer(unknown).send(&mail()).await.unwrap_err();
        assert!(error.is_transient(), "{error:?}");
        assert!(is_unknown(&error), "{error:?}");
        assert!(
            !format!("{error:?}").contains("jo@example.com"),
            "{error:?}"
        );
    }

    #[test]
    fn the_password_stays_out_of_debug() {
        let settings = SmtpSettings {
            host: "mail.test".into(),
            port: 465,
            encryption: Encryption::Tls,
            credentials: Some(("user".into(), "hunter2".into())),
            timeout: Duration::from_secs(1),
        };
        assert!(!format!("{settings:?}").contains("hunter2"));
        let sender = Sender {
            name: String::new(),
            address: "shop@tidewell.example".parse().unwrap(),
        };
        assert!(Smtp::new(&settings, sender, Env::manual(1).0).is_ok());
    }
}
