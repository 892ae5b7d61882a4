//! One role and one schema for each service: made once, with rights of their own alone.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, postgres::PgConnectOptions,
};
use techcommerce_kernel::{Env, Error};

use crate::{StoreError, postgres::SESSION};

/// Held while roles are made, on the database that the admin's address names.
const LOCK: i64 = 0x7465_6368_636f_6d6d;
/// PostgreSQL's own number of rounds.
const ROUNDS: u32 = 4096;

/// A service's role, and the schema that is its alone.
pub struct Role {
    /// Its name.
    pub name: String,
    /// What it signs in with.
    pub password: String,
    /// The database that the schema is in.
    pub database: String,
    /// The schema.
    pub schema: String,
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Role")
            .field("name", &self.name)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// Makes the roles, their databases and their schemas that are not there yet, gives them what is
/// theirs, and sets their passwords. Doing it again changes nothing, and of two at once one waits.
///
/// # Errors
/// The admin cannot sign in or lacks a right; a role is the admin itself or a superuser, which no
/// service is to be.
pub async fn make_roles(admin: &PgConnectOptions, roles: &[Role], env: &Env) -> Result<(), Error> {
    // No statement of these is to stand in a log.
    let admin = admin.clone().disable_statement_logging();
    let mut conn = open(&admin).await?;
    run(&mut conn, format!("SELECT pg_advisory_lock({LOCK})")).await?;
    for role in roles {
        make_role(&mut conn, role, env).await?;
        make_database(&mut conn, role).await?;
        let mut there = open(&admin.clone().database(&role.database)).await?;
        make_schema(&mut there, role).await?;
        there.close().await.map_err(StoreError::from)?;
    }
    // Closing gives the lock back.
    Ok(conn.close().await.map_err(StoreError::from)?)
}

async fn open(options: &PgConnectOptions) -> Result<PgConnection, Error> {
    Ok(options.connect().await.map_err(StoreError::from)?)
}

async fn make_role(conn: &mut PgConnection, role: &Role, env: &Env) -> Result<(), Error> {
    let (admin, admin_is_super): (String, bool) =
        sqlx::query_as("SELECT rolname::text, rolsuper FROM pg_roles WHERE rolname = current_user")
            .fetch_one(&mut *conn)
            .await
            .map_err(StoreError::from)?;
    let is_super: Option<bool> =
        sqlx::query_scalar("SELECT rolsuper FROM pg_roles WHERE rolname = $1")
            .bind(&role.name)
            .fetch_optional(&mut *conn)
            .await
            .map_err(StoreError::from)?;
    if admin == role.name || is_super == Some(true) {
        return Err(Error::invalid(
            "configuration",
            format!(
                "{} administers the database: the schema {} needs a role of its own. Name another in \
                 the address of its database; it is made if it is not there.",
                role.name, role.schema
            ),
        ));
    }
    let name = quoted(&role.name);
    let password = verifier(&role.password, env).replace('\'', "''");
    let sql = match is_super {
        None => format!(
            "CREATE ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD '{password}'"
        ),
        Some(_) => format!("ALTER ROLE {name} LOGIN PASSWORD '{password}'"),
    };
    run(conn, sql).await?;
    if !admin_is_super {
        // Whoever is no superuser hands over only what it could own itself.
        run(conn, format!("GRANT {name} TO CURRENT_USER")).await?;
    }
    Ok(())
}

async fn make_database(conn: &mut PgConnection, role: &Role) -> Result<(), Error> {
    let (name, database) = (quoted(&role.name), quoted(&role.database));
    let there: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
            .bind(&role.database)
            .fetch_one(&mut *conn)
            .await
            .map_err(StoreError::from)?;
    if !there {
        run(conn, format!("CREATE DATABASE {database}")).await?;
    }
    let connects: bool = sqlx::query_scalar("SELECT has_database_privilege($1, $2, 'CONNECT')")
        .bind(&role.name)
        .bind(&role.database)
        .fetch_one(&mut *conn)
        .await
        .map_err(StoreError::from)?;
    if !connects {
        run(
            conn,
            format!("GRANT CONNECT ON DATABASE {database} TO {name}"),
        )
        .await?;
    }
    // What a connection through a pooler cannot say for itself.
    let schema = quoted(&role.schema);
    let search_path = [("search_path", schema)].into_iter();
    let others = SESSION.map(|(key, value)| (key, format!("'{value}'")));
    for (key, value) in search_path.chain(others) {
        let sql = format!("ALTER ROLE {name} IN DATABASE {database} SET {key} = {value}");
        run(conn, sql).await?;
    }
    Ok(())
}

async fn make_schema(conn: &mut PgConnection, role: &Role) -> Result<(), Error> {
    let (name, schema) = (quoted(&role.name), quoted(&role.schema));
    let owner: Option<String> = sqlx::query_scalar(
        "SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = $1",
    )
    .bind(&role.schema)
    .fetch_optional(&mut *conn)
    .await
    .map_err(StoreError::from)?;
    match owner {
        None => run(conn, format!("CREATE SCHEMA {schema} AUTHORIZATION {name}")).await?,
        Some(owner) if owner != role.name => {
            run(conn, format!("ALTER SCHEMA {schema} OWNER TO {name}")).await?;
        }
        Some(_) => {}
    }
    run(conn, format!("REVOKE ALL ON SCHEMA {schema} FROM PUBLIC")).await?;
    // A shop that had one role for all hands its tables over.
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND pg_get_userbyid(c.relowner) <> $2",
    )
    .bind(&role.schema)
    .bind(&role.name)
    .fetch_all(&mut *conn)
    .await
    .map_err(StoreError::from)?;
    for table in tables {
        let table = quoted(&table);
        run(
            conn,
            format!("ALTER TABLE {schema}.{table} OWNER TO {name}"),
        )
        .await?;
    }
    Ok(())
}

