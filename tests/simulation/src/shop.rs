//! What order-api keeps: keys, carts, orders, shipments. Each method is what one of its transactions
//! does; the path itself is the real one.

use std::collections::BTreeMap;

use techcommerce_contracts::codes;
use techcommerce_kernel::{Error, Kind, Uuid};
use techcommerce_order_api::{
    path::{CancelReason, Effect, Event, Method, Notice, Refusal, State},
    simulated::{Forgotten, Written, books::Behaviour},
};

use crate::{bugs::Bug, warehouse::Lines};

/// What a customer sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who.
    pub customer: usize,
    /// Which cart.
    pub cart: usize,
    /// Under which key.
    pub key: u64,
    /// Stands for all else that is sent.
    pub body: u64,
    /// How it is paid.
    pub method: Method,
    /// How the provider behaves.
    pub behaviour: Behaviour,
}

/// An idempotency record.
#[derive(Debug, Clone)]
pub struct Key {
    body: u64,
    /// What is asked for.
    pub lines: Lines,
    /// Sets this attempt apart from one that was given up.
    pub nonce: Uuid,
    order: Option<Uuid>,
}

/// A cart.
#[derive(Debug, Clone, Default)]
pub struct Cart {
    /// What is in it.
    pub lines: Lines,
    /// The order that it became.
    pub order: Option<Uuid>,
}

/// What is written to a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mail {
    /// The job that sends it.
    pub job: Uuid,
    /// What about; the confirmation if nothing.
    pub about: Option<Notice>,
    /// How often it was handed over.
    pub sent: u32,
}

/// An order.
#[derive(Debug, Clone)]
pub struct Order {
    /// What was asked for.
    pub request: Request,
    /// Its reservation.
    pub reservation: Uuid,
    /// Where it stands.
    pub state: State,
    /// What the lines are of, by position.
    pub variants: Vec<Uuid>,
    /// What the ledger says: each entry's name, and its amount.
    pub ledger: Vec<(String, i64)>,
    /// What was written to the customer.
    pub mails: Vec<Mail>,
    /// Shipments by their ids.
    pub shipments: BTreeMap<Uuid, Vec<(u32, i64)>>,
    /// The last job that takes it further.
    pub job: Option<Uuid>,
}

impl Order {
    /// Whether its cart may be ordered again.
    pub fn failed(&self) -> bool {
        matches!(
            self.state.cancelled,
            Some(CancelReason::PaymentFailed | CancelReason::OutOfStock)
        )
    }
}

/// What is still to be written to make a change whole.
#[derive(Debug, Clone, Default)]
pub struct Follows {
    /// Jobs: takes it further, tells the customer, waits for the customer.
    pub advance: bool,
    /// See [`Mail::about`].
    pub mails: Vec<Option<Notice>>,
    /// The customer has so long to confirm.
    pub awaits_customer: bool,
    /// Entries of the ledger.
    pub ledger: Vec<(String, i64)>,
}

/// What the shop keeps.
#[derive(Debug, Default)]
pub struct Shop {
    /// By the ids that follow from who sent what.
    pub keys: BTreeMap<Uuid, Key>,
    /// By number.
    pub carts: Vec<Cart>,
    /// By id.
    pub orders: BTreeMap<Uuid, Order>,
    /// What is wrong with it.
    pub bug: Option<Bug>,
    /// Set when the path said that something does not fit.
    pub contradiction: Option<String>,
}

/// What [`Shop::fix`] found.
pub enum Found {
    /// The order that the request has become.
    Order(Uuid),
    /// What is to be ordered.
    Open(Key),
}

