//! What [`transact!`](crate::transact) is made of.

use std::{future::Future, time::Duration};

use rand::Rng;

use crate::Retry;

/// Tells the compiler the output of an async block.
pub fn typed<T, F: Future<Output = T>>(future: F) -> F {
    future
}

/// Counts how often a transaction was tried.
#[derive(Debug, Default)]
pub struct Attempts(u32);

impl Attempts {
    const MAX: u32 = 10;

    /// Whether to run the transaction again after `error`; if so, after a short random pause, so
    /// that two that collided do not collide again.
    pub async fn again(&mut self, error: &impl Retry) -> bool {
        self.0 += 1;
        if !error.is_contention() || self.0 >= Self::MAX {
            return false;
        }
        let longest = 1_u64 << self.0.min(7);
        #[allow(
            clippy::disallowed_methods,
            reason = "decides a pause, nothing that is kept"
        )]
        let pause = rand::rng().random_range(0..=longest);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        true
    }
}
