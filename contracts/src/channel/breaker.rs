//! Leaves a service that is away alone for a moment instead of making everyone wait for it.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use techcommerce_kernel::Meter;
use tokio::time::Instant;

/// So many calls in a row without an answer mean that the service is away.
const FAILURES: u32 = 5;
/// How long it is left alone the first time, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A trial that has not ended by then was given up; another may be made.
const TRIAL: Duration = Duration::from_secs(2);

/// Closed while calls are answered; open, so that calls are refused at once, after some in a row
/// were not; then one call at a time tries whether it is back.
#[derive(Debug, Default)]
pub struct Breaker {
    state: Mutex<State>,
    meter: Meter,
}

#[derive(Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant, pause: Duration },
    Trial { until: Instant, pause: Duration },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    /// One that says at `meter` whether it is open.
    pub fn watched(meter: Meter) -> Self {
        meter.breaker(false);
        Self {
            state: Mutex::default(),
            meter,
        }
    }

    /// Whether a call may be made now.
    ///
    /// # Errors
    /// How long until it is worth trying.
    pub fn admit(&self) -> Result<(), Duration> {
        let now = Instant::now();
        let mut state = self.lock();
        match *state {
            State::Closed { .. } => Ok(()),
            State::Open { until, .. } | State::Trial { until, .. } if now < until => {
                Err(until - now)
            }
            State::Open { pause, .. } | State::Trial { pause, .. } => {
                let until = now + TRIAL;
                *state = State::Trial { until, pause };
                Ok(())
            }
        }
    }

    /// A call was answered, with whatever status.
    pub fn answered(&self) {
        let before = std::mem::take(&mut *self.lock());
        if !matches!(before, State::Closed { .. }) {
            self.meter.breaker(false);
        }
    }

    /// A call was not answered.
    pub fn failed(&self) {
        let mut state = self.lock();
        let pause = match *state {
            State::Closed { failures } if failures + 1 < FAILURES => {
                *state = State::Closed {
                    failures: failures + 1,
                };
                return;
            }
            State::Closed { .. } => FIRST_PAUSE,
            // Calls from before it opened end late; they are no news.
            State::Open { .. } => return,
            State::Trial { pause, .. } => (pause * 2).min(LONGEST_PAUSE),
        };
        let until = Instant::now() + pause;
        *state = State::Open { until, pause };
        drop(state);
        self.meter.breaker(true);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breaker: &Breaker, times: u32) {
        for _ in 0..times {
            breaker.admit().unwrap();
            breaker.failed();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn some_failures_in_a_row_open_it_and_one_trial_closes_it() {
        let breaker = Breaker::default();
        fail(&breaker, FAILURES - 1);
        breaker.answered();
        fail(&breaker, FAILURES - 1);
        assert!(breaker.admit().is_ok(), "an answer in between counts");
        breaker.failed();
        assert_eq!(breaker.admit(), Err(FIRST_PAUSE));
        tokio::time::advance(FIRST_PAUSE).await;
        assert!(breaker.admit().is_ok(), "one may try");
        assert!(breaker.admit().is_err(), "and no other meanwhile");
        breaker.answered();
        assert!(breaker.admit().is_ok());
        fail(&breaker, FAILURES - 1);
        assert!(breaker.admit().is_ok(), "it counts anew");
    }

    #[tokio::test(start_paused = true)]
    async fn the_pause_grows_to_its_limit() {
        let breaker = Breaker::default();
        fail(&breaker, FAILURES);
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let pause = breaker.admit().unwrap_err();
            pauses.push(pause.as_millis());
            tokio::time::advance(pause).await;
            fail(&breaker, 1);
        }
        assert_eq!(pauses, [250, 500, 1000, 2000, 2000, 2000]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_is_given_up_does_not_keep_it_shut() {
        let breaker = Breaker::default();
        fail(&breaker, FAILURES);
        tokio::time::advance(FIRST_PAUSE).await;
        assert!(breaker.admit().is_ok());
        tokio::time::advance(TRIAL).await;
        assert!(breaker.admit().is_ok());
    }
}
