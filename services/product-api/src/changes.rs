//! The change feed: what changed, in the order of commits.
//!
//! A feed that is read by ascending number loses a row whose transaction commits after a higher
//! number was read. So numbers are handed out under the lock of the counter's row, which is held
//! until the commit: whoever sees number n sees all before it. Take it last in a transaction, so
//! that the lock is short and comes after all others.

use std::collections::BTreeSet;

use techcommerce_kernel::{Timestamp, Uuid};
use techcommerce_store::{
    Conn, StoreError,
    dialect::{ROWS, rows},
    execute, with,
};

/// What sort of thing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A product, with its variants and pictures; the id is the product's.
    Product,
    /// How much of a product's variants is left; the id is the product's.
    Stock,
    /// A category; the id is the category's.
    Category,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Stock => "stock",
            Self::Category => "category",
        }
    }
}

/// What a change did to a product, as those who are told of it want to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// It was added.
    Created,
    /// Anything else; so is read, too, what a version writes that does not say it.
    Changed,
    /// It was archived.
    Archived,
}

impl What {
    const fn name(self) -> Option<&'static str> {
        match self {
            Self::Created => Some("created"),
            Self::Changed => None,
            Self::Archived => Some("archived"),
        }
    }
}

/// Something that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Change {
    /// What sort of thing.
    pub kind: Kind,
    /// Which one.
    pub entity: Uuid,
    /// What became of it.
    pub what: What,
}

impl Change {
    /// A product changed.
    pub const fn product(entity: Uuid) -> Self {
        Self {
            kind: Kind::Product,
            entity,
            what: What::Changed,
        }
    }

    /// A product was added.
    pub const fn created(entity: Uuid) -> Self {
        Self {
            what: What::Created,
            ..Self::product(entity)
        }
    }

    /// A product was archived.
    pub const fn archived(entity: Uuid) -> Self {
        Self {
            what: What::Archived,
            ..Self::product(entity)
        }
    }

    /// The stock of a product's variants changed.
    pub const fn stock(entity: Uuid) -> Self {
        Self {
            kind: Kind::Stock,
            entity,
            what: What::Changed,
        }
    }

    /// A category changed.
    pub const fn category(entity: Uuid) -> Self {
        Self {
            kind: Kind::Category,
            entity,
            what: What::Changed,
        }
    }
}

/// Writes the changes into the feed and gives the position of the last one, or `None` if there
/// are none.
pub async fn record(
    tx: &mut Conn,
    now: Timestamp,
    changes: &BTreeSet<Change>,
) -> Result<Option<i64>, StoreError> {
    if changes.is_empty() {
        return Ok(None);
    }
    let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
    let last: i64 = with!(tx, |c| sqlx::query_scalar(
        "UPDATE change_counter SET position = position + $1 WHERE id = 1 RETURNING position"
    )
    .bind(count)
    .fetch_one(c)
    .await)?;
    let all: Vec<&Change> = changes.iter().collect();
    let mut position = last - count;
    for some in all.chunks(ROWS) {
        let sql = format!(
            "INSERT INTO changes (position, kind, entity, created_at, what) VALUES {}",
            rows(1, some.len(), 5)
        );
        let first = position + 1;
        with!(tx, |c| {
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql.as_str()));
            for (change, position) in some.iter().zip(first..) {
                query = query
                    .bind(position)
                    .bind(change.kind.name())
                    .bind(change.entity)
                    .bind(now.as_micros())
                    .bind(change.what.name());
            }
            query.execute(c).await.map(|_| ())
        })?;
        position += i64::try_from(some.len()).unwrap_or(i64::MAX);
    }
    Ok(Some(last))
}

/// A change and its place in the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its place: without gaps, from 1.
    pub position: i64,
    /// What changed; `None` if a newer version of the program wrote a kind that we do not know.
    pub change: Option<Change>,
    /// When it was written.
    pub created_at: Timestamp,
}

/// The position of the last change that is committed.
pub async fn position(conn: &mut Conn) -> Result<i64, StoreError> {
    with!(conn, |c| sqlx::query_scalar(
        "SELECT position FROM change_counter WHERE id = 1"
    )
    .fetch_one(c)
    .await)
}

/// The changes after a position, at most `limit`, in their order.
pub async fn after(conn: &mut Conn, position: i64, limit: i64) -> Result<Vec<Entry>, StoreError> {
    type Row = (i64, String, Uuid, i64, Option<String>);
    let rows: Vec<Row> = with!(conn, |c| sqlx::query_as(
        "SELECT position, kind, entity, created_at, what FROM changes
         WHERE position > $1 ORDER BY position LIMIT $2"
    )
    .bind(position)
    .bind(limit)
    .fetch_all(c)
    .await)?;
    Ok(rows
        .into_iter()
        .map(|(position, kind, entity, created_at, what)| Entry {
            position,
            change: [Kind::Product, Kind::Stock, Kind::Category]
                .into_iter()
                .find(|known| known.name() == kind)
                .map(|kind| Change {
                    kind,
                    entity,
                    what: [What::Created, What::Archived]
                        .into_iter()
                        .find(|known| known.name() == what.as_deref())
                        .unwrap_or(What::Changed),
                }),
            created_at: Timestamp::from_micros(created_at),
        })
        .collect())
}

/// Takes away the oldest changes if they were written before `before`, at most `limit`, but never
/// the last one, so that whoever follows the feed sees that it missed some. Gives how many went.
pub async fn prune(tx: &mut Conn, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    execute!(
        tx,
        sqlx::query(
            "DELETE FROM changes WHERE position IN (SELECT position FROM changes
             WHERE created_at < $1
             AND position < (SELECT position FROM change_counter WHERE id = 1)
             ORDER BY position LIMIT $2)"
        )
        .bind(before.as_micros())
        .bind(limit)
    )
}
