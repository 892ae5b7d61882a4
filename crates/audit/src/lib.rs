//! Who changed what, and when: the log of what staff do.
//!
//! Each service keeps the log of its own changes, in its own database: [`record`] writes an entry
//! **in the transaction of the change**, so there is no change without an entry and no entry
//! without a change. Nothing here alters or deletes an entry.
//!
//! ```ignore
//! pub static MIGRATOR: LazyLock<Migrator> =
//!     LazyLock::new(|| techcommerce_audit::with_tables(sqlx::migrate!("./migrations")));
//!
//! let entry = Entry::new(&staff, "product.update")
//!     .object("product", product.id, &product.title)
//!     .change(&json!({ "title": { "from": "Mug", "to": "Stoneware mug" } }));
//! techcommerce_audit::record(tx, &env, entry).await?;
//! ```
//!
//! What is recorded never holds a password, a token, a key or a customer's address.

use std::fmt::Display;

use serde::Serialize;
use serde_json::Value;
use sqlx::migrate::Migrator;
use techcommerce_contracts::{
    Page, Principal,
    audit::{AuditEntry, AuditQuery},
};
use techcommerce_http::cursor;
use techcommerce_kernel::{Env, Error, Timestamp, Uuid};
use techcommerce_store::{Conn, Db, execute, with};

/// Services number their migrations 1, 2, 3, …; the queue's are from 900,000 on, these from here.
const FIRST_VERSION: i64 = 910_000;

const TABLES: &[(&str, &str)] = &[("audit_log", include_str!("../migrations/audit_log.sql"))];

/// A service's migrations with the log's table added.
pub fn with_tables(own: Migrator) -> Migrator {
    techcommerce_store::with_tables(own, FIRST_VERSION, TABLES)
}

/// What happened, before it is written down.
#[derive(Debug, Clone)]
pub struct Entry {
    actor: String,
    action: &'static str,
    object: (&'static str, String, String),
    change: Value,
}

impl Entry {
    /// `who` did `action`, named as `product.update`.
    pub fn new(who: &Principal, action: &'static str) -> Self {
        Self::by(who.actor(), action)
    }

    /// As [`Entry::new`], for what already has its actor as a text, or for `system`.
    pub fn by(actor: impl Into<String>, action: &'static str) -> Self {
        Self {
            actor: actor.into(),
            action,
            object: ("", String::new(), String::new()),
            change: Value::Object(serde_json::Map::new()),
        }
    }

    /// What was changed: its kind (`product`), its id or code, and what it is called.
    pub fn object(mut self, kind: &'static str, id: impl Display, title: impl Display) -> Self {
        self.object = (kind, id.to_string(), title.to_string());
        self
    }

    /// How: what was and what is, by field. What cannot be JSON is left out.
    pub fn change(mut self, change: &impl Serialize) -> Self {
        if let Ok(change) = serde_json::to_value(change) {
            self.change = change;
        }
        self
    }

    /// As [`Entry::change`], from a thing before and after: only the fields that differ, each as
    /// `{"from": …, "to": …}`. Gives `None` if nothing differs.
    pub fn difference(self, before: &impl Serialize, after: &impl Serialize) -> Option<Self> {
        let change = difference(before, after)?;
        Some(self.change(&change))
    }
}

/// The fields of `after` that are not as in `before`.
fn difference(before: &impl Serialize, after: &impl Serialize) -> Option<Value> {
    let (before, after) = (
        serde_json::to_value(before).ok()?,
        serde_json::to_value(after).ok()?,
    );
    let (before, after) = (before.as_object()?, after.as_object()?);
    let names = before.keys().chain(after.keys());
    let changes: serde_json::Map<String, Value> = names
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| {
            let change = serde_json::json!({ "from": before.get(name), "to": after.get(name) });
            (name.clone(), change)
        })
        .collect();
    (!changes.is_empty()).then_some(Value::Object(changes))
}

/// Writes an entry in the caller's transaction.
///
/// # Errors
/// Those of the database.
pub async fn record(conn: &mut Conn, env: &Env, entry: Entry) -> Result<(), Error> {
    const INSERT: &str = "INSERT INTO audit_log \
         (id, at, actor, action, object_kind, object_id, object_title, change) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let (kind, id, title) = entry.object;
    execute!(
        conn,
        sqlx::query(INSERT)
            .bind(env.new_id())
            .bind(env.now().as_micros())
            .bind(&entry.actor)
            .bind(entry.action)
            .bind(kind)
            .bind(&id)
            .bind(&title)
            .bind(entry.change.to_string())
    )?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    at: i64,
    actor: String,
    action: String,
    object_kind: String,
    object_id: String,
    object_title: String,
    change: String,
}

impl From<Row> for AuditEntry {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            at: Timestamp::from_micros(row.at),
            actor: row.actor,
            action: row.action,
            object_kind: row.object_kind,
            object_id: row.object_id,
            object_title: row.object_title,
            change: serde_json::from_str(&row.change).unwrap_or(Value::Null),
        }
    }
}

/// A page of the log, the latest first.
///
/// # Errors
/// `invalid_input` for a limit or cursor that is none; those of the database.
pub async fn list(db: &Db, query: &AuditQuery) -> Result<Page<AuditEntry>, Error> {
    // An empty text asks for nothing; so the placeholders keep their numbers.
    const LIST: &str = "SELECT id, at, actor, action, object_kind, object_id, object_title, change \
         FROM audit_log WHERE (at < $1 OR (at = $1 AND id < $2)) AND at >= $3 AND at < $4 \
         AND ($5 = '' OR actor = $5) AND ($6 = '' OR action = $6) \
         AND ($7 = '' OR object_kind = $7) AND ($8 = '' OR object_id = $8) \
         ORDER BY at DESC, id DESC LIMIT $9";
    let limit = query.limit()?;
    let after: Option<(i64, Uuid)> = query.cursor.as_deref().map(cursor::decode).transpose()?;
    let (at, id) = after.unwrap_or((i64::MAX, Uuid::max()));
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let micros = |time: Option<Timestamp>, otherwise| time.map_or(otherwise, Timestamp::as_micros);
    let mut conn = db.read_lagging().await?;
    let mut rows: Vec<Row> = with!(conn, |c| sqlx::query_as(LIST)
        .bind(at)
        .bind(id)
        .bind(micros(query.from, i64::MIN))
        .bind(micros(query.to, i64::MAX))
        .bind(text(&query.actor))
        .bind(text(&query.action))
        .bind(text(&query.object_kind))
        .bind(text(&query.object_id))
        .bind(i64::try_from(limit + 1).unwrap_or(i64::MAX))
        .fetch_all(c)
        .await)?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = match rows.last() {
        Some(last) if more => Some(cursor::encode(&(last.at, last.id))?),
        _ => None,
    };
    Ok(Page {
        items: rows.into_iter().map(AuditEntry::from).collect(),
        next_cursor,
    })
}
