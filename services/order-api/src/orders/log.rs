//! What staff did with an order, for the audit log.

use serde_json::{Map, Value, json};
use techcommerce_audit::Entry;
use techcommerce_contracts::Principal;
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::Conn;

use super::Changed;
use crate::{app::App, path::State};

/// Writes that `who` did `action`, unless nothing came of it: doing twice what is done once is no
/// change. `more` is told beside what became of the order; an address or a card is not.
///
/// # Errors
/// Those of the database.
pub async fn record(
    tx: &mut Conn,
    app: &App,
    (who, action): (&Principal, &'static str),
    order: Uuid,
    changed: &Changed,
    more: Value,
) -> Result<(), Error> {
    if !changed.is_news() {
        return Ok(());
    }
    let mut change = Map::new();
    let (before, after) = (standing(&changed.before), standing(&changed.after));
    for ((name, from), (_, to)) in before.into_iter().zip(after) {
        if from != to {
            change.insert(name.to_owned(), json!({ "from": from, "to": to }));
        }
    }
    if let Value::Object(more) = more {
        let said = |value: &Value| !value.is_null() && value != "";
        change.extend(more.into_iter().filter(|(_, value)| said(value)));
    }
    let entry = Entry::new(who, action)
        .object("order", order, changed.number)
        .change(&change);
    techcommerce_audit::record(tx, &app.env, entry).await
}

fn standing(state: &State) -> [(&'static str, &'static str); 3] {
    [
        ("status", state.status().as_str()),
        ("payment_status", state.payment_status().as_str()),
        ("fulfillment_status", state.fulfillment().as_str()),
    ]
}
