//! Whether the server still works for a migration, asked by another connection.
//!
//! A statement of a migration may last for hours, so that silence says nothing. But a connection
//! may be gone without anybody being told, and whoever waits on it waits for ever: a service that
//! starts in such a moment would never serve, and the lock that its session holds would keep the
//! others from it too.

use std::{io, time::Duration};

use sqlx::{ConnectOptions, Connection, Error, PgConnection, Postgres, postgres::PgConnectOptions};
use tokio::time::{sleep, timeout};

use crate::{db::ACQUIRE_TIMEOUT, told::heard};

/// How often it is asked.
const ASK: Duration = Duration::from_secs(5);
/// A session in which nothing has run for so long is one whose answer did not arrive: a migration
/// itself pauses for less ([`Pace::longest_pause`](super::Pace) comes on top of it).
const STILL: Duration = Duration::from_secs(15);

const ME: &str = "SELECT pid, CAST(backend_start AS text) FROM pg_stat_activity
    WHERE pid = pg_backend_pid()";
/// Ended there as well: it may hold the lock for as long as the server does not notice.
const END: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid = $1 AND CAST(backend_start AS text) = $2 AND state LIKE 'idle%'
      AND clock_timestamp() - state_change > make_interval(secs => $3)";
const IS_THERE: &str = "SELECT EXISTS (SELECT FROM pg_stat_activity
    WHERE pid = $1 AND CAST(backend_start AS text) = $2)";

/// Connects, and waits no longer than one may.
pub(super) async fn connect(address: &PgConnectOptions) -> Result<PgConnection, Error> {
    let connected = timeout(ACQUIRE_TIMEOUT, address.connect()).await;
    connected.unwrap_or_else(|_| Err(lost("PostgreSQL does not answer")))
}

/// A session of the server.
pub(super) struct Session {
    address: PgConnectOptions,
    process: i32,
    /// The number of a process may be another one's later.
    begun: String,
    still: Duration,
}

impl Session {
    /// That of a connection that was made with this address, and pauses for so long at most.
    pub(super) async fn of(
        conn: &mut PgConnection,
        address: PgConnectOptions,
        pause: Duration,
    ) -> Result<Self, Error> {
        let (process, begun) = heard::<Postgres, _>(sqlx::query_as(ME).fetch_one(conn)).await?;
        Ok(Self {
            address,
            process,
            begun,
            still: STILL + pause,
        })
    }

    /// Does this work on it, until the server says that it does not work for it.
    pub(super) async fn while_it_works<T, E: From<Error>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        tokio::select! {
            biased;
            done = work => done,
            () = self.is_lost() => Err(lost("the connection to PostgreSQL is gone").into()),
        }
    }

    async fn is_lost(&self) {
        loop {
            sleep(ASK).await;
            match timeout(ACQUIRE_TIMEOUT, self.ask()).await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => return,
                // Whether the other one is gone as well is not known.
                Ok(Err(error)) => tracing::debug!(%error, "the migration cannot be asked about"),
                Err(_) => tracing::debug!("PostgreSQL does not say what the migration does"),
            }
        }
    }

    /// Whether it is there and works.
    async fn ask(&self) -> Result<bool, Error> {
        let mut conn = self.address.connect().await?;
        let ended: Option<bool> = sqlx::query_scalar(END)
            .bind(self.process)
            .bind(&self.begun)
            .bind(self.still.as_secs_f64())
            .fetch_optional(&mut conn)
            .await?;
        let works = match ended {
            Some(_) => false,
            None => {
                sqlx::query_scalar(IS_THERE)
                    .bind(self.process)
                    .bind(&self.begun)
                    .fetch_one(&mut conn)
                    .await?
            }
        };
        conn.close().await?;
        Ok(works)
    }
}

fn lost(why: &str) -> Error {
    Error::Io(io::Error::new(io::ErrorKind::TimedOut, why))
}
