//! Sessions, wherever they are kept: in the service's database or in Redis.
//!
//! A session is found by the hash of its token and belongs to a generation of its account; when
//! the account is of a later one, the session is over even if its record is still there (see
//! `migrations/0001_accounts.sql`). Both stores pass the same tests.

mod redis;
mod sql;

use std::{cmp::Reverse, time::Duration};

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::Db;

pub use self::redis::RedisSessions;
use crate::token::TokenHash;

/// How long a session may go on before its use is written down again.
const TOUCH_EVERY: Duration = Duration::from_secs(3600);

/// How many sessions an account may have; one more ends the one that was used longest ago. A program
/// that signs in again and again does not sign out the people who share its account.
const MAX_SESSIONS: usize = 100;

/// One sign-in of one person on one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Names the session without giving access to it.
    pub id: Uuid,
    /// Whose it is.
    pub account_id: Uuid,
    /// The account's generation at the time of the sign-in.
    pub generation: i64,
    /// What the browser or program called itself, shortened.
    pub user_agent: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was used last, to the hour.
    pub last_seen_at: Timestamp,
    /// When it ends if it is not used.
    pub expires_at: Timestamp,
}

impl Session {
    /// The session as it is after a use at `now`, or `None` if that need not be written: at most
    /// one write an hour, and a clock that went back changes nothing.
    pub fn touched(&self, now: Timestamp, idle: Duration) -> Option<Self> {
        (now.since(self.last_seen_at) >= TOUCH_EVERY).then(|| Self {
            last_seen_at: now,
            expires_at: now + idle,
            ..self.clone()
        })
    }
}

/// Where sessions are kept.
#[derive(Debug, Clone)]
pub enum Sessions {
    /// In the service's database.
    Sql(Db),
    /// In Redis.
    Redis(RedisSessions),
}

impl Sessions {
    /// Begins a session. Where an account has too many, those that were used longest ago end.
    ///
    /// # Errors
    /// `unavailable` when the store is away; so for all of these.
    pub async fn create(&self, token: &TokenHash, session: &Session) -> Result<(), Error> {
        match self {
            Self::Sql(db) => sql::create(db, token, session).await,
            Self::Redis(redis) => redis.create(token, session).await,
        }?;
        let account = session.account_id;
        let mut all = self.list(account, session.created_at).await?;
        all.sort_by_key(|one| Reverse((one.last_seen_at, one.created_at, one.id)));
        for unused in all.iter().skip(MAX_SESSIONS) {
            self.revoke(account, unused.id).await?;
        }
        Ok(())
    }

    /// The session of a token, unless it has run out.
    pub async fn find(&self, token: &TokenHash, now: Timestamp) -> Result<Option<Session>, Error> {
        let found = match self {
            Self::Sql(db) => sql::find(db, token).await,
            Self::Redis(redis) => redis.find(token).await,
        }?;
        Ok(found.filter(|session| session.expires_at > now))
    }

    /// Writes down that a session was used. One that was revoked meanwhile stays revoked.
    pub async fn update(&self, token: &TokenHash, session: &Session) -> Result<(), Error> {
        match self {
            Self::Sql(db) => sql::update(db, token, session).await,
            Self::Redis(redis) => redis.update(token, session).await,
        }
    }

    /// The sessions of an account that have not run out, the latest first.
    pub async fn list(&self, account: Uuid, now: Timestamp) -> Result<Vec<Session>, Error> {
        let mut sessions = match self {
            Self::Sql(db) => sql::list(db, account).await,
            Self::Redis(redis) => redis.list(account).await,
        }?;
        sessions.retain(|session| session.expires_at > now);
        sessions.sort_by_key(|session| Reverse((session.created_at, session.id)));
        Ok(sessions)
    }

    /// Ends one session of an account. `false` if it has none of that id.
    pub async fn revoke(&self, account: Uuid, id: Uuid) -> Result<bool, Error> {
        match self {
            Self::Sql(db) => sql::revoke(db, account, id).await,
            Self::Redis(redis) => redis.revoke(account, id).await,
        }
    }

    /// Ends all sessions of an account but one.
    pub async fn revoke_others(&self, account: Uuid, kept: Uuid) -> Result<(), Error> {
        match self {
            Self::Sql(db) => sql::revoke_others(db, account, kept).await,
            Self::Redis(redis) => redis.revoke_others(account, kept).await,
        }
    }

    /// Removes the records of an account's sessions that are of an earlier generation than
    /// `generation`. They are over already, so a failure is only told to the log.
    pub async fn tidy_up(&self, account: Uuid, generation: i64, now: Timestamp) {
        let tidy = async {
            for session in self.list(account, now).await? {
                if session.generation < generation {
                    self.revoke(account, session.id).await?;
                }
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = tidy.await {
            tracing::warn!(?error, "records of ended sessions stay until they run out");
        }
    }

    /// Removes what has run out; Redis does so by itself. Gives how many.
    pub async fn sweep(&self, now: Timestamp) -> Result<u64, Error> {
        match self {
            Self::Sql(db) => sql::sweep(db, now).await,
            Self::Redis(_) => Ok(0),
        }
    }

    /// Whether the store answers.
    pub async fn ping(&self) -> Result<(), Error> {
        match self {
            Self::Sql(db) => db.ping().await,
            Self::Redis(redis) => redis.ping().await,
        }
    }
}

#[cfg(test)]
mod tests;
