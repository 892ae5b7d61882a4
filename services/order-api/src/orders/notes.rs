//! Notes of staff for staff, in an order's timeline.

use techcommerce_audit::Entry;
use techcommerce_contracts::{Principal, codes};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::{Conn, execute, with};

use super::{change::Cause, not_found, view::NOTE};
use crate::app::App;

/// Adds a note to the order's timeline. The same `id` again is the same note.
///
/// # Errors
/// `order_not_found`; `idempotency_key_reused` for the same id with another text.
pub async fn note(
    tx: &mut Conn,
    app: &App,
    order: Uuid,
    id: Uuid,
    text: &str,
    staff: &Principal,
) -> Result<(), Error> {
    // Nobody else adds to the timeline meanwhile.
    const LOCK: &str = "UPDATE orders SET version = version + 1 WHERE id = $1 RETURNING number";
    const KNOWN: &str = "SELECT message FROM order_events WHERE note_id = $1";
    const NAME: &str = "UPDATE order_events SET note_id = $2 WHERE order_id = $1 AND position = \
         (SELECT MAX(position) FROM order_events WHERE order_id = $1)";
    let number: Option<i64> = with!(tx, |c| sqlx::query_scalar(LOCK)
        .bind(order)
        .fetch_optional(c)
        .await)?;
    let number = number.ok_or_else(not_found)?;
    let known: Option<String> = with!(tx, |c| sqlx::query_scalar(KNOWN)
        .bind(id)
        .fetch_optional(c)
        .await)?;
    match known {
        Some(known) if known == text => return Ok(()),
        Some(_) => {
            return Err(Error::unprocessable(
                codes::IDEMPOTENCY_KEY_REUSED,
                "The same key was used for another note.",
            ));
        }
        None => {}
    }
    let actor = staff.actor();
    let cause = Cause {
        reason: text,
        ..Cause::by(&actor)
    };
    super::change::add_event(tx, &app.env, order, NOTE, cause).await?;
    execute!(tx, sqlx::query(NAME).bind(order).bind(id))?;
    // The text stands in the timeline; who may not read that need not read it in the log.
    let entry = Entry::new(staff, "order.note").object("order", order, number);
    techcommerce_audit::record(tx, &app.env, entry).await
}
