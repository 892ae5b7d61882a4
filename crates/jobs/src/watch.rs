//! Looking at how a service's things stand, for its gauges.
//!
//! The worker has the databases of all services, so it looks for all of them, every few seconds.
//! Several workers look at the same and tell the same.

use std::sync::Arc;

use async_trait::async_trait;
use techcommerce_kernel::Error;
use techcommerce_telemetry::Telemetry;

/// Looks at something and sets its gauges. It is asked every ten seconds or so: let it be a few
/// statements that an index answers.
#[async_trait]
pub trait Watch: Send + Sync + 'static {
    /// Looks once.
    async fn look(&self) -> Result<(), Error>;
}

/// Makes a watch where somebody wants it: whoever does not look has no gauges either, instead of
/// ones that say zero.
pub(crate) type MakeWatch = Arc<dyn Fn(&Telemetry) -> Box<dyn Watch> + Send + Sync>;
