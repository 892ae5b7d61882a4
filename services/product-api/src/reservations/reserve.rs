//! Holding stock for many requests in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::types::Json;
use techcommerce_contracts::product_api::Reservation;
use techcommerce_kernel::{Env, Error, Kind, Uuid};
use techcommerce_store::{Conn, execute};

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
    hold(tx, env, &sums).await?;
    let mut by_id: Vec<&(&Wanted, Verdict)> = decided.iter().collect();
    by_id.sort_by_key(|(request, _)| request.id);
    for (request, verdict) in by_id {
        write(tx, env, request, verdict, &offers).await?;
    }
    let changed = sums
        .keys()
        .filter_map(|variant| offers.get(variant))
        .map(|offer| Change::stock(offer.product_id))
        .collect();
    let position = changes::record(tx, now, &changed).await?;
    let after = stored(tx, &ids).await?;
    let answers = decided
        .into_iter()
        .map(|(request, verdict)| match verdict {
            Verdict::Repeat(reservation) => Ok(reservation),
            Verdict::Refuse(error) => Err(error),
            Verdict::Take { .. } | Verdict::Renew => match after.get(&request.id) {
                Some(stored) => Ok(stored.answer()),
                None => Err(Error::internal(
                    "a reservation that was just written is not there",
                )),
            },
        })
        .collect();
    Ok((answers, position))
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

async fn hold(tx: &mut Conn, env: &Env, sums: &BTreeMap<Uuid, i64>) -> Result<(), Error> {
    // What may be held was decided under the rows' locks; the database's own check on `reserved`
    // and the audit stand behind it.
    for (variant, quantity) in sums {
        stock::reserve(tx, env, *variant, *quantity).await?;
    }
    Ok(())
}

async fn write(
    tx: &mut Conn,
    env: &Env,
    request: &Wanted,
    verdict: &Verdict,
    offers: &HashMap<Uuid, Offer>,
) -> Result<(), Error> {
    let now = env.now().as_micros();
    let deadline = request.deadline.as_micros();
    let rows = match verdict {
        Verdict::Repeat(_) | Verdict::Refuse(_) => return Ok(()),
        Verdict::Renew => execute!(
            tx,
            sqlx::query(
                "UPDATE reservations SET deadline = $1, updated_at = $2
                 WHERE id = $3 AND state = 'held'"
            )
            .bind(deadline)
            .bind(now)
            .bind(request.id)
        )?,
        Verdict::Take { again: true } => execute!(
            tx,
            sqlx::query(
                "UPDATE reservations SET state = 'held', deadline = $1, reference = NULL,
                 updated_at = $2 WHERE id = $3 AND state IN ('expired', 'released')"
            )
            .bind(deadline)
            .bind(now)
            .bind(request.id)
        )?,
        Verdict::Take { again: false } => execute!(
            tx,
            sqlx::query(
                "INSERT INTO reservations (id, state, lines_hash, deadline, created_at, updated_at)
                 VALUES ($1, 'held', $2, $3, $4, $4) ON CONFLICT (id) DO NOTHING"
            )
            .bind(request.id)
            .bind(request.hash.as_str())
            .bind(deadline)
            .bind(now)
        )?,
    };
    if rows == 0 {
        return Err(overtaken());
    }
    if matches!(verdict, Verdict::Take { .. }) {
        for (variant, quantity) in &request.lines {
            let Some(offer) = offers.get(variant) else {
                continue;
            };
            execute!(
                tx,
                sqlx::query(
                    "INSERT INTO reservation_lines
                     (reservation_id, variant_id, quantity, counted, restocked, quote)
                     VALUES ($1, $2, $3, $4, 0, $5)
                     ON CONFLICT (reservation_id, variant_id) DO UPDATE
                     SET counted = excluded.counted, restocked = 0, quote = excluded.quote"
                )
                .bind(request.id)
                .bind(*variant)
                .bind(*quantity)
                .bind(offer.counted)
                .bind(Json(&offer.quote))
            )?;
        }
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
