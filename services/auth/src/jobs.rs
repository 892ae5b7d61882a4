//! What happens after the request: the mail for a new password, and sweeping up.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use techcommerce_jobs::{Handler, Job, JobSet, Outcome, Queue, Schedule};
use techcommerce_kernel::{EmailAddress, Env, Error, Kind, Uuid};
use techcommerce_mail::{Mail, Mailer};
use techcommerce_store::{Db, transact};

use crate::{
    Deps, Settings, accounts, resets,
    sessions::Sessions,
    token::{self, Purpose},
};

/// The job that mails a link for a new password.
pub const RESET_MAIL: &str = "auth.password_reset_mail";
/// The job that removes what has run out.
const SWEEP: &str = "auth.sweep";

/// The jobs and schedules of the service.
pub fn set(deps: &Deps, queue: &Queue) -> JobSet {
    JobSet::new("auth", queue.clone())
        .handler(ResetMailHandler {
            db: deps.db.clone(),
            env: deps.env.clone(),
            mailer: deps.mailer.clone(),
            settings: deps.settings.clone(),
        })
        .handler(SweepHandler {
            db: deps.db.clone(),
            env: deps.env.clone(),
            sessions: deps.sessions.clone(),
        })
        .schedule(Schedule::new(SWEEP, Duration::from_secs(3600), SWEEP))
        .build()
}

/// A language that mails are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    En,
    /// German.
    De,
}

impl Language {
    /// The first of an `Accept-Language` header that is ours, else English.
    pub fn accepted(header: &str) -> Self {
        let wanted = header
            .split(',')
            .map(|part| part.trim().to_ascii_lowercase());
        wanted
            .filter_map(|tag| match tag.get(..2) {
                Some("de") => Some(Self::De),
                Some("en") => Some(Self::En),
                _ => None,
            })
            .next()
            .unwrap_or(Self::En)
    }
}

/// Whom to mail. Without an account nobody is mailed: the job is there so that asking takes as
/// long for an unknown address as for a known one.
#[derive(Debug, Serialize, Deserialize)]
pub struct ResetMail {
    /// The account that is to get a new password.
    pub account: Option<Uuid>,
    /// The language of the mail.
    pub language: Language,
}

struct ResetMailHandler {
    db: Db,
    env: Env,
    mailer: Mailer,
    settings: Settings,
}

#[async_trait]
impl Handler for ResetMailHandler {
    fn kind(&self) -> &'static str {
        RESET_MAIL
    }

    /// The token is made here, so that none lies in the queue. An attempt that is repeated makes
    /// another one; each is good until one of them is used.
    async fn run(&self, job: &Job) -> Result<Outcome, Error> {
        let ResetMail { account, language } = job.payload()?;
        let account = match account {
            Some(id) => accounts::by_id(&self.db, id).await?,
            None => None,
        };
        let Some(account) = account else {
            return Ok(Outcome::Done);
        };
        let to: EmailAddress = account
            .email
            .parse()
            .map_err(|error: String| Error::internal(error))?;
        let secret = Purpose::PasswordReset.generate(&self.env);
        transact!(self.db, |tx| -> Result<(), Error> {
            job.guard(tx).await?;
            resets::insert(tx, &self.env, &token::hash(&secret), account.id).await
        })?;
        let (subject, text) = words(&self.settings, language, &secret);
        match self
            .mailer
            .send(&Mail::new(job.id, to, &subject, text))
            .await
        {
            Ok(()) => Ok(Outcome::Done),
            Err(error) if error.kind() == Kind::Unprocessable => {
                Ok(Outcome::GiveUp(format!("{error:?}")))
            }
            Err(error) => Err(error),
        }
    }
}

fn words(settings: &Settings, language: Language, secret: &str) -> (String, String) {
    let shop = &settings.shop_name;
    let link = format!(
        "{}/reset-password?token={secret}",
        settings.public_url.trim_end_matches('/')
    );
    match language {
        Language::En => (
            format!("A new password for {shop}"),
            format!(
                "Hello,\n\nsomebody asked for a new password for your account at {shop}. If it \
                 was you, choose one here within 30 minutes:\n\n{link}\n\nIf it was not you, \
                 there is nothing to do: your password stays as it is.\n\n{shop}\n"
            ),
        ),
        Language::De => (
            format!("Ein neues Passwort für {shop}"),
            format!(
                "Guten Tag,\n\njemand hat ein neues Passwort für Ihr Konto bei {shop} verlangt. \
                 Wenn Sie das waren, wählen Sie es hier innerhalb von 30 Minuten:\n\n{link}\n\n\
                 Wenn nicht, ist nichts zu tun: Ihr Passwort bleibt, wie es ist.\n\n{shop}\n"
            ),
        ),
    }
}

struct SweepHandler {
    db: Db,
    env: Env,
    sessions: Sessions,
}

#[async_trait]
impl Handler for SweepHandler {
    fn kind(&self) -> &'static str {
        SWEEP
    }

    async fn run(&self, _job: &Job) -> Result<Outcome, Error> {
        let now = self.env.now();
        let sessions = self.sessions.sweep(now).await?;
        let resets = resets::sweep(&self.db, now).await?;
        tracing::debug!(sessions, resets, "swept up what had run out");
        Ok(Outcome::Done)
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn languages_are_taken_in_order() {
        assert_eq!(Language::accepted("de-AT,de;q=0.9,en;q=0.5"), Language::De);
        assert_eq!(Language::accepted("fr, en-GB, de"), Language::En);
        for nothing in ["", "*", "fr", "ö"] {
            assert_eq!(Language::accepted(nothing), Language::En);
        }
    }
}
