//! API keys, as they are stored.
//!
//! A key rests on the account of who made it (or, of a key made with a key, on that one's): it can
//! do no more than that account, and nothing while the account is disabled. So whoever leaves the
//! shop takes no key along, and a demoted admin keeps none of an admin.

use std::time::Duration;

use techcommerce_audit::Entry;
use techcommerce_contracts::{Role, codes};
use techcommerce_kernel::{Env, Error, Timestamp, Uuid};
use techcommerce_store::{Conn, Db, execute, transact, with};

use crate::token::TokenHash;

/// How often the use of a key is written down at most.
const TOUCH_EVERY: Duration = Duration::from_secs(300);

/// How many keys a shop may have: the list of them is shown whole.
const MAX_KEYS: i64 = 200;

/// How long a key that has run out is still listed.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// A key, without what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Names the key without giving access to it.
    pub id: Uuid,
    /// What its maker called it.
    pub name: String,
    /// What it may do, as far as its account may.
    pub role: Role,
    /// Its first characters, to tell it from others.
    pub prefix: String,
    /// Who made it, as [`techcommerce_contracts::Principal::actor`] names them.
    pub created_by: String,
    /// The account that it rests on.
    pub account: Option<Uuid>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was used last, to five minutes.
    pub last_used_at: Option<Timestamp>,
}

/// A key with what its account allows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The key.
    pub key: Key,
    /// The account's role, `None` if it is disabled. A key without account rests on an admin's.
    owner: Option<Role>,
}

impl Found {
    /// What the key may do at `now`; `None`: nothing.
    pub fn role(&self, now: Timestamp) -> Option<Role> {
        let role = self.key.role.min(self.owner?);
        let ended = self.key.expires_at.is_some_and(|end| end <= now);
        (role >= Role::Staff && !ended).then_some(role)
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    name: String,
    role: String,
    prefix: String,
    created_by: String,
    account_id: Option<Uuid>,
    created_at: i64,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
    owner_role: Option<String>,
    owner_disabled_at: Option<i64>,
}

impl TryFrom<Row> for Found {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let role = |text: &str| text.parse().map_err(|error: String| Error::internal(error));
        let owner = match (row.account_id, &row.owner_role, row.owner_disabled_at) {
            (None, _, _) => Some(Role::Admin),
            (Some(_), Some(text), None) => Some(role(text)?),
            (Some(_), _, _) => None,
        };
        let key = Key {
            id: row.id,
            role: role(&row.role)?,
            name: row.name,
            prefix: row.prefix,
            created_by: row.created_by,
            account: row.account_id,
            created_at: Timestamp::from_micros(row.created_at),
            expires_at: row.expires_at.map(Timestamp::from_micros),
            last_used_at: row.last_used_at.map(Timestamp::from_micros),
        };
        Ok(Self { key, owner })
    }
}

/// `SELECT` all that a [`Row`] holds; what follows says which.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT k.id, k.name, k.role, k.prefix, k.created_by, k.account_id, k.created_at, \
             k.expires_at, k.last_used_at, a.role AS owner_role, \
             a.disabled_at AS owner_disabled_at \
             FROM api_keys k LEFT JOIN accounts a ON a.id = k.account_id ",
            $rest
        )
    };
}

/// Keeps a new key, with what the log says of it.
///
/// # Errors
/// `too_many_api_keys` (conflict).
pub async fn insert(
    db: &Db,
    env: &Env,
    token: &TokenHash,
    key: &Key,
    entry: Entry,
) -> Result<(), Error> {
    transact!(db, |tx| -> Result<(), Error> {
        let made = execute!(
            tx,
            sqlx::query(
                "INSERT INTO api_keys (id, token_hash, name, role, prefix, created_by, account_id, \
                 created_at, expires_at) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 \
                 WHERE (SELECT COUNT(*) FROM api_keys) < $10",
            )
            .bind(key.id)
            .bind(token.as_slice())
            .bind(key.name.as_str())
            .bind(key.role.name())
            .bind(key.prefix.as_str())
            .bind(key.created_by.as_str())
            .bind(key.account)
            .bind(key.created_at.as_micros())
            .bind(key.expires_at.map(Timestamp::as_micros))
            .bind(MAX_KEYS)
        )?;
        if made == 0 {
            return Err(Error::conflict(
                codes::TOO_MANY_API_KEYS,
                "There are 200 API keys already. Delete some that are not used any more.",
            ));
        }
        techcommerce_audit::record(tx, env, entry.clone()).await
    })
}

/// The key of a secret. If it may do something, its use is written down.
pub async fn find(db: &Db, env: &Env, token: &TokenHash) -> Result<Option<Found>, Error> {
    let mut conn = db.read().await?;
    let row: Option<Row> = with!(conn, |c| sqlx::query_as(select!("WHERE k.token_hash = $1"))
        .bind(token.as_slice())
        .fetch_optional(c)
        .await)?;
    drop(conn);
    let Some(found) = row.map(Found::try_from).transpose()? else {
        return Ok(None);
    };
    let now = env.now();
    let before = now - TOUCH_EVERY;
    let unseen = found.key.last_used_at.is_none_or(|last| last <= before);
    if unseen && found.role(now).is_some() {
        transact!(db, |tx| -> Result<(), Error> {
            execute!(
                tx,
                sqlx::query(
                    "UPDATE api_keys SET last_used_at = $2 \
                     WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)",
                )
                .bind(found.key.id)
                .bind(now.as_micros())
                .bind(before.as_micros())
            )?;
            Ok(())
        })?;
    }
    Ok(Some(found))
}

