//! The points where calls to something outside are measured: who calls what, for how long, and
//! how it ended.
//!
//! A client is given a [`Meter`] and wraps each of its calls in [`Meter::measure`]. What becomes of
//! the measurements is decided where the program is put together ([`Measure`]); a meter that was
//! made by [`Meter::default`] is for nobody.

use std::{fmt, sync::Arc, time::Duration};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Called {
    /// It was answered, be it by a refusal that is the caller's own fault.
    Ok,
    /// It could not be made, was broken off, or the other side failed.
    Error,
    /// The answer did not come in time.
    Timeout,
    /// It was not even tried: the other side is known to be away, or has too much to do for us.
    Refused,
}

impl Called {
    /// All, in the order of [`Called::label`]'s values.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Error, Self::Timeout, Self::Refused];

    /// The label for metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
        }
    }
}

/// Takes what was measured at one point.
pub trait Measure: Send + Sync {
    /// A call ended.
    fn called(&self, how: Called, taken: Duration);
    /// From now on calls are refused, or no longer, because the other side is away.
    fn breaker(&self, open: bool);
}

/// Measures the calls of one service to one of its dependencies. Clones are the same.
#[derive(Clone)]
pub struct Meter {
    service: &'static str,
    dependency: &'static str,
    to: Option<Arc<dyn Measure>>,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            service: "nobody",
            dependency: "unknown",
            to: None,
        }
    }
}

impl Meter {
    /// What `service` calls at `dependency` (as `redis`) goes to `to`.
    pub fn new(service: &'static str, dependency: &'static str, to: Arc<dyn Measure>) -> Self {
        Self {
            service,
            dependency,
            to: Some(to),
        }
    }

    /// Who calls.
    pub const fn service(&self) -> &'static str {
        self.service
    }

    /// What is called.
    pub const fn dependency(&self) -> &'static str {
        self.dependency
    }

    /// Makes the call and says how it ended. One that is given up half-way is not counted: it says
    /// nothing of the other side.
    pub async fn measure<T, E>(
        &self,
        call: impl Future<Output = Result<T, E>>,
        how: impl FnOnce(&Result<T, E>) -> Called,
    ) -> Result<T, E> {
        let Some(to) = &self.to else {
            return call.await;
        };
        #[allow(
            clippy::disallowed_methods,
            reason = "measures what really passes; nothing is decided by it"
        )]
        let started = std::time::Instant::now();
        let outcome = call.await;
        to.called(how(&outcome), started.elapsed());
        outcome
    }

    /// A call was not even tried.
    pub fn refused(&self) {
        if let Some(to) = &self.to {
            to.called(Called::Refused, Duration::ZERO);
        }
    }

    /// Says that calls are refused from now on, or no longer.
    pub fn breaker(&self, open: bool) {
        if let Some(to) = &self.to {
            to.breaker(open);
        }
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Meter({} → {})", self.service, self.dependency)
    }
}
