//! The way to payment providers.
//!
//! Every step carries an idempotency key that follows from the order and the step, so that a step
//! that is asked for again is the same step. A void is final: an authorisation under the same
//! payment that arrives after it is refused.
//!
//! An error of a call says nothing about what happened outside; the same call is simply made
//! again. [`Answer::Unknown`] is for what the provider itself leaves open.

pub mod books;
pub(crate) mod dealt;
pub(crate) mod disputes;
pub(crate) mod findings;
mod invoice;
mod measured;
pub(crate) mod stripe;
mod test_provider;

use techcommerce_contracts::order_api::PaymentMethod;
use techcommerce_kernel::{Error, Money, Uuid};

pub use books::Operation;
pub use measured::Attempts;
pub use stripe::{Stripe, StripeDeps};
pub use test_provider::TestProvider;

/// What a provider says to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It happened.
    Done,
    /// The customer has to confirm it at the provider.
    Action,
    /// It did not happen and never will.
    Refused,
    /// Nobody knows; look it up later.
    Unknown,
    /// The provider never saw it.
    NotSeen,
}

/// An answer, and whether it came twice, as notifications of real providers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// What it says.
    pub answer: Answer,
    /// Whether it came once more.
    pub twice: bool,
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self {
            answer,
            twice: false,
        }
    }
}

/// One payment at a provider.
#[derive(Clone)]
pub struct Charge {
    /// Names the payment: the order.
    pub payment: Uuid,
    /// The order's total.
    pub total: Money,
    /// What the provider's form gave.
    pub token: Option<String>,
}

impl Charge {
    /// The key of a step: the same whenever the step is asked for again.
    pub fn key(&self, operation: Operation) -> String {
        match operation {
            Operation::Refund(id) => format!("{}:refund:{id}", self.payment),
            operation => format!("{}:{}", self.payment, operation.name()),
        }
    }
}

/// A payment provider.
///
/// A new one becomes a variant of [`Way`] and a module beside [`Stripe`]; nothing else knows which
/// there are.
#[derive(Clone)]
pub struct Provider {
    way: Way,
    attempts: Attempts,
}

#[derive(Clone)]
enum Way {
    /// For trials: its tokens decide what happens.
    Test(TestProvider),
    /// By card.
    Stripe(Box<Stripe>),
    /// Nobody: the customer pays later by bank transfer.
    Invoice,
}

impl Provider {
    /// Has the total held.
    ///
    /// # Errors
    /// When the provider cannot be reached; the same for all that follow.
    pub async fn authorise(&self, charge: &Charge) -> Result<Reply, Error> {
        self.operate(charge, Operation::Authorise, charge.total.amount)
            .await
    }

    /// Takes the total that is held.
    pub async fn capture(&self, charge: &Charge) -> Result<Reply, Error> {
        self.operate(charge, Operation::Capture, charge.total.amount)
            .await
    }

    /// Lets go of what is held, or may still come to be held. [`Answer::Refused`] says that the
    /// money was taken already.
    pub async fn void(&self, charge: &Charge) -> Result<Reply, Error> {
        self.operate(charge, Operation::Void, charge.total.amount)
            .await
    }

    /// Pays `amount` minor units back.
    pub async fn refund(&self, charge: &Charge, id: Uuid, amount: i64) -> Result<Reply, Error> {
        self.operate(charge, Operation::Refund(id), amount).await
    }

    /// Asks what became of a step.
    pub async fn lookup(&self, charge: &Charge, operation: Operation) -> Result<Reply, Error> {
        match &self.way {
            Way::Test(provider) => {
                let asking = provider.lookup(charge, operation);
                self.attempts.measure("test", operation, asking).await
            }
            Way::Stripe(provider) => {
                let asking = provider.lookup(charge, operation);
                self.attempts.measure("stripe", operation, asking).await
            }
            Way::Invoice => Ok(invoice::answer(operation).into()),
        }
    }

    async fn operate(
        &self,
        charge: &Charge,
        operation: Operation,
        amount: i64,
    ) -> Result<Reply, Error> {
        match &self.way {
            Way::Test(provider) => {
                let asking = provider.operate(charge, operation, amount);
                self.attempts.measure("test", operation, asking).await
            }
            Way::Stripe(provider) => {
                let asking = provider.operate(charge, operation, amount);
                self.attempts.measure("stripe", operation, asking).await
            }
            Way::Invoice => Ok(invoice::answer(operation).into()),
        }
    }
}

/// The providers that this shop offers.
#[derive(Clone)]
pub struct Providers {
    test: TestProvider,
    stripe: Option<Stripe>,
    attempts: Attempts,
}

impl Providers {
    /// All that there are, and where what is asked of them is measured.
    pub fn new(test: TestProvider, stripe: Option<Stripe>, attempts: Attempts) -> Self {
        Self {
            test,
            stripe,
            attempts,
        }
    }

    /// Stripe, if the shop has it.
    pub fn stripe(&self) -> Option<&Stripe> {
        self.stripe.as_ref()
    }

    /// The provider of a method.
    ///
    /// # Errors
    /// `unavailable` for a method that this process has not the means for: orders that were paid
    /// by it go on when it has.
    pub fn of(&self, method: PaymentMethod) -> Result<Provider, Error> {
        let way = match method {
            PaymentMethod::Test => Way::Test(self.test.clone()),
            PaymentMethod::Invoice => Way::Invoice,
            PaymentMethod::Stripe => {
                let stripe = self.stripe.clone().ok_or_else(|| {
                    Error::unavailable("The payment provider is not set up.")
                        .caused_by("stripe.secret_key is not set")
                })?;
                Way::Stripe(Box::new(stripe))
            }
        };
        Ok(Provider {
            way,
            attempts: self.attempts.clone(),
        })
    }
}
