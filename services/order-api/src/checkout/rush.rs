//! What is refused without being begun.
//!
//! Whoever orders what is sold out costs two transactions here, one that fixes what is asked for
//! and one that forgets it again, and in a rush nearly all who come are of these. So what was
//! refused for want of stock is remembered for a while, and of an order of such things it is asked
//! first whether they may be there. That writes nothing; whether they are is decided as always.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use techcommerce_contracts::{
    codes,
    product_api::{LineRequest, Shortage},
};
use techcommerce_kernel::{Error, Quantity, Timestamp, Uuid, recent::Recent};
use techcommerce_store::with;

use super::Attempt;
use crate::app::App;

/// For how long it is worth asking first, after the last refusal.
const RUSH: Duration = Duration::from_secs(10);
/// How many variants may be short at once.
const VARIANTS: usize = 4_000;

/// The variants that were refused lately.
#[derive(Debug)]
pub(crate) struct Rush(Mutex<Known>);

#[derive(Debug)]
struct Known {
    refused: Recent<Uuid, Timestamp>,
    last: Option<Timestamp>,
}

/// Whether something was a moment ago, and not later than now: that was a clock that ran ahead.
fn is_lately(then: Timestamp, now: Timestamp) -> bool {
    (then..=then + RUSH).contains(&now)
}

impl Default for Rush {
    fn default() -> Self {
        Self(Mutex::new(Known {
            refused: Recent::new(VARIANTS),
            last: None,
        }))
    }
}

impl Rush {
    /// An order was refused for this reason.
    pub fn refused(&self, refusal: &Error, now: Timestamp) {
        if refusal.code() != codes::OUT_OF_STOCK {
            return;
        }
        let mut known = self.known();
        known.last = Some(now);
        for line in Shortage::named_by(refusal) {
            known.refused.insert(line.variant_id, now);
        }
    }

    /// Whether anything was refused lately.
    fn is_on(&self, now: Timestamp) -> bool {
        self.known().last.is_some_and(|last| is_lately(last, now))
    }

    /// Whether any of these was refused lately.
    fn is_on_any(&self, variants: &HashSet<Uuid>, now: Timestamp) -> bool {
        let known = self.known();
        let is_hot = |variant| {
            let refused = known.refused.get(variant);
            refused.is_some_and(|refused| is_lately(*refused, now))
        };
        variants.iter().any(is_hot)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks whether an order is worth beginning.
///
/// # Errors
/// `out_of_stock`, as another order was refused a moment ago.
pub(super) async fn look(app: &App, attempt: &Attempt) -> Result<(), Error> {
    let now = app.env.now();
    if !app.rush.is_on(now) {
        return Ok(());
    }
    let lines = wanted(app, attempt).await?;
    let variants: HashSet<Uuid> = lines.iter().map(|line| line.variant_id).collect();
    if !app.rush.is_on_any(&variants, now) {
        return Ok(());
    }
    match app.products.look(lines).await {
        Err(error) if error.code() == codes::OUT_OF_STOCK => Err(error),
        // Who cannot say decides nothing.
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What is in the cart; nothing where the request came before, or the cart has become an order:
/// what is answered to these is known already.
async fn wanted(app: &App, attempt: &Attempt) -> Result<Vec<LineRequest>, Error> {
    const WANTED: &str = "SELECT l.variant_id, l.quantity FROM cart_lines l \
         JOIN carts c ON c.key = l.cart_key WHERE c.key = $1 AND c.order_id IS NULL \
         AND NOT EXISTS (SELECT 1 FROM idempotency_records r WHERE r.id = $2) \
         ORDER BY l.variant_id";
    let mut conn = app.db.read().await?;
    let rows: Vec<(Uuid, i64)> = with!(conn, |c| sqlx::query_as(WANTED)
        .bind(&attempt.cart_key)
        .bind(attempt.id)
        .fetch_all(c)
        .await)?;
    rows.into_iter()
        .map(|(variant_id, quantity)| {
            Ok(LineRequest {
                variant_id,
                quantity: Quantity::new(quantity).map_err(Error::internal)?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use techcommerce_kernel::Env;

    use super::*;

    #[test]
    fn what_was_refused_is_worth_asking_for_a_while() {
        let (env, clock) = Env::manual(1);
        let rush = Rush::default();
        let [mug, lamp] = [env.new_id(), env.new_id()];
        let is_on = |variant| rush.is_on_any(&HashSet::from([variant]), env.now());
        assert!(!rush.is_on(env.now()));

        rush.refused(&Error::conflict(codes::CART_EMPTY, "Empty."), env.now());
        assert!(!rush.is_on(env.now()), "no want of stock");

        let lines = json!({"lines": [{"variant_id": mug, "requested": 1, "available": 0}]});
        let refusal = Error::conflict(codes::OUT_OF_STOCK, "Gone.").with_detail(lines);
        rush.refused(&refusal, env.now());
        assert!(rush.is_on(env.now()) && is_on(mug) && !is_on(lamp));
        clock.advance(RUSH + Duration::from_micros(1));
        assert!(!rush.is_on(env.now()) && !is_on(mug));
    }
}
