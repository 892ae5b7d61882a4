//! Sessions in Redis: one key a session, which Redis itself removes when it has run out, and for
//! each account the set of its sessions.
//!
//! The set is an index only. A session that it names and that is gone is dropped from it when it
//! is read; the record decides.

use std::time::Duration;

use redis::{
    AsyncTypedCommands, Client, ErrorKind, ExistenceCheck, Pipeline, RedisError, SetExpiry,
    SetOptions,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use techcommerce_follow::{Current, Source};
use techcommerce_kernel::{Called, Env, Error, Meter, Uuid};

use super::Session;
use crate::token::TokenHash;

/// How long Redis may take to answer: a page waits for it.
const ANSWER_WITHIN: Duration = Duration::from_millis(1500);
/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_millis(1500);

/// Sessions in Redis. Clones share one connection, which is made again by itself.
#[derive(Clone)]
pub struct RedisSessions {
    connection: Current<ConnectionManager>,
    prefix: String,
    env: Env,
    meter: Meter,
}

impl std::fmt::Debug for RedisSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisSessions").finish_non_exhaustive()
    }
}

impl RedisSessions {
    /// Prepares a connection to the address (`redis://user:password@host:port/db`); it is made
    /// when it is first used, so that the shop starts without it. `prefix` begins every key.
    ///
    /// # Errors
    /// `redis_settings` when the address cannot be used. It is not repeated: it holds a password.
    pub fn new(address: impl Into<Source<String>>, prefix: &str, env: Env) -> Result<Self, Error> {
        let address = address.into();
        let connection = prepare(address.value())?;
        let connection = Current::following(connection, address, |address| async move {
            let mut connection = prepare(&address)?;
            connection.ping().await.map_err(away)?;
            Ok(connection)
        });
        Ok(Self {
            connection,
            prefix: prefix.to_owned(),
            env,
            meter: Meter::default(),
        })
    }

