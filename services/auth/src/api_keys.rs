//! API keys, as they are stored.

use std::time::Duration;

use techcommerce_contracts::Role;
use techcommerce_kernel::{Env, Error, Timestamp, Uuid};
use techcommerce_store::{Db, execute, transact, with};

use crate::token::TokenHash;

/// How often the use of a key is written down at most.
const TOUCH_EVERY: Duration = Duration::from_secs(300);

/// A key, without what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Names the key without giving access to it.
    pub id: Uuid,
    /// What its maker called it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Its first characters, to tell it from others.
    pub prefix: String,
    /// Who made it, as [`techcommerce_contracts::Principal::actor`] names them.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was used last, to five minutes.
    pub last_used_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    name: String,
    role: String,
    prefix: String,
    created_by: String,
    created_at: i64,
    last_used_at: Option<i64>,
}

impl TryFrom<Row> for Key {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            name: row.name,
            role: row
                .role
                .parse()
                .map_err(|error: String| Error::internal(error))?,
            prefix: row.prefix,
            created_by: row.created_by,
            created_at: Timestamp::from_micros(row.created_at),
            last_used_at: row.last_used_at.map(Timestamp::from_micros),
        })
    }
}

/// Keeps a new key.
pub async fn insert(db: &Db, token: &TokenHash, key: &Key) -> Result<(), Error> {
    transact!(db, |tx| -> Result<(), Error> {
        execute!(
            tx,
            sqlx::query(
                "INSERT INTO api_keys (id, token_hash, name, role, prefix, created_by, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(key.id)
            .bind(token.as_slice())
            .bind(key.name.as_str())
            .bind(key.role.name())
            .bind(key.prefix.as_str())
            .bind(key.created_by.as_str())
            .bind(key.created_at.as_micros())
        )?;
        Ok(())
    })
}

/// The key of a secret, whose use is written down.
pub async fn find(db: &Db, env: &Env, token: &TokenHash) -> Result<Option<Key>, Error> {
    let mut conn = db.read().await?;
    let row: Option<Row> = with!(conn, |c| sqlx::query_as(
        "SELECT id, name, role, prefix, created_by, created_at, last_used_at FROM api_keys \
         WHERE token_hash = $1",
    )
    .bind(token.as_slice())
    .fetch_optional(c)
    .await)?;
    drop(conn);
    let Some(key) = row.map(Key::try_from).transpose()? else {
        return Ok(None);
    };
    let now = env.now();
    let before = now - TOUCH_EVERY;
    if key.last_used_at.is_none_or(|last| last <= before) {
        transact!(db, |tx| -> Result<(), Error> {
            execute!(
                tx,
                sqlx::query(
                    "UPDATE api_keys SET last_used_at = $2 \
                     WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)",
                )
                .bind(key.id)
                .bind(now.as_micros())
                .bind(before.as_micros())
            )?;
            Ok(())
        })?;
    }
    Ok(Some(key))
}

/// All keys, the newest first.
pub async fn list(db: &Db) -> Result<Vec<Key>, Error> {
    let mut conn = db.read().await?;
    let rows: Vec<Row> = with!(conn, |c| sqlx::query_as(
        "SELECT id, name, role, prefix, created_by, created_at, last_used_at FROM api_keys \
         ORDER BY created_at DESC, id DESC",
    )
    .fetch_all(c)
    .await)?;
    rows.into_iter().map(Key::try_from).collect()
}

/// Ends a key. `false` if there is none of that id.
pub async fn delete(db: &Db, id: Uuid) -> Result<bool, Error> {
    transact!(db, |tx| -> Result<bool, Error> {
        let gone = execute!(
            tx,
            sqlx::query("DELETE FROM api_keys WHERE id = $1").bind(id)
        )?;
        Ok(gone > 0)
    })
}

#[cfg(test)]
mod tests {
    use techcommerce_testkit::on_both_engines;

    use super::*;
    use crate::{MIGRATOR, token};

    on_both_engines! { MIGRATOR;
        /// From its making to its end.
        async fn a_keys_life(db: TestDb) {
            let (env, clock) = techcommerce_testkit::env();
            let mut made = Vec::new();
            for name in ["erp", "till"] {
                let key = Key {
                    id: env.new_id(),
                    name: name.to_owned(),
                    role: Role::Staff,
                    prefix: "tck_".to_owned(),
                    created_by: "account:1".to_owned(),
                    created_at: env.now(),
                    last_used_at: None,
                };
                insert(&db, &token::hash(name), &key).await.unwrap();
                clock.advance(Duration::from_secs(1));
                made.push(key);
            }
            made.reverse();
            assert_eq!(list(&db).await.unwrap(), made);
            let made = made.pop().unwrap();

            let erp = token::hash("erp");
            let used = async || list(&db).await.unwrap()[1].last_used_at;
            assert_eq!(find(&db, &env, &erp).await.unwrap().unwrap(), made);
            let first = used().await;
            assert_eq!(first, Some(env.now()));
            clock.advance(Duration::from_secs(60));
            find(&db, &env, &erp).await.unwrap();
            assert_eq!(used().await, first, "not written at every use");
            clock.advance(TOUCH_EVERY);
            find(&db, &env, &erp).await.unwrap();
            assert_eq!(used().await, Some(env.now()));

            assert!(delete(&db, made.id).await.unwrap());
            assert!(!delete(&db, made.id).await.unwrap());
            assert!(find(&db, &env, &erp).await.unwrap().is_none());
        }
    }
}