impl Shop {
    fn is(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// The id of a request: the same for the same key of the same customer.
    pub fn attempt(&self, request: &Request) -> Uuid {
        let customer = match self.is(Bug::KeyOfAnybody) {
            true => 0,
            false => request.customer as u128 + 1,
        };
        Uuid::from_u128(0xA << 124 | customer << 64 | u128::from(request.key))
    }

    /// Fixes what is asked for (checkout/fix.rs).
    ///
    /// # Errors
    /// `cart_ordered`, `idempotency_key_reused`.
    pub fn fix(&mut self, id: Uuid, request: &Request, nonce: Uuid) -> Result<Found, Error> {
        let cart = self.carts.get(request.cart).cloned().unwrap_or_default();
        let known = self.keys.get(&id).cloned();
        match (known, cart.order) {
            (Some(known), _) => {
                if known.body != request.body && !self.is(Bug::KeyIgnoresBody) {
                    return Err(Error::unprocessable(
                        codes::IDEMPOTENCY_KEY_REUSED,
                        "another",
                    ));
                }
                Ok(match known.order {
                    Some(order) => Found::Order(order),
                    None => Found::Open(known),
                })
            }
            (None, Some(_)) if !self.is(Bug::CartNotTaken) => {
                Err(Error::conflict(codes::CART_ORDERED, "ordered"))
            }
            (None, _) => {
                let key = Key {
                    body: request.body,
                    lines: cart.lines,
                    nonce,
                    order: None,
                };
                if !self.is(Bug::KeyLost) {
                    self.keys.insert(id, key.clone());
                }
                Ok(Found::Open(key))
            }
        }
    }

    /// Writes the order (checkout/write.rs), whose id is `order` if it is made now.
    ///
    /// # Errors
    /// `cart_ordered`; `unavailable` if the request was given up meanwhile.
    pub fn write(
        &mut self,
        (id, nonce): (Uuid, Uuid),
        order: Uuid,
        new: Order,
    ) -> Result<Written<(Uuid, bool)>, Error> {
        let same = |key: &Key| key.nonce == nonce || self.is(Bug::KeyIgnoresNonce);
        match self.keys.get(&id) {
            Some(key) if !same(key) => return Ok(Written::GivenUp),
            Some(key) => {
                if let Some(other) = key.order {
                    return Ok(Written::Order((other, false)));
                }
            }
            None if !self.is(Bug::KeyLost) => return Ok(Written::GivenUp),
            None => {}
        }
        let blind = self.is(Bug::CartNotTaken);
        let cart = self.carts.get_mut(new.request.cart);
        let cart = cart.ok_or_else(|| Error::conflict(codes::CART_NOT_FOUND, "no cart"))?;
        if cart.order.is_some() && !blind {
            return Err(Error::conflict(codes::CART_ORDERED, "ordered"));
        }
        cart.order = Some(order);
        let answers = !self.is(Bug::KeyNotAnswered);
        if let Some(key) = self.keys.get_mut(&id).filter(|_| answers) {
            key.order = Some(order);
        }
        self.orders.insert(order, new);
        Ok(Written::Order((order, true)))
    }

    /// Forgets a request that still asks for this and has not become an order.
    pub fn forget(&mut self, id: Uuid, nonce: Uuid) -> Forgotten<Uuid> {
        let anyway = self.is(Bug::KeyForgottenAnyway);
        let same = |key: &&Key| key.nonce == nonce || self.is(Bug::KeyIgnoresNonce);
        match self.keys.get(&id).filter(same).map(|key| key.order) {
            Some(Some(order)) if !anyway => Forgotten::Ordered(order),
            Some(_) => {
                self.keys.remove(&id);
                Forgotten::Now
            }
            None => Forgotten::Before,
        }
    }

    /// The order that a request has become.
    pub fn ordered(&self, id: Uuid) -> Option<Uuid> {
        self.keys.get(&id).and_then(|key| key.order)
    }

    /// Applies an event to an order (orders/change.rs), decided on `read` if that was read before.
    /// Gives what is to be written beside it.
    ///
    /// # Errors
    /// `order_not_found`, `order_state`; `contradiction`.
    pub fn change(
        &mut self,
        id: Uuid,
        event: &Event,
        by_job: bool,
        read: Option<&State>,
    ) -> Result<Follows, Error> {
        let repeats = self.is(Bug::EffectsRepeated);
        let order = self.orders.get_mut(&id);
        let order = order.ok_or_else(|| Error::not_found(codes::ORDER_NOT_FOUND, "none"))?;
        let old = read.unwrap_or(&order.state);
        let step = match old.apply(event) {
            Ok(step) => step,
            Err(Refusal::Contradiction) => {
                self.contradiction = Some(format!("{event:?} after {old:?}"));
                return Err(Error::new(Kind::Internal, "contradiction", "people look"));
            }
            Err(Refusal::Reused) => {
                return Err(Error::unprocessable(
                    codes::IDEMPOTENCY_KEY_REUSED,
                    "another",
                ));
            }
            Err(refusal) => {
                return Err(Error::conflict(codes::ORDER_STATE, format!("{refusal:?}")));
            }
        };
        let mut follows = Follows::default();
        let known = step.state == *old;
        if known && repeats && *event == Event::Captured {
            follows
                .ledger
                .push(("captured".to_owned(), order.state.total));
        }
        if known {
            return Ok(follows);
        }
        follows.advance = !step.commands.is_empty() && !by_job;
        order.state = step.state;
        let cart = order.request.cart;
        for effect in step.effects {
            match effect {
                Effect::Ledger {
                    entry,
                    amount,
                    refund,
                } => follows.ledger.push((entry.once(refund), amount)),
                Effect::Notify(notice) => follows.mails.push(Some(notice)),
                Effect::ReopenCart => {
                    let cart = self.carts.get_mut(cart);
                    if let Some(cart) = cart.filter(|cart| cart.order == Some(id)) {
                        cart.order = None;
                    }
                }
                Effect::AwaitCustomer => follows.awaits_customer = true,
                // Discounts and timelines are not played.
                _ => {}
            }
        }
        Ok(follows)
    }
}
