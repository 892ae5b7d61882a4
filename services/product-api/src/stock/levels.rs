//! How many there are of each variant, and how many of them are promised.

use std::collections::HashMap;

use techcommerce_kernel::{Env, Uuid};
use techcommerce_store::{
    Conn, StoreError,
    dialect::{ROWS, in_list, rows},
    execute, with,
};

use super::{Movement, movements::Moved};

/// The stock of one variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Level {
    /// Of this variant.
    pub variant_id: Uuid,
    /// How many there are.
    pub on_hand: i64,
    /// How many of them are promised to checkouts under way.
    pub reserved: i64,
}

impl Level {
    /// How many may still be promised; below zero if more is promised than there is.
    pub const fn available(&self) -> i64 {
        self.on_hand.saturating_sub(self.reserved)
    }
}

/// Opens the level of a new variant.
pub async fn open(
    tx: &mut Conn,
    env: &Env,
    variant_id: Uuid,
    on_hand: i64,
    movement: Movement<'_>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        sqlx::query(
            "INSERT INTO stock_levels (variant_id, on_hand, reserved, updated_at)
             VALUES ($1, $2, 0, $3)"
        )
        .bind(variant_id)
        .bind(on_hand)
        .bind(env.now().as_micros())
    )?;
    if on_hand != 0 {
        let moved = Moved {
            variant_id,
            delta: on_hand,
            after: on_hand,
        };
        movement.write_all(tx, env, &[moved]).await?;
    }
    Ok(())
}

/// The level of a variant, if there is such a variant.
pub async fn level(conn: &mut Conn, variant_id: Uuid) -> Result<Option<Level>, StoreError> {
    with!(conn, |c| sqlx::query_as(
        "SELECT variant_id, on_hand, reserved FROM stock_levels WHERE variant_id = $1"
    )
    .bind(variant_id)
    .fetch_optional(c)
    .await)
}

/// What a variant is, for those who read it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Owner {
    /// Its product.
    pub product_id: Uuid,
    /// The product's title.
    pub product_title: String,
    /// Its own; may be empty.
    pub variant_title: String,
}

impl Owner {
    /// What both are called.
    pub fn title(&self) -> String {
        match self.variant_title.as_str() {
            "" => self.product_title.clone(),
            variant => format!("{} ({variant})", self.product_title),
        }
    }
}

/// The product that a variant belongs to, if there is such a variant.
pub async fn owner(conn: &mut Conn, variant_id: Uuid) -> Result<Option<Owner>, StoreError> {
    with!(conn, |c| sqlx::query_as(
        "SELECT v.product_id, p.title AS product_title, v.title AS variant_title
         FROM variants v JOIN products p ON p.id = v.product_id WHERE v.id = $1"
    )
    .bind(variant_id)
    .fetch_optional(c)
    .await)
}

/// Sets how many there are, whatever there were; gives the new level and how many there were.
/// `None`: there is no such variant.
pub async fn set(
    tx: &mut Conn,
    env: &Env,
    variant_id: Uuid,
    on_hand: i64,
    movement: Movement<'_>,
) -> Result<Option<(Level, i64)>, StoreError> {
    // Changing nothing takes the row's lock and tells what is in it, on both engines.
    let before: Option<Level> = with!(tx, |c| sqlx::query_as(
        "UPDATE stock_levels SET updated_at = updated_at WHERE variant_id = $1
         RETURNING variant_id, on_hand, reserved"
    )
    .bind(variant_id)
    .fetch_optional(c)
    .await)?;
    let Some(before) = before else {
        return Ok(None);
    };
    if before.on_hand == on_hand {
        return Ok(Some((before, on_hand)));
    }
    let after = add(
        tx,
        env,
        variant_id,
        on_hand - before.on_hand,
        None,
        movement,
    )
    .await?;
    Ok(after.map(|level| (level, before.on_hand)))
}

