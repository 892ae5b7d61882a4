//! Telling the workers in this process that there is something to do.

use std::sync::Arc;

use tokio::sync::watch;

/// Wakes the workers of a queue. Clones wake the same ones.
///
/// It only saves the wait for the next poll; a wake-up that is lost loses nothing. Workers in
/// other processes poll; whoever listens to the database's notifications calls [`Wake::wake`].
#[derive(Debug, Clone)]
pub struct Wake(Arc<watch::Sender<u64>>);

impl Default for Wake {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Wake {
    /// Wakes all that sleep now, and those that are about to. Call it after the commit.
    pub fn wake(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Somebody who can be woken from now on.
    pub fn sleeper(&self) -> Sleeper {
        Sleeper {
            woken: self.0.subscribe(),
            _wake: self.clone(),
        }
    }
}

/// Waits for a [`Wake`]. A wake-up between two waits is not missed.
#[derive(Debug)]
pub struct Sleeper {
    woken: watch::Receiver<u64>,
    /// Holds a sender, so that the channel never closes.
    _wake: Wake,
}

impl Sleeper {
    /// Returns at the next wake-up, or at once if there was one since the last call.
    pub async fn wait(&mut self) {
        // Fails only if the channel is closed, which it never is.
        let _ = self.woken.changed().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wake_up_before_the_wait_is_not_missed() {
        let wake = Wake::default();
        let mut sleeper = wake.sleeper();
        wake.wake();
        wake.clone().wake();
        sleeper.wait().await;
        let waited = tokio::time::timeout(std::time::Duration::from_millis(5), sleeper.wait());
        assert!(
            waited.await.is_err(),
            "two wake-ups before one wait are one"
        );
    }
}
