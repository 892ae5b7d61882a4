//! One SQL text for two databases.
//!
//! A [`Db`] is a pool of PostgreSQL connections, or a SQLite file with one writer and several
//! readers. [`with!`] runs a statement on whichever it is: its expression is compiled once for
//! each engine, so that types are checked for both and nothing is decided by strings at run time.
//! [`transact!`] runs a block as one transaction and repeats it when the database could not
//! serialise it.
//!
//! ```ignore
//! let mut conn = db.read().await?;
//! let title: Option<String> = with!(conn, |c| {
//!     sqlx::query_scalar("SELECT title FROM products WHERE id = $1").bind(id).fetch_optional(c).await
//! })?;
//! transact!(db, |tx| -> Result<(), Error> {
//!     with!(tx, |c| sqlx::query("UPDATE …").bind(id).execute(c).await)?;
//!     Ok(())
//! })
//! ```
//!
//! The rules that keep it one text are in `docs/database.md`; where the engines really differ,
//! [`dialect`] has it.

mod chain;
mod conn;
mod counts;
mod db;
pub mod dialect;
mod error;
mod lease;
mod measured;
mod migrate;
mod notify;
mod postgres;
mod replica;
mod roles;
mod room;
mod schema;
mod snapshot;
mod tables;
mod told;
mod transact;
mod turnover;
mod waiting;

pub use chain::Chain;
pub use conn::{Conn, Engine};
pub use db::Db;
pub use dialect::Dialect;
pub use error::{Retry, StoreError};
pub use measured::StoreMetrics;
pub use migrate::{
    Ahead, Class, Effect, Lock, Manner, MigrationError, Pace, Pending, Plan, Script,
    Told as MigrationTold, Touched, Trouble, Version, effects,
};
pub use notify::Listening;
pub use postgres::{Place, Postgres, PostgresOptions, Source};
pub use replica::ReplicaLag;
pub use roles::{Role, make_roles};
pub use room::Turn;
pub use schema::SchemaState;
pub use snapshot::{Copying, Snapshot, seal};
pub use tables::with_tables;
pub use told::Told;
pub use transact::{Attempts, typed};

/// Runs a statement on the connection's engine.
///
/// `with!(conn, |c| EXPR)`: `EXPR` is compiled for both engines and gives a
/// `Result<T, sqlx::Error>` with the same `T` on both (map `execute` to `rows_affected()` if you
/// need it). Gives `Result<T, StoreError>`.
#[macro_export]
macro_rules! with {
    ($conn:expr, |$c:ident| $body:expr) => {{
        let done = match $conn.engine() {
            $crate::Engine::Postgres($c) => $body.map_err($crate::StoreError::from),
            $crate::Engine::Sqlite($c) => $body.map_err($crate::StoreError::from),
        };
        match &done {
            Ok(_) => $conn.ended(),
            Err(error) => $conn.failed(error),
        }
        done
    }};
}

/// Runs `execute` and gives the number of rows that it touched.
#[macro_export]
macro_rules! execute {
    ($conn:expr, $query:expr) => {
        $crate::with!($conn, |c| $query
            .execute(c)
            .await
            .map(|done| done.rows_affected()))
    };
}

/// Runs a block as one transaction: `transact!(db, |tx| -> Result<T, E> { … })`.
///
/// Inside, `tx` is a `&mut Conn`. `Ok` commits, `Err` rolls back. When the database could not
/// serialise it, the whole block runs again (up to ten times, with a short random pause), so it
/// may do nothing but SQL. `E` is the kernel's `Error` or [`StoreError`].
#[macro_export]
macro_rules! transact {
    ($db:expr, |$tx:ident| -> $result:ty $body:block) => {
        $crate::transact!(@ $db.begin(), |$tx| -> $result $body)
    };
    (@ $connect:expr, |$tx:ident| -> $result:ty $body:block) => {{
        let mut attempts = $crate::Attempts::default();
        loop {
            let mut conn = match $connect.await {
                Ok(conn) => conn,
                Err(error) => break <$result>::Err(error.into()),
            };
            let outcome = $crate::typed::<$result, _>(async {
                let $tx = &mut conn;
                $body
            })
            .await;
            let outcome = match outcome {
                Ok(value) => conn.commit().await.map(|()| value).map_err(Into::into),
                Err(error) => {
                    conn.rollback().await;
                    Err(error)
                }
            };
            match outcome {
                Err(error) if attempts.again(&error).await => {}
                outcome => break outcome,
            }
        }
    }};
}

/// Runs a block of one statement that is a transaction by itself, without `BEGIN` and `COMMIT`:
/// `single!(db, |conn| -> Result<T, E> { … })`. Repeated as [`transact!`] is.
#[macro_export]
macro_rules! single {
    ($db:expr, |$conn:ident| -> $result:ty $body:block) => {
        $crate::transact!(@ $db.single(), |$conn| -> $result $body)
    };
}
