//! Holding stock for many requests in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::types::Json;
use techcommerce_contracts::product_api::{Reservation, ReservationState, ReservedLine};
use techcommerce_kernel::{Env, Error, Kind, Uuid};
use techcommerce_store::{
    Conn,
    dialect::{ROWS, rows},
    execute, with,
};

use super::{
    lines::Wanted,
    plan::{Verdict, plan, taken},
    quotes::{Offer, offers},
    rows::stored,
};
use crate::{
    changes::{self, Change},
    stock,
};

/// What a request is answered: its reservation, or why it cannot be had.
pub type Answer = Result<Reservation, Error>;

/// Decides requests with different ids, all in this transaction; gives an answer for each, in
/// their order, and the position in the change feed if anything changed.
///
/// # Errors
/// If the transaction as a whole has to be given up. What is refused is not among them.
pub async fn reserve(
    tx: &mut Conn,
    env: &Env,
    batch: &[Wanted],
) -> Result<(Vec<Answer>, Option<i64>), Error> {
    let now = env.now();
    let ids: Vec<Uuid> = batch.iter().map(|wanted| wanted.id).collect();
    let variants: BTreeSet<Uuid> = batch.iter().flat_map(|w| w.lines.keys().copied()).collect();
    let variants: Vec<Uuid> = variants.into_iter().collect();
    let before = stored(tx, &ids).await?;
    let mut offers = offers(tx, &variants).await?;
    let requests: Vec<&Wanted> = batch.iter().collect();
    // A first look without locks: in a sold-out rush nearly all end here.
    let first = plan(&requests, &before, &offers, now);
    let decided: Vec<(&Wanted, Verdict)> = requests.into_iter().zip(first).collect();
    let wanted = taken(&decided, &offers);
    let decided = if wanted.is_empty() {
        decided
    } else {
        lock(tx, &wanted, &mut offers).await?;
        again(decided, &before, &offers, now)
    };
    let sums = taken(&decided, &offers);
    // What may be held was decided under the rows' locks; the database's own check on `reserved`
    // and the audit stand behind it.
    let held: Vec<(Uuid, i64)> = sums.iter().map(|(id, held)| (*id, *held)).collect();
    stock::promise(tx, env, &held).await?;
    let mut by_id: Vec<&(&Wanted, Verdict)> = decided.iter().collect();
    by_id.sort_by_key(|(request, _)| request.id);
    write(tx, now.as_micros(), &by_id, &offers).await?;
    let changed = sums
        .keys()
        .filter_map(|variant| offers.get(variant))
        .map(|offer| Change::stock(offer.product_id))
        .collect();
    let position = changes::record(tx, now, &changed).await?;
    let answers = decided
        .into_iter()
        .map(|(request, verdict)| match verdict {
            Verdict::Repeat(reservation) => Ok(reservation),
            Verdict::Refuse(error) => Err(error),
            Verdict::Take { .. } => Ok(taken_now(request, &offers)),
            Verdict::Renew => match before.get(&request.id) {
                Some(stored) => Ok(Reservation {
                    deadline: request.deadline,
                    ..stored.answer()
                }),
                None => Err(Error::internal(
                    "a reservation that is renewed is not there",
                )),
            },
        })
        .collect();
    Ok((answers, position))
}

/// The reservation as it was just written.
fn taken_now(request: &Wanted, offers: &HashMap<Uuid, Offer>) -> Reservation {
    let lines = request.lines.iter().filter_map(|(variant, quantity)| {
        Some(ReservedLine {
            quantity: *quantity,
            quote: offers.get(variant)?.quote.clone(),
        })
    });
    Reservation {
        id: request.id,
        state: ReservationState::Held,
        deadline: request.deadline,
        lines: lines.collect(),
    }
}

/// Takes the rows' locks in the order of ids and notes what is really left.
async fn lock(
    tx: &mut Conn,
    wanted: &BTreeMap<Uuid, i64>,
    offers: &mut HashMap<Uuid, Offer>,
) -> Result<(), Error> {
    let variants: Vec<Uuid> = wanted.keys().copied().collect();
    for level in stock::lock(tx, &variants).await? {
        if let Some(offer) = offers.get_mut(&level.variant_id) {
            offer.left = level.available();
        }
    }
    Ok(())
}

