//! What systemd is told where it started us (`Type=notify`, `WatchdogSec=`): that the shop is open,
//! that it lives, that it stops. Anywhere else all of this does nothing.

use std::time::Duration;

use sd_notify::NotifyState;
use techcommerce_runtime::Shutdown;
use tokio::time::{MissedTickBehavior, interval};

/// Tells that the shop is open, then keeps the watchdog quiet for as long as requests could be
/// served: it runs where they do. The task ends with the runtime.
pub fn supervise(shutdown: Shutdown) {
    tell(&NotifyState::Ready);
    tokio::spawn(async move {
        let stopping = async {
            shutdown.requested().await;
            tell(&NotifyState::Stopping);
        };
        tokio::join!(stopping, keep_quiet());
    });
}

/// Answers the watchdog twice as often as it asks, if there is one.
async fn keep_quiet() {
    let Some(patience) = sd_notify::watchdog_enabled().filter(|time| !time.is_zero()) else {
        return;
    };
    let mut beat = interval((patience / 2).max(Duration::from_millis(1)));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        tell(&NotifyState::Watchdog);
    }
}

fn tell(state: &NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(std::slice::from_ref(state)) {
        tracing::warn!(%error, "systemd does not hear us");
    }
}
