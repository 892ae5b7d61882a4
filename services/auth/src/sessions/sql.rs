//! Sessions in the service's database.

use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::{Db, execute, transact, with};

use super::Session;
use crate::token::TokenHash;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    account_id: Uuid,
    generation: i64,
    user_agent: String,
    created_at: i64,
    last_seen_at: i64,
    expires_at: i64,
}

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            account_id: row.account_id,
            generation: row.generation,
            user_agent: row.user_agent,
            created_at: Timestamp::from_micros(row.created_at),
            last_seen_at: Timestamp::from_micros(row.last_seen_at),
            expires_at: Timestamp::from_micros(row.expires_at),
        }
    }
}

pub async fn create(db: &Db, token: &TokenHash, session: &Session) -> Result<(), Error> {
    transact!(db, |tx| -> Result<(), Error> {
        execute!(
            tx,
            sqlx::query(
                "INSERT INTO sessions (id, token_hash, account_id, generation, user_agent, \
                 created_at, last_seen_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(session.id)
            .bind(token.as_slice())
            .bind(session.account_id)
            .bind(session.generation)
            .bind(session.user_agent.as_str())
            .bind(session.created_at.as_micros())
            .bind(session.last_seen_at.as_micros())
            .bind(session.expires_at.as_micros())
        )?;
        Ok(())
    })
}

pub async fn find(db: &Db, token: &TokenHash) -> Result<Option<Session>, Error> {
    let mut conn = db.read().await?;
    let row: Option<Row> = with!(conn, |c| sqlx::query_as(
        "SELECT id, account_id, generation, user_agent, created_at, last_seen_at, expires_at \
         FROM sessions WHERE token_hash = $1",
    )
    .bind(token.as_slice())
    .fetch_optional(c)
    .await)?;
    Ok(row.map(Session::from))
}

pub async fn update(db: &Db, token: &TokenHash, session: &Session) -> Result<(), Error> {
    transact!(db, |tx| -> Result<(), Error> {
        execute!(
            tx,
            sqlx::query(
                "UPDATE sessions SET generation = $2, last_seen_at = $3, expires_at = $4 \
                 WHERE token_hash = $1",
            )
            .bind(token.as_slice())
            .bind(session.generation)
            .bind(session.last_seen_at.as_micros())
            .bind(session.expires_at.as_micros())
        )?;
        Ok(())
    })
}

pub async fn list(db: &Db, account: Uuid) -> Result<Vec<Session>, Error> {
    let mut conn = db.read().await?;
    let rows: Vec<Row> = with!(conn, |c| sqlx::query_as(
        "SELECT id, account_id, generation, user_agent, created_at, last_seen_at, expires_at \
         FROM sessions WHERE account_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1000",
    )
    .bind(account)
    .fetch_all(c)
    .await)?;
    Ok(rows.into_iter().map(Session::from).collect())
}

pub async fn revoke(db: &Db, account: Uuid, id: Uuid) -> Result<bool, Error> {
    transact!(db, |tx| -> Result<bool, Error> {
        let gone = execute!(
            tx,
            sqlx::query("DELETE FROM sessions WHERE id = $1 AND account_id = $2")
                .bind(id)
                .bind(account)
        )?;
        Ok(gone > 0)
    })
}

pub async fn revoke_others(db: &Db, account: Uuid, kept: Uuid) -> Result<(), Error> {
    transact!(db, |tx| -> Result<(), Error> {
        execute!(
            tx,
            sqlx::query("DELETE FROM sessions WHERE account_id = $1 AND id <> $2")
                .bind(account)
                .bind(kept)
        )?;
        Ok(())
    })
}

pub async fn sweep(db: &Db, now: Timestamp) -> Result<u64, Error> {
    let mut swept = 0;
    loop {
        let batch = transact!(db, |tx| -> Result<u64, Error> {
            Ok(execute!(
                tx,
                sqlx::query(
                    "DELETE FROM sessions WHERE id IN \
                     (SELECT id FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT 500)",
                )
                .bind(now.as_micros())
            )?)
        })?;
        swept += batch;
        if batch == 0 {
            return Ok(swept);
        }
    }
}