    /// The same, with its calls measured.
    #[must_use]
    pub fn measured(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// The connection, for whoever looks whether its address changed.
    pub fn connection(&self) -> &Current<ConnectionManager> {
        &self.connection
    }

    /// One call to Redis. All calls may be made twice: one that was turned away by a password that
    /// is no longer right is made again with the one that is.
    async fn ask<T, F>(&self, call: impl Fn(ConnectionManager) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, RedisError>>,
    {
        let connection = self.connection.get();
        let error = match self.measured_call(call((*connection).clone())).await {
            Err(error) if is_turned_away(&error) => error,
            answer => return answer.map_err(away),
        };
        match self.connection.instead_of(&connection).await {
            Some(other) => self
                .measured_call(call((*other).clone()))
                .await
                .map_err(away),
            None => Err(away(error)),
        }
    }

    async fn measured_call<T>(
        &self,
        call: impl Future<Output = Result<T, RedisError>>,
    ) -> Result<T, RedisError> {
        let how = |answer: &Result<T, RedisError>| match answer {
            Ok(_) => Called::Ok,
            Err(error) if error.is_timeout() => Called::Timeout,
            Err(_) => Called::Error,
        };
        self.meter.measure(call, how).await
    }

    /// Commands whose answers nobody needs.
    async fn run(&self, pipe: &Pipeline) -> Result<(), Error> {
        self.ask(|mut connection| async move { pipe.exec_async(&mut connection).await })
            .await
    }

    pub(super) async fn create(&self, token: &TokenHash, session: &Session) -> Result<(), Error> {
        let (key, set) = (self.key(token), self.set(session.account_id));
        let mut pipe = redis::pipe();
        pipe.atomic()
            .set_options(&key, encode(session)?, self.lifetime(session))
            .ignore()
            .sadd(&set, hex(token))
            .ignore()
            .expire(&set, self.seconds(session))
            .ignore();
        self.run(&pipe).await
    }

    pub(super) async fn find(&self, token: &TokenHash) -> Result<Option<Session>, Error> {
        let key = &self.key(token);
        let text = self
            .ask(|mut connection| async move { connection.get(key).await })
            .await?;
        text.as_deref().map(decode).transpose()
    }

    pub(super) async fn update(&self, token: &TokenHash, session: &Session) -> Result<(), Error> {
        let only_if_there = self.lifetime(session).conditional_set(ExistenceCheck::XX);
        let mut pipe = redis::pipe();
        pipe.set_options(self.key(token), encode(session)?, only_if_there)
            .ignore()
            .expire(self.set(session.account_id), self.seconds(session))
            .ignore();
        self.run(&pipe).await
    }

    pub(super) async fn list(&self, account: Uuid) -> Result<Vec<Session>, Error> {
        Ok(self
            .entries(account)
            .await?
            .into_iter()
            .map(|(_, session)| session)
            .collect())
    }

    pub(super) async fn revoke(&self, account: Uuid, id: Uuid) -> Result<bool, Error> {
        let entries = self.entries(account).await?;
        match entries.into_iter().find(|(_, session)| session.id == id) {
            Some((hash, _)) => self.remove(account, &[hash]).await.map(|()| true),
            None => Ok(false),
        }
    }

    pub(super) async fn revoke_others(&self, account: Uuid, kept: Uuid) -> Result<(), Error> {
        let entries = self.entries(account).await?.into_iter();
        let hashes: Vec<String> = entries
            .filter(|(_, session)| session.id != kept)
            .map(|(hash, _)| hash)
            .collect();
        self.remove(account, &hashes).await
    }

    pub(super) async fn ping(&self) -> Result<(), Error> {
        let pong = self.ask(|mut connection| async move { connection.ping().await });
        pong.await.map(drop)
    }

    /// The sessions of an account with the hashes of their tokens.
    async fn entries(&self, account: Uuid) -> Result<Vec<(String, Session)>, Error> {
        let set = &self.set(account);
        let hashes = self
            .ask(|mut connection| async move { connection.smembers(set).await })
            .await?;
        if hashes.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<String> = hashes.iter().map(|hash| self.key_of(hash)).collect();
        let mut texts = redis::cmd("MGET");
        let texts = &*texts.arg(keys);
        let texts: Vec<Option<String>> = self
            .ask(|mut connection| async move { texts.query_async(&mut connection).await })
            .await?;
        let (mut entries, mut gone) = (Vec::new(), Vec::new());
        for (hash, text) in hashes.into_iter().zip(texts) {
            match text {
                Some(text) => entries.push((hash, decode(&text)?)),
                None => gone.push(hash),
            }
        }
        if !gone.is_empty() {
            let mut pipe = redis::pipe();
            self.run(pipe.srem(set, gone).ignore()).await?;
        }
        Ok(entries)
    }

    async fn remove(&self, account: Uuid, hashes: &[String]) -> Result<(), Error> {
        if hashes.is_empty() {
            return Ok(());
        }
        let keys: Vec<String> = hashes.iter().map(|hash| self.key_of(hash)).collect();
        let mut pipe = redis::pipe();
        pipe.atomic()
            .del(keys)
            .ignore()
            .srem(self.set(account), hashes)
            .ignore();
        self.run(&pipe).await
    }

    fn seconds(&self, session: &Session) -> i64 {
        let left = session.expires_at.since(self.env.now()).as_secs();
        i64::try_from(left).unwrap_or(i64::MAX).max(1)
    }

    fn lifetime(&self, session: &Session) -> SetOptions {
        let seconds = u64::try_from(self.seconds(session)).unwrap_or(1);
        SetOptions::default().with_expiration(SetExpiry::EX(seconds))
    }

    fn key(&self, token: &TokenHash) -> String {
        self.key_of(&hex(token))
    }

    fn key_of(&self, hash: &str) -> String {
        format!("{}session:{hash}", self.prefix)
    }

    fn set(&self, account: Uuid) -> String {
        format!("{}sessions:{account}", self.prefix)
    }
}

/// A connection that is made when it is first used.
fn prepare(address: &str) -> Result<ConnectionManager, Error> {
    let wrong =
        |_: RedisError| Error::invalid("redis_settings", "The address of Redis cannot be used.");
    let client = Client::open(address).map_err(wrong)?;
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECT_WITHIN))
        .set_response_timeout(Some(ANSWER_WITHIN))
        .set_number_of_retries(1)
        .set_max_delay(Duration::from_millis(500));
    ConnectionManager::new_lazy_with_config(client, config).map_err(wrong)
}

/// Whether Redis does not know us (any more), or closed the connection, as it does when a user is
/// taken away.
fn is_turned_away(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("WRONGPASS" | "NOAUTH"))
        || error.is_connection_dropped()
}

fn hex(token: &TokenHash) -> String {
    use std::fmt::Write;
    token
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn encode(session: &Session) -> Result<String, Error> {
    serde_json::to_string(session).map_err(Error::internal)
}

fn decode(text: &str) -> Result<Session, Error> {
    serde_json::from_str(text).map_err(Error::internal)
}

fn away(error: RedisError) -> Error {
    Error::unavailable(
        "Signing in is not possible right now. You can go on as a guest, or try again in a moment.",
    )
    .caused_by(error)
}
