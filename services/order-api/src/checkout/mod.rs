//! From a cart to an order.
//!
//! What follows what is [`flow`]'s:
//!
//! 1. [`fix`]: what is asked for is fixed under an id that follows from the caller and the
//!    idempotency key, so that a retry asks for the same; unless the cart holds something else by
//!    then, which is what is ordered.
//! 2. The stock is reserved under an id that follows from that; product-api answers with prices.
//! 3. [`write`]: the order, its lines, the answer to the key and the job that takes the payment
//!    are written in one transaction.
//!
//! An order of what was refused to others a moment ago is not begun at all ([`rush`]).
//!
//! Who dies between 2 and 3 leaves a reservation that runs out by itself; a retry with the same
//! key finishes the same order. A refusal leaves nothing behind: the same key may be tried again
//! when the cart has changed.

mod fix;
pub mod flow;
mod input;
mod keys;
mod rush;
mod write;

use http::StatusCode;
use techcommerce_contracts::{
    Principal, codes,
    order_api::OrderInput,
    product_api::{LineRequest, Reservation, ReserveRequest},
};
use techcommerce_http::Caller;
use techcommerce_kernel::{Error, Quantity, Uuid};
use techcommerce_once::Answer;

use crate::{
    app::App,
    carts,
    faults::Point,
    locale::Locale,
    orders::{self, Audience},
};
use fix::{Fixing, Snapshot, fix};
use flow::{Desk, Fixed, Forgotten, Written};
pub use keys::{IdempotencyKey, derived_id};
pub(crate) use rush::Rush;

/// Makes the cart an order, or gives the order that the same request made before. `accepted` is the
/// language of a customer who does not name one.
///
/// # Errors
/// `invalid_input`, `idempotency_key_reused`, `cart_not_found`, `cart_empty`, `cart_ordered`,
/// `cart_changed`, `total_changed`, `out_of_stock`, `not_for_sale`, `discount_invalid`;
/// `unavailable` when it is not known whether the order was placed, so that the same request has to
/// be sent again.
pub async fn place(
    app: &App,
    caller: &Caller,
    key: &IdempotencyKey,
    accepted: Locale,
    input: &OrderInput,
) -> Result<Answer, Error> {
    let attempt =
        input::check(app, input).and_then(|()| Attempt::new(caller, key, accepted, input));
    let outcome = match attempt {
        Ok(attempt) => {
            let work = Work {
                app,
                attempt: &attempt,
                input,
            };
            match rush::look(app, &attempt).await {
                Ok(()) => flow::place(&work).await,
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    };
    app.metrics.checkout(match &outcome {
        Ok(Placed::Now(_)) => "placed",
        Ok(Placed::Before(_)) => "repeated",
        Err(error) if error.code() == codes::OUT_OF_STOCK => "out_of_stock",
        Err(error) if error.is_transient() => "failed",
        Err(_) => "refused",
    });
    match &outcome {
        Ok(Placed::Now(_)) => app.metrics.placed(app.settings.currency),
        Err(error) if !error.is_transient() => app.metrics.refused(error),
        _ => {}
    }
    match outcome? {
        Placed::Now(answer) => Ok(answer),
        Placed::Before(order) => again(app, caller, key, input, order).await,
    }
}

/// What the request was answered that made the order; after a day, the order as it is by then.
async fn again(
    app: &App,
    caller: &Caller,
    key: &IdempotencyKey,
    input: &OrderInput,
    order: Uuid,
) -> Result<Answer, Error> {
    let attempt = Attempt::new(caller, key, Locale::default(), input)?;
    let mut conn = app.db.read().await?;
    match Answer::kept(&mut conn, attempt.id).await? {
        Some(answer) => Ok(answer),
        None => {
            let shown = orders::show_in(&mut conn, order, Audience::Buyer).await?;
            Answer::json(StatusCode::CREATED, &shown)
        }
    }
}

/// What became of a request to order.
enum Placed {
    /// This call made the order.
    Now(Answer),
    /// The same request made this order before.
    Before(Uuid),
}

/// One request at work.
struct Work<'a> {
    app: &'a App,
    attempt: &'a Attempt,
    input: &'a OrderInput,
}

impl Desk for Work<'_> {
    type Snapshot = Snapshot;
    type Reserved = Reservation;
    type Order = Placed;

    fn at(&self, point: Point) -> Result<(), Error> {
        self.app.faults.at(point)
    }

    async fn fix(&self) -> Result<Fixed<Snapshot, Placed>, Error> {
        let Fixing { fixed, instead_of } = fix(self.app, self.attempt).await?;
        if let Some(old) = instead_of {
            self.give_back(keys::reservation_id(self.attempt.id, &old))
                .await;
        }
        Ok(match fixed? {
            Fixed::Ordered(order) => Fixed::Ordered(Placed::Before(order)),
            Fixed::Open(snapshot) => Fixed::Open(snapshot),
        })
    }

    async fn reserve(&self, snapshot: &Snapshot) -> Result<Reservation, Error> {
        let id = keys::reservation_id(self.attempt.id, snapshot);
        let request = request(self.app, id, snapshot)?;
        match self.app.products.reserve(&request).await {
            // Another one of the same request was refused, and gave back what both held.
            Err(error) if error.code() == codes::RESERVATION_RELEASED => Err(flow::in_doubt()),
            reserved => {
                reserved.inspect_err(|error| self.app.rush.refused(error, self.app.env.now()))
            }
        }
    }

    async fn write(
        &self,
        snapshot: &Snapshot,
        reserved: &Reservation,
    ) -> Result<Written<Placed>, Error> {
        let written = write::write(self.app, self.attempt, self.input, snapshot, reserved).await?;
        self.app.queue.wake();
        Ok(written)
    }

    async fn forget(&self, snapshot: &Snapshot) -> Result<Forgotten<Placed>, Error> {
        fix::forget(self.app, self.attempt.id, snapshot).await
    }

    async fn ordered(&self) -> Result<Option<Placed>, Error> {
        let order = fix::order_of(self.app, self.attempt.id).await?;
        Ok(order.map(Placed::Before))
    }

    async fn release(&self, reserved: &Reservation) {
        self.give_back(reserved.id).await;
    }
}