/// All keys, the newest first.
pub async fn list(db: &Db) -> Result<Vec<Found>, Error> {
    let mut conn = db.read().await?;
    let rows: Vec<Row> = with!(conn, |c| sqlx::query_as(select!(
        "ORDER BY k.created_at DESC, k.id DESC"
    ))
    .fetch_all(c)
    .await)?;
    rows.into_iter().map(Found::try_from).collect()
}

/// The account that a key rests on.
pub async fn account_of(db: &Db, id: Uuid) -> Result<Option<Uuid>, Error> {
    let mut conn = db.read().await?;
    let account: Option<Option<Uuid>> = with!(conn, |c| sqlx::query_scalar(
        "SELECT account_id FROM api_keys WHERE id = $1"
    )
    .bind(id)
    .fetch_optional(c)
    .await)?;
    Ok(account.flatten())
}

/// Ends a key. Gives what it was called, `None` if there is none of that id.
pub async fn delete(tx: &mut Conn, id: Uuid) -> Result<Option<String>, Error> {
    Ok(with!(tx, |c| sqlx::query_scalar(
        "DELETE FROM api_keys WHERE id = $1 RETURNING name"
    )
    .bind(id)
    .fetch_optional(c)
    .await)?)
}

/// Removes what ran out a month ago. Gives how many.
pub async fn sweep(db: &Db, now: Timestamp) -> Result<u64, Error> {
    transact!(db, |tx| -> Result<u64, Error> {
        Ok(execute!(
            tx,
            sqlx::query("DELETE FROM api_keys WHERE expires_at <= $1")
                .bind((now - KEPT).as_micros())
        )?)
    })
}

#[cfg(test)]
mod tests {
    use techcommerce_testkit::on_both_engines;

    use super::*;
    use crate::{MIGRATOR, accounts::tests::account, token};

    fn key(env: &Env, name: &str) -> Key {
        Key {
            id: env.new_id(),
            name: name.to_owned(),
            role: Role::Staff,
            prefix: "tck_".to_owned(),
            created_by: "account:1".to_owned(),
            account: None,
            created_at: env.now(),
            expires_at: None,
            last_used_at: None,
        }
    }

    async fn keep(db: &Db, env: &Env, key: &Key) -> TokenHash {
        let token = token::hash(&key.name);
        insert(db, env, &token, key, Entry::by("system", "api_key.create"))
            .await
            .unwrap();
        token
    }

    on_both_engines! { MIGRATOR;
        async fn a_keys_life(db: TestDb) {
            let (env, clock) = techcommerce_testkit::env();
            let mut made = Vec::new();
            for name in ["erp", "till"] {
                let key = key(&env, name);
                keep(&db, &env, &key).await;
                clock.advance(Duration::from_secs(1));
                made.push(key);
            }
            made.reverse();
            let listed = async || -> Vec<Key> {
                list(&db).await.unwrap().into_iter().map(|found| found.key).collect()
            };
            assert_eq!(listed().await, made);
            let made = made.pop().unwrap();

            let erp = token::hash("erp");
            let used = async || listed().await[1].last_used_at;
            assert_eq!(find(&db, &env, &erp).await.unwrap().unwrap().key, made);
            let first = used().await;
            assert_eq!(first, Some(env.now()));
            clock.advance(Duration::from_secs(60));
            find(&db, &env, &erp).await.unwrap();
            assert_eq!(used().await, first, "not written at every use");
            clock.advance(TOUCH_EVERY);
            find(&db, &env, &erp).await.unwrap();
            assert_eq!(used().await, Some(env.now()));

            let end = async || {
                transact!(db, |tx| -> Result<Option<String>, Error> { delete(tx, made.id).await })
                    .unwrap()
            };
            assert_eq!(end().await.as_deref(), Some("erp"));
            assert_eq!(end().await, None);
            assert!(find(&db, &env, &erp).await.unwrap().is_none());
        }

        /// A key that ran out opens nothing at once, and is forgotten a month later.
        async fn a_key_runs_out(db: TestDb) {
            let (env, clock) = techcommerce_testkit::env();
            let hour = Duration::from_secs(3600);
            let key = Key { expires_at: Some(env.now() + hour), ..key(&env, "brief") };
            let token = keep(&db, &env, &key).await;
            let role = async || {
                find(&db, &env, &token).await.unwrap().and_then(|found| found.role(env.now()))
            };
            assert_eq!(role().await, Some(Role::Staff));
            clock.advance(hour);
            assert_eq!(role().await, None);
            assert_eq!(sweep(&db, env.now()).await.unwrap(), 0);
            assert_eq!(list(&db).await.unwrap().len(), 1);
            clock.advance(KEPT);
            assert_eq!(sweep(&db, env.now()).await.unwrap(), 1);
            assert!(list(&db).await.unwrap().is_empty());
        }

        /// It can do what its account may, and no more.
        async fn a_key_rests_on_its_account(db: TestDb) {
            let (env, _) = techcommerce_testkit::env();
            let jo = account(&db, &env, "jo@example.com").await;
            let key = Key { role: Role::Admin, account: Some(jo), ..key(&env, "erp") };
            let token = keep(&db, &env, &key).await;
            assert_eq!(account_of(&db, key.id).await.unwrap(), Some(jo));
            for (owner, expected) in [
                (Role::Admin, Some(Role::Admin)),
                (Role::Staff, Some(Role::Staff)),
                (Role::Customer, None),
            ] {
                transact!(db, |tx| -> Result<(), Error> {
                    execute!(tx, sqlx::query("UPDATE accounts SET role = $2 WHERE id = $1")
                        .bind(jo)
                        .bind(owner.name()))?;
                    Ok(())
                })
                .unwrap();
                let found = find(&db, &env, &token).await.unwrap().unwrap();
                assert_eq!(found.role(env.now()), expected, "{owner:?}");
            }
        }
    }
}
