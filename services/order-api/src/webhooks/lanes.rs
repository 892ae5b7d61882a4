//! Who may send now: one event at a time to an endpoint, and few altogether, so that slow
//! endpoints hold up neither each other nor the orders whose jobs run beside.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use techcommerce_kernel::{Timestamp, Uuid};

/// Nobody waits longer before asking again: who is slow now may be quick in a moment.
const LONGEST: Duration = Duration::from_secs(60);
/// What an endpoint is thought to need of which nothing is known.
const USUAL: Duration = Duration::from_millis(100);
/// How many endpoints are remembered.
const REMEMBERED: usize = 200;

/// The lanes of one process. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Lanes(Arc<Mutex<Road>>);

#[derive(Debug)]
struct Road {
    /// How many may send at once, and how many do.
    wide: usize,
    sending: usize,
    lanes: HashMap<Uuid, Lane>,
}

#[derive(Debug)]
struct Lane {
    taken: bool,
    /// The last turn that was given to somebody who waits.
    last: Timestamp,
    /// How long the last one took.
    took: Duration,
}

/// The right to send to an endpoint, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    lanes: Lanes,
    endpoint: Uuid,
    took: Duration,
}

impl Turn {
    /// How long it took, for those who wait.
    pub(super) fn took(mut self, took: Duration) {
        self.took = took;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut road = self.lanes.road();
        road.sending -= 1;
        if let Some(lane) = road.lanes.get_mut(&self.endpoint) {
            lane.taken = false;
            lane.took = self.took.max(Duration::from_millis(20));
        }
    }
}

impl Lanes {
    /// Lanes for so many at once, at least one.
    pub(super) fn new(wide: usize) -> Self {
        Self(Arc::new(Mutex::new(Road {
            wide: wide.max(1),
            sending: 0,
            lanes: HashMap::new(),
        })))
    }

    /// The right to send, or after how long to ask again: those who wait are told different times,
    /// each as much longer as one takes, so that they do not all come at once.
    ///
    /// # Errors
    /// That time.
    pub(super) fn enter(&self, endpoint: Uuid, now: Timestamp) -> Result<Turn, Duration> {
        let mut road = self.road();
        if road.lanes.len() >= REMEMBERED {
            road.lanes.retain(|_, lane| lane.taken);
        }
        let free = road.sending < road.wide;
        let lane = road.lanes.entry(endpoint).or_insert(Lane {
            taken: false,
            last: now,
            took: USUAL,
        });
        if free && !lane.taken {
            lane.taken = true;
            let took = lane.took;
            road.sending += 1;
            return Ok(Turn {
                lanes: self.clone(),
                endpoint,
                took,
            });
        }
        let turn = lane.last.max(now) + lane.took;
        lane.last = if turn > now + LONGEST { now } else { turn };
        Err(turn.since(now).min(LONGEST))
    }

    fn road(&self) -> MutexGuard<'_, Road> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Uuid = Uuid::from_u128(1);
    const QUICK: Uuid = Uuid::from_u128(2);
    const THIRD: Uuid = Uuid::from_u128(3);

    #[test]
    fn one_at_a_time_to_each_and_few_altogether() {
        let lanes = Lanes::new(2);
        let now = Timestamp::from_micros(0);
        let slow = lanes.enter(SLOW, now).unwrap();
        assert!(lanes.enter(SLOW, now).is_err());
        let quick = lanes.enter(QUICK, now).unwrap();
        assert!(lanes.enter(THIRD, now).is_err());
        drop(quick);
        let third = lanes.enter(THIRD, now).unwrap();
        drop(slow);
        assert!(lanes.enter(SLOW, now).is_ok());
        drop(third);
    }

    #[test]
    fn who_waits_is_told_a_time_of_their_own_and_never_a_late_one() {
        let lanes = Lanes::new(1);
        let now = Timestamp::from_micros(0);
        lanes
            .enter(SLOW, now)
            .unwrap()
            .took(Duration::from_secs(15));
        let _sending = lanes.enter(SLOW, now).unwrap();
        let mut told = |_| lanes.enter(SLOW, now).unwrap_err().as_secs();
        let told: Vec<u64> = (0..6).map(&mut told).collect();
        assert_eq!(told, [15, 30, 45, 60, 60, 15]);
    }
}