/// Decides once more those that were to be taken, now that nobody else can take.
fn again<'a>(
    decided: Vec<(&'a Wanted, Verdict)>,
    before: &HashMap<Uuid, super::rows::Stored>,
    offers: &HashMap<Uuid, Offer>,
    now: techcommerce_kernel::Timestamp,
) -> Vec<(&'a Wanted, Verdict)> {
    let open: Vec<&Wanted> = decided
        .iter()
        .filter(|(_, verdict)| matches!(verdict, Verdict::Take { .. }))
        .map(|(request, _)| *request)
        .collect();
    let mut second = plan(&open, before, offers, now).into_iter();
    decided
        .into_iter()
        .map(|(request, verdict)| match verdict {
            Verdict::Take { .. } => match second.next() {
                Some(verdict) => (request, verdict),
                None => (
                    request,
                    Verdict::Refuse(Error::internal("a request was not decided")),
                ),
            },
            verdict => (request, verdict),
        })
        .collect()
}

/// Writes what was decided, which comes in the order of ids.
async fn write(
    tx: &mut Conn,
    now: i64,
    decided: &[&(&Wanted, Verdict)],
    offers: &HashMap<Uuid, Offer>,
) -> Result<(), Error> {
    let mut new: Vec<&Wanted> = Vec::new();
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (request, verdict) in decided {
        let sql = match verdict {
            Verdict::Repeat(_) | Verdict::Refuse(_) => continue,
            Verdict::Renew => Some(
                "UPDATE reservations SET deadline = $1, updated_at = $2
                 WHERE id = $3 AND state = 'held'",
            ),
            Verdict::Take { again: true } => Some(
                "UPDATE reservations SET state = 'held', deadline = $1, reference = NULL,
                 updated_at = $2 WHERE id = $3 AND state IN ('expired', 'released')",
            ),
            Verdict::Take { again: false } => None,
        };
        match sql {
            None => new.push(request),
            Some(sql) => {
                let deadline = request.deadline.as_micros();
                let rows = execute!(
                    tx,
                    sqlx::query(sql).bind(deadline).bind(now).bind(request.id)
                )?;
                if rows == 0 {
                    return Err(overtaken());
                }
            }
        }
        if matches!(verdict, Verdict::Take { .. }) {
            lines.extend(request.lines.iter().filter_map(|(variant, quantity)| {
                Some((request.id, *quantity, offers.get(variant)?))
            }));
        }
    }
    insert(tx, now, &new).await?;
    insert_lines(tx, &lines).await
}

/// Of which reservation, how many, of what.
type Line<'a> = (Uuid, i64, &'a Offer);

async fn insert(tx: &mut Conn, now: i64, new: &[&Wanted]) -> Result<(), Error> {
    for some in new.chunks(ROWS) {
        let sql = format!(
            "INSERT INTO reservations (id, lines_hash, deadline, state, created_at, updated_at)
             VALUES {} ON CONFLICT (id) DO NOTHING",
            rows(1, some.len(), 6)
        );
        let written = with!(tx, |c| {
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql.as_str()));
            for request in some {
                query = query
                    .bind(request.id)
                    .bind(request.hash.as_str())
                    .bind(request.deadline.as_micros())
                    .bind(ReservationState::Held.name())
                    .bind(now)
                    .bind(now);
            }
            query.execute(c).await.map(|done| done.rows_affected())
        })?;
        if written != some.len() as u64 {
            return Err(overtaken());
        }
    }
    Ok(())
}

async fn insert_lines(tx: &mut Conn, lines: &[Line<'_>]) -> Result<(), Error> {
    for some in lines.chunks(ROWS) {
        let sql = format!(
            "INSERT INTO reservation_lines
             (reservation_id, variant_id, quantity, counted, restocked, quote) VALUES {}
             ON CONFLICT (reservation_id, variant_id) DO UPDATE
             SET counted = excluded.counted, restocked = 0, quote = excluded.quote",
            rows(1, some.len(), 6)
        );
        with!(tx, |c| {
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql.as_str()));
            for (reservation, quantity, offer) in some {
                query = query
                    .bind(*reservation)
                    .bind(offer.quote.variant_id)
                    .bind(*quantity)
                    .bind(offer.counted)
                    .bind(0_i64)
                    .bind(Json(&offer.quote));
            }
            query.execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// Somebody else changed the same reservation in between: the transaction runs again and sees it.
pub(super) fn overtaken() -> Error {
    Error::new(
        Kind::Unavailable,
        "contention",
        "Too many people changed the same thing at once. Please try again.",
    )
    .transient()
}
