//! One text of migrations makes the same tables in both databases.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use sqlx::{Connection, PgConnection, SqliteConnection};

use crate::shop::{Engine, Shop};

/// A service's tables, each as lines that say what its columns and indexes are.
type Schema = BTreeMap<String, BTreeSet<String>>;

/// Started once on each, the shop has the same tables, columns, types and indexes on both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_databases_have_the_same_tables() -> Result<()> {
    let (on_sqlite, on_postgres) =
        tokio::try_join!(Shop::start(Engine::Sqlite), Shop::start(Engine::Postgres))?;
    let sqlite = sqlite_schemas(&on_sqlite).await?;
    let postgres = postgres_schemas(&on_postgres).await?;
    ensure!(!sqlite.is_empty(), "no databases");
    let names = |schemas: &BTreeMap<String, Schema>| schemas.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&sqlite), names(&postgres));
    for (service, tables) in &sqlite {
        let others = &postgres[service];
        let names = |schema: &Schema| schema.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(tables), names(others), "{service}");
        for (table, lines) in tables {
            assert_eq!(lines, &others[table], "{service}.{table}");
        }
    }
    Ok(())
}

async fn sqlite_schemas(shop: &Shop) -> Result<BTreeMap<String, Schema>> {
    let mut schemas = BTreeMap::new();
    for file in std::fs::read_dir(shop.setup.data())? {
        let path = file?.path();
        if path.extension().is_none_or(|kind| kind != "db") {
            continue;
        }
        let service = path.file_stem().and_then(|stem| stem.to_str());
        let service = service.context("a name")?.replace('-', "_");
        let mut database =
            SqliteConnection::connect(&format!("sqlite://{}?mode=ro", path.display())).await?;
        schemas.insert(service, sqlite_schema(&mut database).await?);
    }
    Ok(schemas)
}

async fn sqlite_schema(database: &mut SqliteConnection) -> Result<Schema> {
    let mut schema = Schema::new();
    let columns: Vec<(String, String, String, bool)> = sqlx::query_as(
        "SELECT t.name, c.name, lower(c.type), c.\"notnull\" OR c.pk > 0
         FROM sqlite_master t JOIN pragma_table_info(t.name) c
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut *database)
    .await?;
    for (table, column, kind, required) in columns {
        let line = column_line(&column, &kind, required);
        schema.entry(table).or_default().insert(line);
    }
    let indexes: Vec<(String, String, bool)> = sqlx::query_as(
        "SELECT t.name, i.name, i.\"unique\"
         FROM sqlite_master t JOIN pragma_index_list(t.name) i
         WHERE t.type = 'table' AND i.origin = 'c'",
    )
    .fetch_all(database)
    .await?;
    for (table, index, unique) in indexes {
        let line = index_line(&index, unique);
        schema.entry(table).or_default().insert(line);
    }
    Ok(schema)
}

async fn postgres_schemas(shop: &Shop) -> Result<BTreeMap<String, Schema>> {
    let url = shop.setup.database_url().context("a shop on PostgreSQL")?;
    let mut database = PgConnection::connect(url).await?;
    let mut schemas: BTreeMap<String, Schema> = BTreeMap::new();
    let columns: Vec<(String, String, String, String, bool)> = sqlx::query_as(
        "SELECT table_schema::text, table_name::text, column_name::text, data_type::text,
                is_nullable = 'NO'
         FROM information_schema.columns
         WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
           AND table_name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut database)
    .await?;
    for (service, table, column, kind, required) in columns {
        let line = column_line(&column, &kind, required);
        let schema = schemas.entry(service).or_default();
        schema.entry(table).or_default().insert(line);
    }
    // Those that a primary key or a UNIQUE makes have names of each database's own.
    let indexes: Vec<(String, String, String, bool)> = sqlx::query_as(
        "SELECT n.nspname::text, t.relname::text, x.relname::text, i.indisunique
         FROM pg_index i
         JOIN pg_class t ON t.oid = i.indrelid
         JOIN pg_class x ON x.oid = i.indexrelid
         JOIN pg_namespace n ON n.oid = t.relnamespace
         WHERE n.nspname NOT LIKE 'pg\\_%'
           AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = x.oid AND c.contype IN ('p', 'u'))",
    )
    .fetch_all(&mut database)
    .await?;
    for (service, table, index, unique) in indexes {
        let line = index_line(&index, unique);
        let schema = schemas.entry(service).or_default();
        schema.entry(table).or_default().insert(line);
    }
    Ok(schemas)
}

fn column_line(column: &str, kind: &str, required: bool) -> String {
    let null = if required { "not null" } else { "null" };
    format!("column {column} {kind} {null}")
}

fn index_line(index: &str, unique: bool) -> String {
    let kind = if unique { "unique index" } else { "index" };
    format!("{kind} {index}")
}