async fn run(conn: &mut PgConnection, sql: String) -> Result<(), Error> {
    conn.execute(AssertSqlSafe(sql))
        .await
        .map_err(StoreError::from)?;
    Ok(())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What the server keeps of a password (RFC 5803), so that the password itself is never in a
/// statement, which servers log. One that is not ASCII has to be normalised by the server.
fn verifier(password: &str, env: &Env) -> String {
    if !password.is_ascii() {
        return password.to_owned();
    }
    scram(password, &env.random_bytes::<16>())
}

fn scram(password: &str, salt: &[u8]) -> String {
    let mut block = hmac(password.as_bytes(), &[salt, &1_u32.to_be_bytes()].concat());
    let mut salted = block;
    for _ in 1..ROUNDS {
        block = hmac(password.as_bytes(), &block);
        for (sum, byte) in salted.iter_mut().zip(block) {
            *sum ^= byte;
        }
    }
    let stored: [u8; 32] = Sha256::digest(hmac(&salted, b"Client Key")).into();
    let server = hmac(&salted, b"Server Key");
    let text = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    format!(
        "SCRAM-SHA-256${ROUNDS}:{}${}:{}",
        text(salt),
        text(&stored),
        text(&server)
    )
}

/// RFC 2104 with SHA-256.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    match key.len() > block.len() {
        true => block[..32].copy_from_slice(&Sha256::digest(key)),
        false => block[..key.len()].copy_from_slice(key),
    }
    let inner = Sha256::new()
        .chain_update(block.map(|byte| byte ^ 0x36))
        .chain_update(message)
        .finalize();
    Sha256::new()
        .chain_update(block.map(|byte| byte ^ 0x5c))
        .chain_update(inner)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_becomes_what_the_server_makes_of_it() {
        // RFC 7677's example: password "pencil", 4096 rounds; its messages prove these keys.
        let salt = BASE64_STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let kept = scram("pencil", &salt);
        assert_eq!(
            kept,
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
             WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted("order\"api"), "\"order\"\"api\"");
    }
}
