//! How long whoever asks for a connection now would wait for it.
//!
//! Connections are what the work of a service queues for, so this says how much there is to do
//! beyond what can be done, before anybody has waited in vain.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::room::{TURNS, Turn};

/// One use counts so much in the mean of all: the last dozen or so decide.
const WEIGHT: u64 = 8;

/// A queue that is younger is a crowd that came in one moment and will be served in the next: only
/// one that stands for longer says that more comes than can be done.
const STANDING: Duration = Duration::from_millis(500);
/// A queue that nobody stood in for so long is gone; the next is a new one.
const CALM: Duration = Duration::from_millis(250);

/// Those who wait for a connection of one pool.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    queue: Mutex<Queue>,
    /// How long a connection is used at a time, in nanoseconds, smoothed.
    mean_use: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    /// Since when, by turn, in the order of coming.
    since: [BTreeMap<u64, Instant>; TURNS],
    /// When this queue came about.
    began: Option<Instant>,
    /// When the last one left it.
    left: Option<Instant>,
}

/// Somebody who waits, until it is dropped.
pub(crate) struct Waiter<'w> {
    waiting: &'w Waiting,
    turn: Turn,
    number: u64,
}

impl Waiting {
    /// Somebody begins to wait.
    pub fn enter(&self, turn: Turn) -> Waiter<'_> {
        let mut queue = self.queue();
        let now = Instant::now();
        let calm = queue.left.is_none_or(|left| now - left > CALM);
        if queue.since.iter().all(BTreeMap::is_empty) && calm {
            queue.began = Some(now);
        }
        let number = queue.next;
        queue.next += 1;
        queue.since[turn as usize].insert(number, now);
        Waiter {
            waiting: self,
            turn,
            number,
        }
    }

    /// Somebody used a connection for so long.
    pub fn used(&self, time: Duration) {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let before = self.mean_use.load(Ordering::Relaxed);
        // Two at once may lose one of them: it is a mean of many.
        let after = before - before / WEIGHT + time / WEIGHT;
        self.mean_use.store(after, Ordering::Relaxed);
    }

    /// How long whoever comes now, in this turn, would wait: as the first of those ahead has waited
    /// already, or as the uses of all of them will take on so many connections, whichever is longer.
    /// The first sees a database that stands still, and that others go before; the second a crowd.
    /// Nothing while the queue is young.
    pub fn ahead(&self, turn: Turn, connections: u32) -> Duration {
        let queue = self.queue();
        let ahead = &queue.since[..=turn as usize];
        let firsts = ahead.iter().filter_map(|turn| turn.values().next());
        let Some(first) = firsts.min() else {
            return Duration::ZERO;
        };
        if queue.began.is_none_or(|began| began.elapsed() < STANDING) {
            return Duration::ZERO;
        }
        let ahead: usize = ahead.iter().map(BTreeMap::len).sum();
        let ahead = u64::try_from(ahead).unwrap_or(u64::MAX);
        let work = self
            .mean_use
            .load(Ordering::Relaxed)
            .saturating_mul(ahead)
            .checked_div(u64::from(connections.max(1)))
            .unwrap_or_default();
        first.elapsed().max(Duration::from_nanos(work))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut queue = self.waiting.queue();
        queue.since[self.turn as usize].remove(&self.number);
        queue.left = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_where_nobody_is() {
        let waiting = Waiting::default();
        waiting.used(Duration::from_secs(100));
        assert_eq!(waiting.ahead(Turn::First, 1), Duration::ZERO);
        drop(waiting.enter(Turn::First));
        tokio::time::advance(STANDING).await;
        assert_eq!(waiting.ahead(Turn::First, 1), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_that_stays_is_an_overload() {
        let waiting = Waiting::default();
        for _ in 0..200 {
            waiting.used(Duration::from_millis(10));
        }
        let crowd: Vec<_> = (0..100).map(|_| waiting.enter(Turn::First)).collect();
        assert_eq!(
            waiting.ahead(Turn::First, 10),
            Duration::ZERO,
            "it came this moment"
        );
        // The crowd changes, the queue stays.
        tokio::time::advance(STANDING).await;
        let next: Vec<_> = (0..100).map(|_| waiting.enter(Turn::First)).collect();
        drop(crowd);
        let first = waiting.ahead(Turn::First, 10).as_millis();
        assert!((90..=100).contains(&first), "{first}");
        drop(next);
        assert_eq!(waiting.ahead(Turn::First, 10), Duration::ZERO);
        let soon = waiting.enter(Turn::First);
        tokio::time::advance(CALM).await;
        assert!(
            waiting.ahead(Turn::First, 10) >= CALM,
            "the same queue, with a gap"
        );
        drop(soon);
        tokio::time::advance(CALM + Duration::from_millis(1)).await;
        let _later = waiting.enter(Turn::First);
        tokio::time::advance(STANDING / 2).await;
        assert_eq!(
            waiting.ahead(Turn::First, 10),
            Duration::ZERO,
            "another queue"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_stands_still_is_seen_by_who_waits() {
        let waiting = Waiting::default();
        let first = waiting.enter(Turn::First);
        tokio::time::advance(Duration::from_secs(2)).await;
        let second = waiting.enter(Turn::First);
        assert_eq!(waiting.ahead(Turn::First, 10), Duration::from_secs(2));
        drop(first);
        assert_eq!(
            waiting.ahead(Turn::First, 10),
            Duration::ZERO,
            "the second has just come"
        );
        drop(second);
    }

    #[tokio::test(start_paused = true)]
    async fn who_ends_does_not_wait_for_who_begins() {
        let waiting = Waiting::default();
        let begins = waiting.enter(Turn::Last);
        tokio::time::advance(STANDING).await;
        assert_eq!(waiting.ahead(Turn::Last, 10), STANDING);
        assert_eq!(waiting.ahead(Turn::Next, 10), Duration::ZERO);
        let _ends = waiting.enter(Turn::First);
        tokio::time::advance(STANDING).await;
        assert_eq!(waiting.ahead(Turn::Next, 10), STANDING);
        assert_eq!(waiting.ahead(Turn::Last, 10), STANDING * 2);
        drop(begins);
        assert_eq!(waiting.ahead(Turn::Last, 10), STANDING);
    }
}
