//! Taking back stock whose deadline has passed.

use std::collections::{BTreeMap, BTreeSet};

use techcommerce_kernel::{Env, Error, Uuid};
use techcommerce_store::{Conn, Db, execute, transact, with};

use super::rows::stored;
use crate::{
    changes::{self, Change},
    stock,
};

/// How many reservations one transaction takes back.
const BATCH: i64 = 100;

/// What was taken back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expired {
    /// How many reservations.
    pub count: u64,
    /// The position in the change feed, if stock changed.
    pub position: Option<i64>,
}

/// Takes back all that is overdue now.
pub async fn expire_all(db: &Db, env: &Env) -> Result<Expired, Error> {
    let mut all = Expired::default();
    loop {
        let some = expire_due(db, env).await?;
        all.count += some.count;
        all.position = some.position.or(all.position);
        if some.count == 0 {
            return Ok(all);
        }
    }
}

/// Takes back the most overdue reservations, at most a hundred.
pub async fn expire_due(db: &Db, env: &Env) -> Result<Expired, Error> {
    let now = env.now().as_micros();
    let mut conn = db.read().await?;
    if overdue(&mut conn, now).await?.is_empty() {
        return Ok(Expired::default());
    }
    drop(conn);
    transact!(db, |tx| -> Result<Expired, Error> {
        expire_in(tx, env, now).await
    })
}

async fn overdue(conn: &mut Conn, now: i64) -> Result<Vec<Uuid>, Error> {
    Ok(with!(conn, |c| sqlx::query_scalar(
        "SELECT id FROM reservations WHERE state = 'held' AND deadline <= $1
         ORDER BY deadline, id LIMIT $2"
    )
    .bind(now)
    .bind(BATCH)
    .fetch_all(c)
    .await)?)
}

async fn expire_in(tx: &mut Conn, env: &Env, now: i64) -> Result<Expired, Error> {
    let ids = overdue(tx, now).await?;
    let reservations = stored(tx, &ids).await?;
    let variants: BTreeSet<Uuid> = reservations
        .values()
        .flat_map(|reservation| reservation.counted().map(|line| line.variant_id))
        .collect();
    let variants: Vec<Uuid> = variants.into_iter().collect();
    stock::lock(tx, &variants).await?;
    let mut count = 0;
    let mut back: BTreeMap<Uuid, i64> = BTreeMap::new();
    let mut changed = BTreeSet::new();
    let ordered: BTreeMap<_, _> = reservations.iter().collect();
    for (id, reservation) in ordered {
        let rows = execute!(
            tx,
            sqlx::query(
                "UPDATE reservations SET state = 'expired', updated_at = $1
                 WHERE id = $2 AND state = 'held' AND deadline <= $1"
            )
            .bind(now)
            .bind(*id)
        )?;
        if rows == 0 {
            // Claimed, released or renewed in between.
            continue;
        }
        count += 1;
        for line in reservation.counted() {
            *back.entry(line.variant_id).or_insert(0) += line.quantity;
            changed.insert(Change::stock(line.quote.product_id));
        }
    }
    let back: Vec<(Uuid, i64)> = back.into_iter().map(|(id, held)| (id, -held)).collect();
    stock::promise(tx, env, &back).await?;
    let position = changes::record(tx, env.now(), &changed).await?;
    Ok(Expired { count, position })
}
