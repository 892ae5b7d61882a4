//! What every handler and job of this service has at hand.

use std::sync::Arc;

use techcommerce_jobs::Queue;
use techcommerce_kernel::{Env, Error, Money};
use techcommerce_mail::Mailer;
use techcommerce_store::Db;

use crate::{
    checkout::Rush, faults::Faults, numbers::Numbers, payment::Providers, products::Products,
    settings::Settings, webhooks::Webhooks,
};

/// Shared by all handlers and jobs; clones are the same.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// See [`App`].
pub struct Inner {
    pub(crate) env: Env,
    pub(crate) db: Db,
    pub(crate) settings: Settings,
    pub(crate) products: Products,
    pub(crate) providers: Providers,
    pub(crate) mailer: Mailer,
    pub(crate) queue: Queue,
    pub(crate) numbers: Numbers,
    pub(crate) faults: Faults,
    pub(crate) rush: Rush,
    pub(crate) metrics: crate::metrics::Metrics,
    pub(crate) webhooks: Webhooks,
}

impl App {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// An amount of the shop's currency.
    pub(crate) fn money(&self, amount: i64) -> Money {
        Money::new(amount, self.settings.currency)
    }

    /// A price that is too large to be computed with.
    pub(crate) fn too_large(&self) -> Error {
        Error::conflict(
            "total_too_large",
            "The total is larger than this shop can compute with. Lower the quantities.",
        )
    }
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
