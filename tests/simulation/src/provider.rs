//! The payment provider: the rules of order-api's provider for trials ([`Book`]), its keys, and beside
//! it customers who are asked to confirm, and notifications. tests/provider.rs holds the keys against
//! the real ones.

use std::collections::BTreeMap;

use techcommerce_kernel::Uuid;
use techcommerce_order_api::simulated::{
    Answer,
    books::{Behaviour, Book, Decision, Operation},
};

/// A payment there.
#[derive(Debug, Clone)]
pub struct Payment {
    /// For which order.
    pub order: Uuid,
    /// What was done.
    pub book: Book,
    behaviour: Behaviour,
}

/// What the provider says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// As any provider, and perhaps twice.
    Answer(Answer, bool),
    /// The customer has to confirm first.
    ActionRequired,
}

/// What is asked of the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The payment's name.
    pub payment: Uuid,
    /// The order that it is for.
    pub order: Uuid,
    /// How it behaves.
    pub behaviour: Behaviour,
    /// The step.
    pub operation: Operation,
    /// Its idempotency key.
    pub key: String,
    /// Minor units.
    pub amount: i64,
}

/// The provider.
#[derive(Debug, Default)]
pub struct Provider {
    /// By their names.
    pub payments: BTreeMap<Uuid, Payment>,
    operations: BTreeMap<String, Answer>,
    /// Orders whose customers have to confirm, and have not.
    /// Each with what was asked for, which goes on when they have.
    waiting: BTreeMap<Uuid, Option<Request>>,
}

impl Provider {
    /// Customers of this order are asked to confirm its payment.
    pub fn ask_customer(&mut self, order: Uuid) {
        self.waiting.insert(order, None);
    }

    /// The customer confirms what was asked for; gives whether there was something to confirm.
    pub fn confirm(&mut self, order: Uuid) -> bool {
        let asked_for = match self.waiting.get(&order) {
            Some(Some(request)) => request.clone(),
            _ => return false,
        };
        self.waiting.remove(&order);
        self.operate(&asked_for);
        true
    }

    fn open(&mut self, request: &Request) -> &mut Payment {
        let new = || Payment {
            order: request.order,
            book: Book {
                state: "new".to_owned(),
                captured: 0,
                refunded: 0,
                asked: 0,
            },
            behaviour: request.behaviour,
        };
        self.payments.entry(request.payment).or_insert_with(new)
    }

    /// Whether the customer is yet to confirm what is asked for.
    fn waits(&self, request: &Request) -> bool {
        let state = self.payments.get(&request.payment);
        request.operation == Operation::Authorise
            && self.waiting.contains_key(&request.order)
            && state.is_none_or(|payment| payment.book.state == "new")
    }

    /// Does it; the same key again is the same step.
    pub fn operate(&mut self, request: &Request) -> Reply {
        if self.waits(request) {
            self.open(request);
            self.waiting.insert(request.order, Some(request.clone()));
            return Reply::ActionRequired;
        }
        let recorded = self.operations.get(&request.key).copied();
        let payment = self.open(request);
        let behaviour = payment.behaviour;
        let told = match recorded {
            Some(answer) => payment.book.recall(behaviour, request.operation, answer),
            None => {
                let book = &mut payment.book;
                let Decision { recorded, told } =
                    book.operate(behaviour, request.operation, request.amount);
                if let Some(answer) = recorded {
                    self.operations.insert(request.key.clone(), answer);
                }
                told
            }
        };
        Reply::Answer(told, behaviour == Behaviour::Twice)
    }

    /// What became of a step.
    pub fn lookup(&mut self, request: &Request) -> Reply {
        let asked = self.waiting.get(&request.order);
        if self.waits(request) && asked.is_some_and(Option::is_some) {
            return Reply::ActionRequired;
        }
        let recorded = self.operations.get(&request.key).copied();
        let payment = self.open(request);
        let told = match recorded {
            Some(answer) => {
                let behaviour = payment.behaviour;
                payment.book.recall(behaviour, request.operation, answer)
            }
            None => Answer::NotSeen,
        };
        Reply::Answer(told, false)
    }

    /// What was taken and paid back for an order, whatever the payments are called.
    pub fn balance(&self, order: Uuid) -> (i64, i64) {
        let of_order = self.payments.values().filter(|it| it.order == order);
        of_order.fold((0, 0), |(captured, refunded), it| {
            (captured + it.book.captured, refunded + it.book.refunded)
        })
    }

    /// Whether something is held that was neither taken nor let go.
    pub fn holds(&self, order: Uuid) -> bool {
        let mut of_order = self.payments.values().filter(|it| it.order == order);
        of_order.any(|it| it.book.state == "held")
    }
}
