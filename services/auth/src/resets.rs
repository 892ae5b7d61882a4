//! Tokens for a new password, as they are stored: hashed, for a while, for one use.

use std::time::Duration;

use techcommerce_kernel::{Env, Error, Timestamp, Uuid};
use techcommerce_store::{Conn, Db, execute, transact, with};

use crate::token::TokenHash;

/// How long a token is good for that somebody asked for.
pub const LIFETIME: Duration = Duration::from_secs(30 * 60);
/// How long one is that nobody waits for.
pub const INVITATION: Duration = Duration::from_secs(7 * 24 * 3600);

/// Keeps a token's hash for an account.
pub async fn insert(
    tx: &mut Conn,
    env: &Env,
    token: &TokenHash,
    account: Uuid,
    lifetime: Duration,
) -> Result<(), Error> {
    let now = env.now();
    execute!(
        tx,
        sqlx::query(
            "INSERT INTO password_resets (token_hash, account_id, created_at, expires_at) \
             VALUES ($1, $2, $3, $4)",
        )
        .bind(token.as_slice())
        .bind(account)
        .bind(now.as_micros())
        .bind((now + lifetime).as_micros())
    )?;
    Ok(())
}

/// Uses a token up and gives its account; `None` if it is unknown, used or too old. Of two that
/// come at once, one gets it.
pub async fn take(tx: &mut Conn, token: &TokenHash, now: Timestamp) -> Result<Option<Uuid>, Error> {
    Ok(with!(tx, |c| sqlx::query_scalar(
        "DELETE FROM password_resets WHERE token_hash = $1 AND expires_at > $2 \
         RETURNING account_id",
    )
    .bind(token.as_slice())
    .bind(now.as_micros())
    .fetch_optional(c)
    .await)?)
}

/// The account of a token that is still good, without using it up: so that a weak password does
/// not cost the token.
pub async fn peek(db: &Db, token: &TokenHash, now: Timestamp) -> Result<Option<Uuid>, Error> {
    let mut conn = db.read().await?;
    Ok(with!(conn, |c| sqlx::query_scalar(
        "SELECT account_id FROM password_resets WHERE token_hash = $1 AND expires_at > $2",
    )
    .bind(token.as_slice())
    .bind(now.as_micros())
    .fetch_optional(c)
    .await)?)
}

/// Removes what is too old, little by little. Gives how many.
pub async fn sweep(db: &Db, now: Timestamp) -> Result<u64, Error> {
    let mut swept = 0;
    loop {
        let batch = transact!(db, |tx| -> Result<u64, Error> {
            Ok(execute!(
                tx,
                sqlx::query(
                    "DELETE FROM password_resets WHERE token_hash IN (SELECT token_hash \
                     FROM password_resets WHERE expires_at <= $1 ORDER BY expires_at LIMIT 500)",
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

#[cfg(test)]
mod tests {
    use techcommerce_testkit::on_both_engines;

    use super::*;
    use crate::{MIGRATOR, accounts::tests::account, token};

    on_both_engines! { MIGRATOR;
        /// Once, and not after its time.
        async fn a_token_is_good_once(db: TestDb) {
            let (env, clock) = techcommerce_testkit::env();
            let id = account(&db, &env, "jo@example.com").await;
            let keep = async |name| {
                let token = token::hash(name);
                transact!(db, |tx| -> Result<(), Error> { insert(tx, &env, &token, id, LIFETIME).await })
                    .unwrap();
                token
            };
            let take_now = async |token: &TokenHash| {
                transact!(db, |tx| -> Result<Option<Uuid>, Error> {
                    take(tx, token, env.now()).await
                })
                .unwrap()
            };
            let (one, two) = (keep("one").await, keep("two").await);
            let found = peek(&db, &one, env.now()).await.unwrap().unwrap();
            assert_eq!(found, id);
            assert_eq!(take_now(&one).await, Some(id));
            assert_eq!(take_now(&one).await, None);
            assert!(peek(&db, &one, env.now()).await.unwrap().is_none());
            clock.advance(LIFETIME);
            assert_eq!(take_now(&two).await, None);
            assert!(peek(&db, &two, env.now()).await.unwrap().is_none());
            assert_eq!(sweep(&db, env.now()).await.unwrap(), 1);
            assert_eq!(sweep(&db, env.now()).await.unwrap(), 0);
        }
    }
}
