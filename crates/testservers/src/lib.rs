//! Throw-away PostgreSQL, Redis and S3 servers for tests.
//!
//! Two callers, one code path: `xtask` starts its own for a whole run ([`start`]), and a
//! test that is run by hand finds or starts a shared one ([`url`]). The standard library
//! alone, so that `xtask` builds in seconds.
//!
//! Nothing is leaked: a watchdog process stops each server and removes its files when the run
//! that owns it is gone, or when nobody has asked for the shared one for [`IDLE_MINUTES`].

#![allow(
    clippy::disallowed_methods,
    reason = "test tooling reads its own environment variables"
)]

mod alertmanager;
mod daemon;
mod debian;
mod host;
mod monitoring;
mod pgbouncer;
mod postgres;
mod redis;
mod s3;
mod shared;

use std::io;
use std::path::{Path, PathBuf};

pub use alertmanager::Alertmanager;
pub use debian::unpack;
pub use host::{find_program, free_port, is_root};
pub use monitoring::{Prometheus, monitoring, monitoring_root};
pub use pgbouncer::Pooler;
pub use postgres::BIN as POSTGRES_BIN;

/// The shared servers stop after this long without a new user.
pub const IDLE_MINUTES: u32 = 20;

/// A server that tests need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// PostgreSQL 15 or later; the address is of the superuser on the database `postgres`.
    Postgres,
    /// Redis 7 or later, without persistence, with [`REDIS_DATABASES`] databases.
    Redis,
    /// An S3 server with the bucket [`S3_BUCKET`]; the address has the access key and the secret
    /// key before the `@`.
    S3,
}

/// The bucket of a throw-away S3 server.
pub const S3_BUCKET: &str = "shop";

/// How many numbered databases a throw-away Redis has: enough that no two tests share one.
pub const REDIS_DATABASES: u32 = 4096;

impl Kind {
    /// The environment variable that names a running server for tests.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "TECHCOMMERCE_TEST_POSTGRES",
            Self::Redis => "TECHCOMMERCE_TEST_REDIS",
            Self::S3 => "TECHCOMMERCE_TEST_S3",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::S3 => "s3",
        }
    }

    /// Where the server's program is, or what to run to get it.
    ///
    /// # Errors
    /// `NotFound` with the command that installs it.
    pub fn program(self) -> io::Result<PathBuf> {
        match self {
            Self::Postgres => postgres::bin().map(|bin| bin.join("postgres")),
            Self::Redis => redis::program(),
            Self::S3 => s3::program(),
        }
    }
}

/// A running server that this process owns; dropping it stops it and removes its files.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    url: String,
    home: PathBuf,
    owned: bool,
}

impl Server {
    /// Address with password, for the server's [`Kind::variable`].
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The server's files: its log is `server.log`.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }
}

impl Server {
    /// Ends the server and keeps its files, for [`Server::resume`]. What it held in memory alone
    /// is gone.
    ///
    /// # Errors
    /// It does not end.
    pub fn halt(&self) -> io::Result<()> {
        host::halt(self.kind, &self.home)
    }

    /// Starts it again at the same address, after [`Server::halt`].
    ///
    /// # Errors
    /// It does not start.
    pub fn resume(&self) -> io::Result<()> {
        match self.kind {
            Kind::Postgres => postgres::resume(&self.home),
            Kind::Redis => redis::resume(&self.home),
            Kind::S3 => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Lets it hang: connections stay open and nothing is answered, until [`Server::thaw`]. For
    /// servers of one process, as Redis.
    ///
    /// # Errors
    /// It is not there.
    pub fn freeze(&self) -> io::Result<()> {
        host::signal(self.kind, &self.home, "STOP")
    }

    /// Lets it go on after [`Server::freeze`].
    ///
    /// # Errors
    /// It is not there.
    pub fn thaw(&self) -> io::Result<()> {
        host::signal(self.kind, &self.home, "CONT")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.owned {
            // The watchdog does the same again should this fail.
            let _ = host::stop(self.kind, &self.home);
        }
    }
}

/// Starts a server that lives as long as the returned value, at most as long as this process.
///
/// # Errors
/// The program is missing (the message says how to install it) or does not start (the message
/// has the end of its log).
pub fn start(kind: Kind) -> io::Result<Server> {
    start_with(kind, &[])
}

/// Another S3 server with keys of its own, for what `server` holds, as a store that has changed its
/// keys.
///
/// # Errors
/// As [`start`].
pub fn start_beside(server: &Server) -> io::Result<Server> {
    watched(owned(Kind::S3, s3::launch_beside(server.home())?))
}

/// As [`start`]; PostgreSQL with settings (`name=value`) on top of ours, the last being right.
///
/// # Errors
/// As [`start`].
pub fn start_with(kind: Kind, settings: &[&str]) -> io::Result<Server> {
    watched(launch(kind, settings)?)
}

/// Sees to it that the server ends with this process at the latest.
fn watched(server: Server) -> io::Result<Server> {
    let ends = host::Until::ProcessEnds(std::process::id());
    host::watch(server.kind, server.home(), &ends)?;
    Ok(server)
}

/// A PostgreSQL whose programs stand in `bin`, in place of the system's own; [`POSTGRES_BIN`] lets the tests
/// start more of the same.
///
/// # Errors
/// As [`start`].
pub fn start_postgres_by(bin: &Path) -> io::Result<Server> {
    watched(owned(Kind::Postgres, postgres::launch_by(bin, &[])?))
}

/// The address of a server for tests: from the environment, else of a shared throw-away one
/// that is started when there is none.
///
/// # Errors
/// As [`start`].
pub fn url(kind: Kind) -> io::Result<String> {
    match std::env::var(kind.variable()) {
        Ok(url) if !url.is_empty() => Ok(url),
        _ => shared::url(kind),
    }
}

fn launch(kind: Kind, settings: &[&str]) -> io::Result<Server> {
    let launched = match kind {
        Kind::Postgres => postgres::launch(settings)?,
        Kind::Redis => redis::launch()?,
        Kind::S3 => s3::launch()?,
    };
    Ok(owned(kind, launched))
}

fn owned(kind: Kind, (url, home): (String, PathBuf)) -> Server {
    Server {
        kind,
        url,
        home,
        owned: true,
    }
}
