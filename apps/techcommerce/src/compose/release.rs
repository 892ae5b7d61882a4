//! What a service adds to its health for those inside: which program it is, and how far its schema.

use serde_json::{Map, Value, json};
use techcommerce_runtime::Module;
use techcommerce_store::Db;

use crate::ground::{COMMIT, Ground};

/// The module, whose `/health` tells it.
pub fn told(ground: &Ground, module: Module) -> Module {
    let stores = ground.stores.clone();
    let service = module.service;
    let health = module.health.with_extra(move || {
        let stores = stores.clone();
        async move {
            let mut members = Map::new();
            members.insert("version".into(), env!("CARGO_PKG_VERSION").into());
            members.insert("commit".into(), COMMIT.into());
            let own = stores.all().find(|(of, ..)| *of == service);
            if let Some((_, db, migrator)) = own
                && let Ok(state) = db.schema_state(migrator).await
            {
                let schema = json!({
                    "database": database(db),
                    "at": state.at,
                    "needed": state.needed,
                    "ahead": state.ahead,
                });
                members.insert("schema".into(), schema);
            }
            members
        }
    });
    Module { health, ..module }
}

fn database(db: &Db) -> Value {
    match db {
        Db::Postgres(_) => "PostgreSQL".into(),
        Db::Sqlite { .. } => "SQLite".into(),
    }
}
