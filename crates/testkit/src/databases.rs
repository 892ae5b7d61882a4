//! A database of its own for each test, on either engine.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;

use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};
use techcommerce_store::{Db, Dialect, PostgresOptions};
use techcommerce_testservers::{Kind, url};
use tempfile::TempDir;

/// The schema that a migrated test database's tables are in.
const SCHEMA: &str = "test";

/// Enough for a test that races, few enough for many tests at once.
const MAX_CONNECTIONS: u32 = 8;

/// A migrated database that no other test sees; it goes when the value does.
#[derive(Debug)]
pub struct TestDb {
    db: Db,
    // Fields are dropped in this order: first our connections, then what they led to.
    _home: Home,
}

#[derive(Debug)]
enum Home {
    Postgres { _database: Box<PostgresDatabase> },
    Sqlite { _folder: TempDir },
}

/// One migrated database of each engine: SQLite, then PostgreSQL.
///
/// # Panics
/// As [`TestDb::new`].
pub async fn databases(migrator: &Migrator) -> Vec<TestDb> {
    vec![
        TestDb::new(Dialect::Sqlite, migrator).await,
        TestDb::new(Dialect::Postgres, migrator).await,
    ]
}

impl TestDb {
    /// A migrated database of one engine.
    ///
    /// # Panics
    /// PostgreSQL is not installed (the message says what to install), or a migration fails.
    pub async fn new(dialect: Dialect, migrator: &Migrator) -> Self {
        match dialect {
            Dialect::Postgres => {
                let database = PostgresDatabase::migrated(migrator).await;
                Self {
                    db: open(database.options.clone()),
                    _home: Home::Postgres {
                        _database: Box::new(database),
                    },
                }
            }
            Dialect::Sqlite => {
                let folder = crate::folder();
                let db = Db::open_sqlite(&folder.path().join("test.db"))
                    .await
                    .expect("a SQLite file");
                db.migrate(migrator).await.expect("the migrations run");
                Self {
                    db,
                    _home: Home::Sqlite { _folder: folder },
                }
            }
        }
    }

    /// The database, for what keeps a `Db` of its own; it must not outlive this value.
    #[must_use]
    pub fn db(&self) -> Db {
        self.db.clone()
    }
}

impl Deref for TestDb {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

fn open(connect: PgConnectOptions) -> Db {
    Db::open_postgres(PostgresOptions::new(connect, SCHEMA, MAX_CONNECTIONS))
}

/// A database on the tests' PostgreSQL server; dropped with the value, whoever is connected.
#[derive(Debug)]
pub struct PostgresDatabase {
    name: String,
    url: String,
    server: PgConnectOptions,
    options: PgConnectOptions,
}

impl PostgresDatabase {
    /// An empty database, for a program that migrates by itself.
    ///
    /// # Panics
    /// PostgreSQL is not installed (the message says what to install).
    pub async fn empty() -> Self {
        Self::create(None).await
    }

    async fn migrated(migrator: &Migrator) -> Self {
        let template = template(migrator).await;
        Self::create(Some(&template)).await
    }

    async fn create(template: Option<&str>) -> Self {
        let (address, server) = server();
        let name = format!("test_{}", random_name());
        let from = template.unwrap_or("template0");
        let mut admin = connect(&server).await;
        run(
            &mut admin,
            format!("CREATE DATABASE {name} TEMPLATE {from}"),
        )
        .await;
        let _ = admin.close().await;
        let url = match address.rsplit_once('/') {
            Some((base, _)) => format!("{base}/{name}"),
            None => address,
        };
        Self {
            options: server.clone().database(&name),
            name,
            url,
            server,
        }
    }

    /// The database's address with user and password.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let server = self.server.clone();
        // The test's own runtime may be ending, so this takes a thread and a runtime of its own.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let mut admin = server.connect().await?;
                admin.execute(AssertSqlSafe(sql)).await?;
                anyhow::Ok(())
            })
        })
        .join();
        if !matches!(dropped, Ok(Ok(()))) {
            eprintln!("{} stays behind: {dropped:?}", self.name);
        }
    }
}

/// The migrated database that others are copied from; made once for each set of migrations.
async fn template(migrator: &Migrator) -> String {
    let mut hasher = DefaultHasher::new();
    for migration in migrator.iter() {
        migration.version.hash(&mut hasher);
        migration.checksum.hash(&mut hasher);
    }
    let name = format!("template_{:016x}", hasher.finish());
    let (_, server) = server();
    let mut admin = connect(&server).await;
    if is_ready(&mut admin, &name).await {
        return name;
    }
    // Test processes run side by side; the first one makes it.
    run(&mut admin, "SELECT pg_advisory_lock(7261)".to_owned()).await;
    if !is_ready(&mut admin, &name).await {
        run(
            &mut admin,
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        )
        .await;
        run(
            &mut admin,
            format!("CREATE DATABASE {name} TEMPLATE template0"),
        )
        .await;
        let db = open(server.database(&name));
        db.migrate(migrator).await.expect("the migrations run");
        db.close().await;
        // Only a finished one may be copied, and nobody may be connected to it meanwhile.
        run(
            &mut admin,
            format!("ALTER DATABASE {name} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false"),
        )
        .await;
    }
    // Closing gives the lock back.
    let _ = admin.close().await;
    name
}

async fn is_ready(admin: &mut PgConnection, name: &str) -> bool {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate)",
    )
    .bind(name)
    .fetch_one(admin)
    .await
    .expect("PostgreSQL answers")
}

fn server() -> (String, PgConnectOptions) {
    let address = url(Kind::Postgres).unwrap_or_else(|error| panic!("{error}"));
    let options = address
        .parse::<PgConnectOptions>()
        .expect("an address of PostgreSQL")
        .disable_statement_logging();
    (address, options)
}

async fn connect(options: &PgConnectOptions) -> PgConnection {
    options
        .connect()
        .await
        .expect("the tests' PostgreSQL answers")
}

async fn run(admin: &mut PgConnection, sql: String) {
    admin
        .execute(AssertSqlSafe(sql.as_str()))
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn random_name() -> String {
    techcommerce_kernel::Env::system()
        .random_bytes::<8>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Makes two tests of each function, `name::sqlite` and `name::postgres`, that each get a
/// migrated [`TestDb`]: `on_both_engines! { MIGRATOR; async fn name(db: TestDb) { … } }`.
///
/// The functions may return a `Result`.
#[macro_export]
macro_rules! on_both_engines {
    ($migrator:expr; $(
        $(#[doc = $doc:literal])*
        async fn $name:ident($db:ident: TestDb) $(-> $result:ty)? $body:block
    )+) => {
        $(
            $(#[doc = $doc])*
            async fn $name($db: $crate::TestDb) $(-> $result)? $body

            mod $name {
                #[allow(unused_imports, reason = "the migrator may be named by a path")]
                use super::*;

                fn run(dialect: $crate::Dialect) $(-> $result)? {
                    $crate::tokio::runtime::Builder::new_multi_thread()
                        .worker_threads(2)
                        .enable_all()
                        .build()
                        .expect("a runtime")
                        .block_on(async {
                            let db = $crate::TestDb::new(dialect, &$migrator).await;
                            super::$name(db).await
                        })
                }

                #[test]
                fn sqlite() $(-> $result)? {
                    run($crate::Dialect::Sqlite)
                }

                #[test]
                fn postgres() $(-> $result)? {
                    run($crate::Dialect::Postgres)
                }
            }
        )+
    };
}
