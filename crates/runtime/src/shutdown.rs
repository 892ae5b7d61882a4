//! The wish to stop, as a value that is handed down.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use techcommerce_kernel::Error;
use tokio_util::sync::CancellationToken;

/// The wish to stop. Clones share it; a child stops with its parent, or alone.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    token: CancellationToken,
    wish: Arc<Wish>,
}

/// Whether it was asked for, beside the token: a token takes a lock to say so, and every request
/// wants to know.
#[derive(Debug, Default)]
struct Wish {
    requested: AtomicBool,
    parent: Option<Arc<Wish>>,
}

impl Shutdown {
    /// Nobody wishes to stop yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks all who hold a clone or a child to stop.
    pub fn request(&self) {
        // Before it wakes anybody who may look.
        self.wish.requested.store(true, Ordering::Release);
        self.token.cancel();
    }

    /// Whether a stop was asked for.
    pub fn is_requested(&self) -> bool {
        std::iter::successors(Some(&self.wish), |wish| wish.parent.as_ref())
            .any(|wish| wish.requested.load(Ordering::Acquire))
    }

    /// Waits until a stop is asked for.
    pub async fn requested(&self) {
        self.token.cancelled().await;
    }

    /// One that is requested with this one, or alone.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            token: self.token.child_token(),
            wish: Arc::new(Wish {
                requested: AtomicBool::new(false),
                parent: Some(Arc::clone(&self.wish)),
            }),
        }
    }

    /// The same as a token of `tokio_util`, to wait for in code that knows nothing of this crate.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }
}

/// Turns signals into wishes: the first SIGTERM or SIGINT (Ctrl-C) requests `shutdown`, the
/// second calls `at_once`, which is expected to end the process.
///
/// Returns when the handlers are in place.
///
/// # Errors
/// `internal` if the system refuses a handler.
pub fn end_on_signals(
    shutdown: Shutdown,
    at_once: impl FnOnce() + Send + 'static,
) -> Result<(), Error> {
    let mut signals = Signals::listen()?;
    tokio::spawn(async move {
        let name = signals.next().await;
        tracing::info!(
            signal = name,
            "stopping; what is under way is finished first, a second signal ends at once"
        );
        shutdown.request();
        let name = signals.next().await;
        tracing::warn!(signal = name, "a second signal: ending at once");
        at_once();
    });
    Ok(())
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Result<Self, Error> {
        Ok(Self)
    }

    async fn next(&mut self) -> &'static str {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "Ctrl-C"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_child_stops_with_its_parent_or_alone() {
        let parent = Shutdown::new();
        let (one, two) = (parent.child(), parent.child());
        one.request();
        one.requested().await;
        assert!(one.is_requested() && !parent.is_requested() && !two.is_requested());
        parent.request();
        assert!(two.child().is_requested());
        two.requested().await;
        assert!(two.token().is_cancelled());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_first_signal_asks_and_the_second_ends() {
        let send = |signal: &str| {
            let own = std::process::id().to_string();
            let kill = std::process::Command::new("kill")
                .args([signal, &own])
                .status();
            assert!(kill.unwrap().success());
        };
        let shutdown = Shutdown::new();
        let (at_once, ended) = tokio::sync::oneshot::channel();
        end_on_signals(shutdown.clone(), || at_once.send(()).unwrap()).unwrap();
        send("-TERM");
        shutdown.requested().await;
        send("-INT");
        ended.await.unwrap();
    }
}