impl Work<'_> {
    async fn give_back(&self, reservation: Uuid) {
        if let Err(error) = self.app.products.release(reservation).await {
            tracing::warn!(?error, %reservation, "left to run out by itself");
        }
    }
}

/// One request to order.
pub(crate) struct Attempt {
    /// Follows from the caller and the key.
    pub id: Uuid,
    /// SHA-256 of what was sent.
    pub request_hash: String,
    /// The cart.
    pub cart_key: String,
    /// The account or API key that orders.
    pub owner: Option<Uuid>,
    /// Who asks, for the timeline.
    pub actor: String,
    /// In which language the customer is written to.
    pub locale: Locale,
}

impl Attempt {
    fn new(
        caller: &Caller,
        key: &IdempotencyKey,
        accepted: Locale,
        input: &OrderInput,
    ) -> Result<Self, Error> {
        let cart_key = carts::key(&input.cart_id);
        let owner = match caller.principal() {
            Some(Principal::Account { id, .. } | Principal::ApiKey { id, .. }) => Some(*id),
            // Services speak for guests.
            Some(Principal::Service { .. }) | None => None,
        };
        Ok(Self {
            id: keys::attempt_id(owner, &cart_key, key),
            request_hash: keys::request_hash(input)?,
            cart_key,
            owner,
            actor: caller.actor(),
            locale: match &input.locale {
                Some(tag) => Locale::of_tag(tag).unwrap_or_default(),
                None => accepted,
            },
        })
    }
}

fn request(app: &App, id: Uuid, snapshot: &Snapshot) -> Result<ReserveRequest, Error> {
    let line = |line: &fix::SnapshotLine| {
        Ok(LineRequest {
            variant_id: line.variant_id,
            quantity: Quantity::new(line.quantity).map_err(Error::internal)?,
        })
    };
    let lines: Result<Vec<_>, Error> = snapshot.lines.iter().map(line).collect();
    Ok(ReserveRequest {
        id,
        lines: lines?,
        // A version of product-api that does not know the duration yet goes by this.
        deadline: app.env.now() + app.settings.reservation,
        hold_seconds: Some(u32::try_from(app.settings.reservation.as_secs()).unwrap_or(u32::MAX)),
    })
}
