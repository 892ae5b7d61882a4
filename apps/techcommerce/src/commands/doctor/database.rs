//! A service's database in PostgreSQL: reached, let in, and as new as this program.

use std::{fmt::Write, str::FromStr, time::Duration};

use sqlx::{Connection, PgConnection, migrate::Migrator, postgres::PgConnectOptions};
use techcommerce_config::{Secret, Settings};
use techcommerce_contracts::Service;
use tokio::time::timeout;

use super::Ill;
use crate::{reach, web::chain};

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The address of a service's database, and where it stands; `None` for SQLite.
pub fn url(settings: &Settings, service: Service) -> Option<(&Secret, String)> {
    let own = match service {
        Service::ProductApi => &settings.databases.product_api,
        Service::OrderApi => &settings.databases.order_api,
        Service::Auth => &settings.databases.auth,
        Service::Images => &settings.databases.images,
        Service::Frontend | Service::Api | Service::Worker => &None,
    };
    let (secret, key) = match (own, &settings.database_url) {
        (Some(own), _) => (
            own,
            format!("databases.{}", service.name().replace('-', "_")),
        ),
        (None, Some(shared)) => (shared, "database_url".to_owned()),
        (None, None) => return None,
    };
    let place = match secret.file() {
        Some(file) => format!("{key} ({})", file.display()),
        None => key,
    };
    Some((secret, place))
}

/// Tries it, step by step; what was found, without the password.
pub async fn examine(
    (secret, place): (&Secret, String),
    service: Service,
    migrator: &Migrator,
) -> Result<String, Ill> {
    // As it stands in its file now: a running process reads it again, too.
    let now = secret.read_again();
    let text = now.as_ref().map_or(secret.expose(), Secret::expose);
    let options = PgConnectOptions::from_str(text).map_err(|_| {
        Ill::new(
            "the address is none",
            format!("write {place} as postgres://user:password@host:5432/database"),
        )
    })?;
    let (host, port) = (options.get_host().to_owned(), options.get_port());
    let user = options.get_username().to_owned();
    let database = options.get_database().unwrap_or(&user).to_owned();
    let socket = options.get_socket().is_some() || host.starts_with('/');
    if !socket {
        reach::connect(&host, port, PATIENCE)
            .await
            .map_err(|fault| {
                let mut mend = fault.mend().to_owned();
                let _ = write!(mend, "; the address is in {place}");
                Ill::new(format!("{host}:{port}: {}", fault.says()), mend)
            })?;
    }
    let connected = timeout(PATIENCE, PgConnection::connect_with(&options)).await;
    let mut conn = match connected {
        Ok(Ok(conn)) => conn,
        Ok(Err(error)) => return Err(not_let_in(&error, &user, &database, &place)),
        Err(_late) => {
            return Err(Ill::new(
                format!("{host}:{port} takes connections and does not answer"),
                "PostgreSQL hangs, or something else listens there; look at its log",
            ));
        }
    };
    let schema = service.name().replace('-', "_");
    let state = timeout(PATIENCE, state(&mut conn, &schema, migrator)).await;
    let found = match state {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => Err(Ill::new(
            format!("its tables cannot be read: {}", chain(&error)),
            format!(
                "check that {user} owns the schema {schema}; `techcommerce migrate` with \
                     database_admin_url sees to it"
            ),
        )),
        Err(_late) => Err(Ill::new(
            "it lets us in and does not answer a question",
            "PostgreSQL is overloaded or something holds its locks; look at pg_stat_activity",
        )),
    };
    let _ = conn.close().await;
    found.map(|found| format!("{host}:{port}/{database} as {user}: {found}"))
}

/// Which of the program's migrations are there.
async fn state(
    conn: &mut PgConnection,
    schema: &str,
    migrator: &Migrator,
) -> Result<Result<String, Ill>, sqlx::Error> {
    let there: bool =
        sqlx::query_scalar("SELECT to_regclass($1 || '._sqlx_migrations') IS NOT NULL")
            .bind(schema)
            .fetch_one(&mut *conn)
            .await?;
    let needed: Vec<i64> = migrator.iter().map(|one| one.version).collect();
    let applied: Vec<i64> = match there {
        false => Vec::new(),
        true => {
            // The schema's name is one of four of ours.
            let text = format!("SELECT version FROM \"{schema}\"._sqlx_migrations WHERE success");
            let query = sqlx::query_scalar(sqlx::AssertSqlSafe(text));
            query.fetch_all(&mut *conn).await?
        }
    };
    let missing = needed.iter().filter(|one| !applied.contains(one)).count();
    let ahead = applied.iter().filter(|one| !needed.contains(one)).count();
    let mend = "run `techcommerce migrate` (in a cluster, look at the Job migrate: kubectl get jobs, \
                kubectl logs job/…)";
    Ok(match (there, missing, ahead) {
        (false, _, _) => Err(Ill::new(format!("the schema {schema} is missing"), mend)),
        (true, 0, 0) => Ok("the schema is this program's".to_owned()),
        (true, 0, newer) => Ok(format!(
            "the schema is newer than this program by {newer} migrations, which is fine"
        )),
        (true, missing, _) => Err(Ill::new(
            format!("the schema {schema} lacks {missing} migrations that this program needs"),
            mend,
        )),
    })
}

/// Why PostgreSQL did not let us in: by its code, see the appendix "PostgreSQL Error Codes" of
/// its manual.
fn not_let_in(error: &sqlx::Error, user: &str, database: &str, place: &str) -> Ill {
    let code = error.as_database_error().and_then(|error| error.code());
    let said = chain(error);
    let (what, mend) = match code.as_deref() {
        Some("28P01") => (
            format!("the password of {user} is not taken, or there is no such role"),
            format!(
                "the password in {place} is not the role's: `techcommerce migrate` with \
                 database_admin_url gives each role the password of its address; a volume of an \
                 earlier installation keeps the earlier owner's"
            ),
        ),
        Some("28000") => (
            format!("{user} is not let in"),
            "check that there is such a role, and pg_hba.conf: it may want TLS (?sslmode=require) or \
             another network"
                .to_owned(),
        ),
        Some("3D000") => (
            format!("there is no database {database}"),
            format!("make it, or name the right one in {place}"),
        ),
        Some("53300") => (
            "it has no connection free".to_owned(),
            "lower database_connections, raise max_connections, or put PgBouncer before it".to_owned(),
        ),
        Some("57P03") => (
            "it is starting or stopping".to_owned(),
            "wait; if it stays so, look at its log".to_owned(),
        ),
        _ if matches!(error, sqlx::Error::Tls(_)) => (
            "TLS fails".to_owned(),
            format!("check sslmode and sslrootcert in {place}"),
        ),
        _ => (
            "it does not let us in".to_owned(),
            format!("check {place} and PostgreSQL's log"),
        ),
    };
    Ill::new(format!("{what} ({said})"), mend)
}