/// Adds `delta` pieces (or, negative, takes them away) and writes the movement.
///
/// With `at_least` it only happens if that many are left afterwards. `None`: it did not happen,
/// or there is no such variant.
pub async fn add(
    tx: &mut Conn,
    env: &Env,
    variant_id: Uuid,
    delta: i64,
    at_least: Option<i64>,
    movement: Movement<'_>,
) -> Result<Option<Level>, StoreError> {
    let level: Option<Level> = with!(tx, |c| sqlx::query_as(
        "UPDATE stock_levels SET on_hand = on_hand + $1, updated_at = $2
         WHERE variant_id = $3 AND on_hand + $1 >= $4
         RETURNING variant_id, on_hand, reserved"
    )
    .bind(delta)
    .bind(env.now().as_micros())
    .bind(variant_id)
    .bind(at_least.unwrap_or(i64::MIN))
    .fetch_optional(c)
    .await)?;
    if let Some(level) = &level {
        let moved = Moved {
            variant_id,
            delta,
            after: level.on_hand,
        };
        movement.write_all(tx, env, &[moved]).await?;
    }
    Ok(level)
}

/// Takes the locks of levels in the order of ids and gives what is in them.
pub async fn lock(tx: &mut Conn, variants: &[Uuid]) -> Result<Vec<Level>, StoreError> {
    let mut ordered = variants.to_vec();
    ordered.sort_unstable();
    ordered.dedup();
    let mut levels = Vec::with_capacity(ordered.len());
    for chunk in ordered.chunks(500) {
        let sql = format!(
            "SELECT variant_id, on_hand, reserved FROM stock_levels WHERE variant_id IN {}
             ORDER BY variant_id{}",
            in_list(1, chunk.len()),
            tx.dialect().for_update()
        );
        let found: Vec<Level> = with!(tx, |c| {
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()));
            for id in chunk {
                query = query.bind(*id);
            }
            query.fetch_all(c).await
        })?;
        levels.extend(found);
    }
    Ok(levels)
}

/// Promises so many more of each variant, or takes back promises where the number is negative: the
/// database refuses to go below zero. Whether that may be is decided before, under [`lock`].
pub async fn promise(
    tx: &mut Conn,
    env: &Env,
    quantities: &[(Uuid, i64)],
) -> Result<(), StoreError> {
    let now = env.now().as_micros();
    for some in quantities.chunks(ROWS) {
        let sql = format!(
            "UPDATE stock_levels SET reserved = reserved + w.column2, updated_at = $1
             FROM (VALUES {}) AS w WHERE variant_id = w.column1",
            rows(2, some.len(), 2)
        );
        with!(tx, |c| {
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql.as_str())).bind(now);
            for (variant_id, quantity) in some {
                query = query.bind(*variant_id).bind(*quantity);
            }
            query.execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// Takes so many of each variant off the shelf, and off what is promised if they were, and writes
/// the movements. Whether that may be is decided before, under [`lock`].
pub async fn take(
    tx: &mut Conn,
    env: &Env,
    quantities: &[(Uuid, i64)],
    promised: bool,
    movement: Movement<'_>,
) -> Result<(), StoreError> {
    let now = env.now().as_micros();
    for some in quantities.chunks(ROWS) {
        let sql = format!(
            "UPDATE stock_levels SET on_hand = on_hand - w.column2, reserved = reserved - w.column3,
             updated_at = $1 FROM (VALUES {}) AS w WHERE variant_id = w.column1
             RETURNING variant_id, on_hand, reserved",
            rows(2, some.len(), 3)
        );
        let levels: Vec<Level> = with!(tx, |c| {
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str())).bind(now);
            for (variant_id, quantity) in some {
                let kept = if promised { *quantity } else { 0 };
                query = query.bind(*variant_id).bind(*quantity).bind(kept);
            }
            query.fetch_all(c).await
        })?;
        let after: HashMap<Uuid, i64> = levels
            .iter()
            .map(|level| (level.variant_id, level.on_hand))
            .collect();
        let moved: Vec<Moved> = some
            .iter()
            .filter_map(|(variant_id, quantity)| {
                Some(Moved {
                    variant_id: *variant_id,
                    delta: -quantity,
                    after: *after.get(variant_id)?,
                })
            })
            .collect();
        movement.write_all(tx, env, &moved).await?;
    }
    Ok(())
}

/// Takes a promise of `quantity` back. The database refuses to go below zero.
pub async fn unreserve(
    tx: &mut Conn,
    env: &Env,
    variant_id: Uuid,
    quantity: i64,
) -> Result<(), StoreError> {
    promise(tx, env, &[(variant_id, -quantity)]).await
}
