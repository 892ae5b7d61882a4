//! Mail: one message type, two ways out.
//!
//! A [`Mailer`] hands a [`Mail`] to an SMTP server, or writes it as an `.eml` file into a folder
//! (the default of a shop without a mail server, and of tests). What is given for subject and
//! names cannot break out of its header; addresses and texts never reach a log or an error.
//!
//! Sending may happen twice (a job runs at least once), so each mail has an id that its
//! `Message-ID` is made of: the same mail sent again is recognisable as the same.

mod folder;
mod message;
mod settings;
mod smtp;

pub use folder::Folder;
pub use message::{Mail, Sender};
pub use smtp::{Encryption, Smtp, SmtpSettings};

use std::path::PathBuf;

use techcommerce_follow::{Current, Source};
use techcommerce_kernel::{Called, Env, Error, Kind, Meter};
use techcommerce_telemetry::{Counters, Label, Telemetry};

/// Where mail goes.
#[derive(Debug)]
pub enum Transport {
    /// One `.eml` file per mail in this folder, which is made if it is missing.
    Folder(PathBuf),
    /// A mail server, whose settings may change.
    Smtp(Source<SmtpSettings>),
}

/// Sends mail. Clones are the same.
#[derive(Debug, Clone)]
pub struct Mailer {
    way: Way,
    meter: Meter,
    mails: Option<Counters<1>>,
}

#[derive(Debug, Clone)]
enum Way {
    Folder(Folder),
    Smtp(Current<Smtp>),
}

impl Mailer {
    /// A mailer that writes in the name of `sender`. Nothing is connected or created yet.
    ///
    /// # Errors
    /// `mail_settings` if the server's name or the sender's address cannot be used.
    pub fn new(transport: Transport, sender: Sender, env: Env) -> Result<Self, Error> {
        Ok(Self {
            way: match transport {
                Transport::Folder(path) => Way::Folder(Folder::new(path, sender, env)),
                Transport::Smtp(settings) => Way::Smtp(following(settings, sender, env)?),
            },
            meter: Meter::default(),
            mails: None,
        })
    }

    /// The same, with what it sends counted, in the name of the service that sends.
    #[must_use]
    pub fn measured(self, telemetry: &Telemetry, service: &'static str) -> Self {
        let meter = match self.way {
            Way::Folder(_) => Meter::default(),
            Way::Smtp(_) => telemetry.dependency(service, "smtp"),
        };
        Self {
            meter,
            mails: Some(count(telemetry)),
            ..self
        }
    }

    /// Sends one mail; it may be sent again after an error.
    ///
    /// # Errors
    /// `unavailable` (transient) if the server is away or asks to come back later;
    /// `mail_refused` (unprocessable) if it will not take this mail, now or ever.
    pub async fn send(&self, mail: &Mail) -> Result<(), Error> {
        let sent = match &self.way {
            Way::Folder(folder) => folder.send(mail).await,
            Way::Smtp(smtp) => self.send_to_server(smtp, mail).await,
        };
        if let Some(mails) = &self.mails {
            let outcome = match &sent {
                Ok(()) => "sent",
                Err(error) if error.kind() == Kind::Unavailable => "failed",
                Err(_) => "refused",
            };
            mails.with([outcome]).inc();
        }
        sent
    }

    /// A mail that comes with a password of before is sent again with the one that is right.
    async fn send_to_server(&self, current: &Current<Smtp>, mail: &Mail) -> Result<(), Error> {
        let smtp = current.get();
        let sent = self.meter.measure(smtp.send(mail), how).await;
        if !sent.as_ref().is_err_and(smtp::is_unknown) {
            return sent;
        }
        match current.instead_of(&smtp).await {
            Some(other) => self.meter.measure(other.send(mail), how).await,
            None => sent,
        }
    }

    /// The mail server, if there is one, for whoever looks whether its address changed.
    pub fn server(&self) -> Option<&Current<Smtp>> {
        match &self.way {
            Way::Folder(_) => None,
            Way::Smtp(smtp) => Some(smtp),
        }
    }

    /// Tries the way out without sending: connects, or writes to the folder.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub async fn check(&self) -> Result<(), Error> {
        match &self.way {
            Way::Folder(folder) => folder.check().await,
            Way::Smtp(smtp) => smtp.get().check().await,
        }
    }
}

/// A server that is another one when its settings change and the new ones work.
fn following(
    settings: Source<SmtpSettings>,
    sender: Sender,
    env: Env,
) -> Result<Current<Smtp>, Error> {
    let smtp = Smtp::new(settings.value(), sender.clone(), env.clone())?;
    Ok(Current::following(smtp, settings, move |settings| {
        let next = Smtp::new(&settings, sender.clone(), env.clone());
        async move {
            let next = next?;
            next.check().await?;
            Ok(next)
        }
    }))
}

/// Mails by what became of them.
pub fn count(telemetry: &Telemetry) -> Counters<1> {
    let mails = telemetry.counters(
        "techcommerce_mails_total",
        "Mails by what became of them: sent; failed, to be tried again; refused for good",
        [Label::one_of("outcome", &["sent", "failed", "refused"])],
    );
    mails.at_zero()
}

/// A server that refuses a mail has answered.
fn how(sent: &Result<(), Error>) -> Called {
    match sent {
        Err(error) if smtp::is_late(error) => Called::Timeout,
        Err(error) if error.kind() == Kind::Unavailable => Called::Error,
        _ => Called::Ok,
    }
}
