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
#[derive(Clone)]
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
            Error::invalid("mail_settings", "The mail server's settings cannot be used.").caused_by(error)
        };
        sender.mailbox()?;
        let builder = match settings.encryption {
            Encryption::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(&settings.host).map_err(wrong)?,
            Encryption::StartTls => {
                AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&settings.host).map_err(wrong)?
            }
            Encryption::None => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host),
        };
        let builder = builder.port(settings.port).timeout(Some(settings.timeout));
        let builder = match &settings.credentials {
            Some((user, password)) => builder.credentials(Credentials::new(user.clone(), password.clone())),
            None => builder,
        };
        Ok(Self { transport: builder.build(), sender, env, limit: settings.timeout * 4 })
    }

    pub(crate) async fn send(&self, mail: &Mail) -> Result<(), Error> {
        let message = mail.to_message(&self.sender, &self.env)?;
        match tokio::time::timeout(self.limit, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(tell(&error)),
            Err(_) => Err(away("no answer in time")),
        }
    }

    pub(crate) async fn check(&self) -> Result<(), Error> {
        match tokio::time::timeout(self.limit, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(away("the server does not answer as a mail server")),
            Ok(Err(error)) => Err(tell(&error)),
            Err(_) => Err(away("no answer in time")),
        }
    }
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").finish_non_exhaustive()
    }
}

fn away(why: impl Into<String>) -> Error {
    Error::unavailable("The mail server cannot be reached.").caused_by(why.into())
}

/// A server's answer may repeat the address, so of an answer only its number is kept.
fn tell(error: &smtp::Error) -> Error {
    match error.status() {
        Some(code) if error.is_permanent() => refused().caused_by(format!("the mail server answered {code}")),
        Some(code) => away(format!("the mail server answered {code}")),
        None => away(error.to_string()),
    }
}
