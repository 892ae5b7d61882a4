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

use techcommerce_kernel::{Env, Error};

/// Where mail goes.
#[derive(Debug, Clone)]
pub enum Transport {
    /// One `.eml` file per mail in this folder, which is made if it is missing.
    Folder(PathBuf),
    /// A mail server.
    Smtp(SmtpSettings),
}

/// Sends mail.
#[derive(Debug, Clone)]
pub enum Mailer {
    /// Into a folder.
    Folder(Folder),
    /// To a mail server.
    Smtp(Smtp),
}

impl Mailer {
    /// A mailer that writes in the name of `sender`. Nothing is connected or created yet.
    ///
    /// # Errors
    /// `mail_settings` if the server's name or the sender's address cannot be used.
    pub fn new(transport: Transport, sender: Sender, env: Env) -> Result<Self, Error> {
        Ok(match transport {
            Transport::Folder(path) => Self::Folder(Folder::new(path, sender, env)),
            Transport::Smtp(settings) => Self::Smtp(Smtp::new(&settings, sender, env)?),
        })
    }

    /// Sends one mail; it may be sent again after an error.
    ///
    /// # Errors
    /// `unavailable` (transient) if the server is away or asks to come back later;
    /// `mail_refused` (unprocessable) if it will not take this mail, now or ever.
    pub async fn send(&self, mail: &Mail) -> Result<(), Error> {
        match self {
            Self::Folder(folder) => folder.send(mail).await,
            Self::Smtp(smtp) => smtp.send(mail).await,
        }
    }

    /// Tries the way out without sending: connects, or writes to the folder.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub async fn check(&self) -> Result<(), Error> {
        match self {
            Self::Folder(folder) => folder.check().await,
            Self::Smtp(smtp) => smtp.check().await,
        }
    }
}
