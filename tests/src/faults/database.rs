//! PostgreSQL with one server that follows in step: what is acknowledged is on both.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use techcommerce_testkit::{Kind, folder, start_with};
use tokio::time::{Instant, sleep, timeout};

use crate::replica::Replica;
use crate::small_disk::{mount, unmount};

/// Everything of a server fits into it several times over; what it is filled up with counts too.
const DISK: &str = "size=320m,mode=0700";
const PATIENCE: Duration = Duration::from_secs(60);

/// A server, whose files are on a small disk of their own where we may mount one.
struct Node {
    server: Replica,
    disk: bool,
}

impl Node {
    /// A copy of the server at `url`, which follows it.
    fn of(url: &str) -> Result<Self> {
        let home = folder();
        let disk = mount(home.path(), DISK);
        // What is acknowledged was written, here and there. That the machine dies is no fault of
        // ours, so that nothing has to reach a disk.
        let server = Replica::made_in(
            home,
            url,
            "-c synchronous_commit=on -c wal_level=replica -c max_wal_senders=8 \
             -c max_wal_size=64MB -c min_wal_size=32MB -c shared_buffers=32MB \
             -c hot_standby=on -c wal_receiver_status_interval=1 \
             -c wal_retrieve_retry_interval=200ms",
        )?;
        Ok(Self { server, disk })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.server.stop();
        if self.disk {
            unmount(self.server.home());
        }
    }
}

/// The server that is asked, and the one that follows.
pub struct Database {
    /// User, password and database; the place is that of a server that is gone.
    pattern: String,
    main: Node,
    follower: Option<Node>,
}

impl Database {
    pub async fn start() -> Result<Self> {
        let wal = ["wal_level=replica", "max_wal_senders=4"];
        let first = start_with(Kind::Postgres, &wal)?;
        let main = Node::of(first.url())?;
        main.server.control(&["promote", "-w"], &[])?;
        let mut database = Self {
            pattern: first.url().to_owned(),
            main,
            follower: None,
        };
        database.follow().await?;
        Ok(database)
    }

    pub fn address(&self) -> SocketAddr {
        self.main.server.address
    }

    /// Of the server that is asked, without anything between.
    pub fn url(&self) -> Result<String> {
        self.main.server.url(&self.pattern)
    }

    pub async fn connect(&self) -> Result<PgConnection> {
        let options: PgConnectOptions = self.url()?.parse()?;
        let connecting = PgConnection::connect_with(&options);
        Ok(timeout(Duration::from_secs(10), connecting).await??)
    }

    async fn execute(&self, statement: &str) -> Result<()> {
        let mut conn = self.connect().await?;
        let statement = AssertSqlSafe(statement.to_owned());
        sqlx::raw_sql(statement).execute(&mut conn).await?;
        Ok(conn.close().await?)
    }

    /// Makes a server that follows in step, and waits until it does.
    pub async fn follow(&mut self) -> Result<()> {
        let url = self.url()?;
        let follower = tokio::task::spawn_blocking(move || Node::of(&url)).await??;
        self.follower = Some(follower);
        self.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            .await?;
        self.execute("SELECT pg_reload_conf()").await?;
        let end = Instant::now() + PATIENCE;
        loop {
            let mut conn = self.connect().await?;
            let sql = "SELECT COUNT(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
            let count: i64 = sqlx::query_scalar(sql).fetch_one(&mut conn).await?;
            if count > 0 {
                return Ok(());
            }
            ensure!(Instant::now() < end, "nobody follows in step");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends at once: no connection is told, nothing is written down.
    pub fn stop(&self) -> Result<()> {
        self.main.server.stop()
    }

    /// Starts again after [`Self::stop`], also where it ended by itself.
    pub fn start_again(&self) -> Result<()> {
        self.main
            .server
            .control(&["restart", "-w", "-t", "60"], &[])
    }

    /// Whether the server that is asked answers.
    pub async fn answers(&self) -> bool {
        self.execute("SELECT 1").await.is_ok()
    }

    /// The one that follows takes the place of one that is stopped.
    pub fn fail_over(&mut self) -> Result<()> {
        let follower = self.follower.take().context("a server that follows")?;
        follower
            .server
            .control(&["promote", "-w", "-t", "60"], &[])?;
        self.main = follower;
        Ok(())
    }

    /// Ends all connections but one's own.
    pub async fn cut(&self) -> Result<()> {
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
        )
        .await
    }

    /// Whether it has a disk of its own.
    pub fn has_disk(&self) -> bool {
        self.main.disk
    }

    /// Takes all that is left on the disk, or gives it back.
    pub fn fill_disk(&self, full: bool) -> Result<()> {
        super::deeds::fill(self.main.server.home(), full)
    }
}
