//! Telling other processes that there is something to do.

use std::time::Duration;

use sqlx::{
    Executor, Postgres,
    postgres::{PgListener, PgPoolOptions},
};

use crate::{Db, StoreError, told::heard, with};

/// One channel for all; what is said is the schema that has the work.
const CHANNEL: &str = "techcommerce_work";
/// A line that is silent for so long is tried: a broken one is silent too.
const SILENCE: Duration = Duration::from_secs(60);

/// Hears what [`Db::notify`] says elsewhere.
#[derive(Debug)]
pub struct Listening {
    listener: PgListener,
    schema: String,
}

impl Db {
    /// Tells whoever listens that the database has work. Call it after the commit, beside the
    /// request: a transaction that notifies commits under a lock of the whole database, and
    /// would have all checkouts commit one after the other.
    pub async fn notify(&self) -> Result<(), StoreError> {
        let Self::Postgres(postgres) = self else {
            return Ok(());
        };
        let mut conn = self.read().await?;
        with!(conn, |c| sqlx::query("SELECT pg_notify($1, $2)")
            .bind(CHANNEL)
            .bind(postgres.schema())
            .execute(c)
            .await
            .map(drop))
    }

    /// Listens, on a connection of its own to the server itself. None where nobody else writes.
    pub async fn listen(&self) -> Result<Option<Listening>, StoreError> {
        let Self::Postgres(postgres) = self else {
            return Ok(None);
        };
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(postgres.direct());
        let mut listener = PgListener::connect_with(&pool).await?;
        // Whoever listens is told of a lost connection, not of a new one only.
        listener.eager_reconnect(false);
        heard::<Postgres, _>(listener.listen(CHANNEL)).await?;
        Ok(Some(Listening {
            listener,
            schema: postgres.schema().to_owned(),
        }))
    }
}

impl Listening {
    /// Waits until something is said of this database.
    ///
    /// # Errors
    /// The connection is lost: what was said meanwhile was not heard. Listen anew.
    pub async fn heard(&mut self) -> Result<(), StoreError> {
        loop {
            match tokio::time::timeout(SILENCE, self.listener.try_recv()).await {
                Ok(Ok(Some(said))) if said.payload() == self.schema => return Ok(()),
                Ok(Ok(Some(_))) => {}
                Ok(Ok(None)) => return Err(StoreError::from(sqlx::Error::WorkerCrashed)),
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => {
                    heard::<Postgres, _>(self.listener.execute("SELECT 1")).await?;
                }
            }
        }
    }
}
