//! What happens after the request: mails with a link for a password, and sweeping up.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use techcommerce_jobs::{Handler, Job, JobSet, Outcome, Queue, Schedule};
use techcommerce_kernel::{EmailAddress, Env, Error, Kind, Uuid};
use techcommerce_mail::{Mail, Mailer};
use techcommerce_store::{Db, transact};

use crate::{
    Deps, Settings,
    accounts::{self, Account},
    api_keys,
    mails::{self, Language},
    resets,
    sessions::Sessions,
    token::{self, Purpose},
};

/// The job that mails a link for a new password.
pub const RESET_MAIL: &str = "auth.password_reset_mail";
/// The job that mails an invitation.
pub const INVITATION_MAIL: &str = "auth.invitation_mail";
/// The job that removes what has run out.
const SWEEP: &str = "auth.sweep";

/// The jobs and schedules of the service.
pub fn set(deps: &Deps, queue: &Queue) -> JobSet {
    let post = Post {
        db: deps.db.clone(),
        env: deps.env.clone(),
        mailer: deps.mailer.clone(),
        settings: deps.settings.clone(),
    };
    JobSet::new("auth", queue.clone())
        .handler(ResetMailHandler(post.clone()))
        .handler(InvitationMailHandler(post))
        .handler(SweepHandler {
            db: deps.db.clone(),
            env: deps.env.clone(),
            sessions: deps.sessions.clone(),
        })
        .schedule(Schedule::new(SWEEP, Duration::from_secs(3600), SWEEP))
        .build()
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

/// Whom to invite.
#[derive(Debug, Serialize, Deserialize)]
pub struct InvitationMail {
    /// The account that is to get its first password.
    pub account: Uuid,
    /// The language of the mail.
    pub language: Language,
}

struct ResetMailHandler(Post);

#[async_trait]
impl Handler for ResetMailHandler {
    fn kind(&self) -> &'static str {
        RESET_MAIL
    }

    async fn run(&self, job: &Job) -> Result<Outcome, Error> {
        let ResetMail { account, language } = job.payload()?;
        let Some(account) = self.0.reader(account).await? else {
            return Ok(Outcome::Done);
        };
        let words = |link: &str| mails::reset(&self.0.settings, language, link);
        self.0
            .send(job, &account, resets::LIFETIME, language, words)
            .await
    }
}

struct InvitationMailHandler(Post);

#[async_trait]
impl Handler for InvitationMailHandler {
    fn kind(&self) -> &'static str {
        INVITATION_MAIL
    }

    async fn run(&self, job: &Job) -> Result<Outcome, Error> {
        let InvitationMail { account, language } = job.payload()?;
        let Some(account) = self.0.reader(Some(account)).await? else {
            return Ok(Outcome::Done);
        };
        let words = |link: &str| mails::invitation(&self.0.settings, language, account.role, link);
        self.0
            .send(job, &account, resets::INVITATION, language, words)
            .await
    }
}

/// Mails links for a new password.
#[derive(Clone)]
struct Post {
    db: Db,
    env: Env,
    mailer: Mailer,
    settings: Settings,
}

impl Post {
    /// The account, if anybody may sign in to it.
    async fn reader(&self, id: Option<Uuid>) -> Result<Option<Account>, Error> {
        let Some(id) = id else {
            return Ok(None);
        };
        let account = accounts::by_id(&self.db, id).await?;
        Ok(account.filter(|account| account.disabled_at.is_none()))
    }

    /// The token is made here, so that none lies in the queue. An attempt that is repeated makes
    /// another one; each is good until one of them is used.
    async fn send(
        &self,
        job: &Job,
        account: &Account,
        lifetime: Duration,
        language: Language,
        words: impl FnOnce(&str) -> (String, String),
    ) -> Result<Outcome, Error> {
        let to: EmailAddress = account
            .email
            .parse()
            .map_err(|error: String| Error::internal(error))?;
        let secret = Purpose::PasswordReset.generate(&self.env);
        transact!(self.db, |tx| -> Result<(), Error> {
            job.guard(tx).await?;
            resets::insert(tx, &self.env, &token::hash(&secret), account.id, lifetime).await
        })?;
        let (subject, text) = words(&mails::link(&self.settings, &secret));
        let html = mails::html(language, &text);
        let mail = Mail::new(job.id, to, &subject, text).html(html);
        match self.mailer.send(&mail).await {
            Ok(()) => Ok(Outcome::Done),
            Err(error) if error.kind() == Kind::Unprocessable => {
                Ok(Outcome::GiveUp(format!("{error:?}")))
            }
            Err(error) => Err(error),
        }
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
        let keys = api_keys::sweep(&self.db, now).await?;
        tracing::debug!(sessions, resets, keys, "swept up what had run out");
        Ok(Outcome::Done)
    }
}
