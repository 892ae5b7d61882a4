//! One change of a variant's stock by hand, with its movement, its entry in the audit log and in
//! the change feed.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::json;
use techcommerce_audit::Entry;
use techcommerce_contracts::{Principal, codes};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_once::{Answer, Once};
use techcommerce_store::transact;

use super::{App, shown_level, variant_not_found};
use crate::{
    changes::{self, Change},
    stock::{self, Level, Movement, Reason},
};

/// What somebody does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Write {
    /// There are so many, by counting.
    Set(i64),
    /// So many came, or went.
    Adjust(i64),
}

impl Write {
    const fn names(self) -> (Reason, &'static str) {
        match self {
            Self::Set(_) => (Reason::Set, "stock.set"),
            Self::Adjust(_) => (Reason::Adjustment, "stock.adjust"),
        }
    }
}

/// Does it, waits until the read model shows it, and gives the level; once, for a request that has a name.
///
/// # Errors
/// `variant_not_found`, `stock_below_zero`.
pub(super) async fn write(
    app: &App,
    who: &Principal,
    variant_id: Uuid,
    write: Write,
    note: &str,
    once: &Once,
) -> Result<Answer, Error> {
    let actor = who.actor();
    let (reason, action) = write.names();
    let movement = Movement {
        reason,
        actor: &actor,
        note: Some(note),
        reference: None,
    };
    type Done = (Answer, Option<i64>);
    let (answer, position) = transact!(app.db, |tx| -> Result<Done, Error> {
        if let Some(answer) = once.begin(tx, &app.env).await? {
            return Ok((answer, None));
        }
        let owner = stock::owner(tx, variant_id)
            .await?
            .ok_or_else(variant_not_found)?;
        let (level, before) = match write {
            Write::Set(on_hand) => {
                let set = stock::set(tx, &app.env, variant_id, on_hand, movement).await?;
                let (level, before) = set.ok_or_else(variant_not_found)?;
                if before == level.on_hand {
                    return Ok((once.keep(tx, said(level)?).await?, None));
                }
                (level, before)
            }
            Write::Adjust(delta) => {
                // What comes in may still leave a variant that is sold beyond its stock below
                // zero.
                let at_least = (delta < 0).then_some(0);
                let level = stock::add(tx, &app.env, variant_id, delta, at_least, movement)
                    .await?
                    .ok_or_else(below_zero)?;
                (level, level.on_hand - delta)
            }
        };
        let entry = Entry::new(who, action)
            .object("variant", variant_id, owner.title())
            .change(&json!({
                "product_id": owner.product_id,
                "on_hand": { "from": before, "to": level.on_hand },
                "reason": note,
            }));
        techcommerce_audit::record(tx, &app.env, entry).await?;
        let changes = BTreeSet::from([Change::stock(owner.product_id)]);
        let answer = once.keep(tx, said(level)?).await?;
        Ok((answer, changes::record(tx, app.env.now(), &changes).await?))
    })?;
    app.notifier.caught_up(position).await;
    Ok(answer)
}

fn said(level: Level) -> Result<Answer, Error> {
    Answer::json(StatusCode::OK, &shown_level(level))
}

fn below_zero() -> Error {
    Error::conflict(
        codes::STOCK_BELOW_ZERO,
        "There are not so many to take away.",
    )
    .field("delta", "takes away more than there are")
}
