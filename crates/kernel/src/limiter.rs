//! Limits of a rate, by key, in bounded memory.
//!
//! The generic cell rate algorithm: for each key one point in time says until when its allowance
//! is used up in advance. The time is handed in, so that a test decides it.

use std::{
    borrow::Borrow,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{Timestamp, recent::Recent};

/// How much is allowed: `burst` at once, and one more after each `every`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many are allowed at once; at least one.
    pub burst: u32,
    /// How long it takes until one more is allowed.
    pub every: Duration,
}

impl Quota {
    /// `burst` at once and one more after each `every`.
    pub const fn new(burst: u32, every: Duration) -> Self {
        Self { burst, every }
    }

    /// `count` in a minute, all of which may come at once.
    pub fn per_minute(count: u32) -> Self {
        let count = count.max(1);
        Self::new(count, Duration::from_secs(60) / count)
    }

    /// How long until one more is allowed, in microseconds; at least one.
    pub fn step_micros(self) -> i64 {
        i64::try_from(self.every.as_micros())
            .unwrap_or(i64::MAX)
            .max(1)
    }

    /// How long until the whole burst is allowed again, in microseconds.
    pub fn window_micros(self) -> i64 {
        self.step_micros()
            .saturating_mul(i64::from(self.burst.max(1)))
    }

    /// What is left when the allowance is used up until `used_until`, in microseconds since 1970.
    pub fn allowance(self, used_until: i64, now: Timestamp) -> Allowance {
        let used = used_until.saturating_sub(now.as_micros());
        let free = self.window_micros().saturating_sub(used) / self.step_micros();
        Allowance {
            limit: self.burst.max(1),
            remaining: u32::try_from(free).unwrap_or(0),
            reset: micros(used),
        }
    }

    /// Until when the allowance is used up, by a clock on which it is `now`. Nobody uses up more than the
    /// window: a little beyond it is the difference of two clocks, and all is used up; far beyond it
    /// was written by a clock that was ahead, and would shut somebody out until it is that time.
    fn used_until(self, before: i64, now: i64) -> i64 {
        let window = self.window_micros();
        match before.saturating_sub(now) {
            ahead if ahead > window.saturating_mul(2) => now,
            ahead => now.saturating_add(ahead.clamp(0, window)),
        }
    }

    /// The refusal when one is allowed again after `wait` microseconds.
    pub fn exhausted(self, wait: i64) -> Exhausted {
        Exhausted {
            limit: self.burst.max(1),
            retry_after: micros(wait),
        }
    }
}

/// What is left of an allowance after one was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// How many are allowed at once.
    pub limit: u32,
    /// How many more are allowed now.
    pub remaining: u32,
    /// After how long the whole burst is allowed again.
    pub reset: Duration,
}

/// Too many: nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted {
    /// How many are allowed at once.
    pub limit: u32,
    /// After how long one is allowed again.
    pub retry_after: Duration,
}

/// Counts against one [`Quota`] for each key, and remembers a bounded number of keys: a key that
/// is in use is kept, a flood of new ones costs neither memory nor time.
#[derive(Debug)]
pub struct Limiter<K> {
    quota: Quota,
    used_until: Mutex<Recent<K, i64>>,
}

impl<K: Hash + Eq> Limiter<K> {
    /// A limiter that remembers at most `capacity` keys.
    pub fn new(quota: Quota, capacity: usize) -> Self {
        Self {
            quota,
            used_until: Mutex::new(Recent::new(capacity)),
        }
    }

    /// Takes one from the allowance of `key`.
    ///
    /// # Errors
    /// [`Exhausted`] when nothing is left; then nothing is taken either.
    pub fn take(&self, key: K, now: Timestamp) -> Result<Allowance, Exhausted> {
        let (quota, micros) = (self.quota, now.as_micros());
        let mut known = self.lock();
        let before = known.get(&key).copied().unwrap_or(micros);
        let before = quota.used_until(before, micros);
        let used_until = before.saturating_add(quota.step_micros());
        let wait = used_until
            .saturating_sub(quota.window_micros())
            .saturating_sub(micros);
        if wait > 0 {
            // A key that is refused is in use too: forgotten, it would be allowed again.
            known.insert(key, before);
            return Err(quota.exhausted(wait));
        }
        known.insert(key, used_until);
        Ok(quota.allowance(used_until, now))
    }

    /// Gives back one that was taken, as when only failures are to count.
    pub fn give_back<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let step = self.quota.step_micros();
        if let Some(used_until) = self.lock().get_mut(key) {
            *used_until = used_until.saturating_sub(step);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Recent<K, i64>> {
        self.used_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn micros(count: i64) -> Duration {
    Duration::from_micros(u64::try_from(count).unwrap_or(0))
}

/// What of an address counts as one client: an IPv4 address, or the /64 network of an IPv6 one,
/// as that is what a single customer of a provider gets.
pub fn client_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(
            v6.to_bits() & (u128::from(u64::MAX) << 64),
        )),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_an_address_or_a_network() {
        let same = |a: &str, b: &str| {
            client_network(a.parse().unwrap()) == client_network(b.parse().unwrap())
        };
        assert!(same("2001:db8::1", "2001:db8::ffff:1:2:3"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }

    const QUOTA: Quota = Quota::new(3, Duration::from_secs(10));
    const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    #[test]
    fn a_burst_then_one_by_one() {
        let limiter = Limiter::new(QUOTA, 100);
        for remaining in [2, 1, 0] {
            assert_eq!(limiter.take("a", START).unwrap().remaining, remaining);
        }
        let refused = limiter
            .take("a", START + Duration::from_secs(4))
            .unwrap_err();
        assert_eq!(refused.retry_after, Duration::from_secs(6));
        assert!(limiter.take("b", START).is_ok(), "keys do not share");
        assert!(
            limiter
                .take("a", START + refused.retry_after + Duration::from_secs(4))
                .is_ok()
        );
        assert!(limiter.take("a", START + Duration::from_secs(11)).is_err());
        let rested = limiter.take("a", START + Duration::from_secs(100)).unwrap();
        assert_eq!(rested.remaining, 2, "no more than the burst is saved up");
        assert_eq!(rested.reset, Duration::from_secs(10));
    }

    #[test]
    fn a_clock_that_was_ahead_shuts_nobody_out() {
        let limiter = Limiter::new(QUOTA, 100);
        limiter.take("a", START + Duration::from_secs(900)).unwrap();
        assert_eq!(limiter.take("a", START).unwrap().remaining, 2);
        // A second back is no way to a new burst.
        while limiter.take("a", START).is_ok() {}
        let back = Timestamp::from_micros(START.as_micros() - 1_000_000);
        let refused = limiter.take("a", back).unwrap_err();
        assert_eq!(refused.retry_after, QUOTA.every);
        assert!(limiter.take("a", back + QUOTA.every).is_ok());
    }

    #[test]
    fn what_is_given_back_is_allowed_again() {
        let limiter = Limiter::new(QUOTA, 100);
        for _ in 0..20 {
            assert!(limiter.take("a".to_owned(), START).is_ok());
            limiter.give_back("a");
        }
    }

    #[test]
    fn memory_is_bounded_and_a_busy_key_is_kept() {
        let limiter = Limiter::new(QUOTA, 100);
        for _ in 0..3 {
            limiter.take(-1, START).unwrap();
        }
        for key in 0..49 {
            limiter.take(key, START).unwrap();
        }
        assert!(limiter.take(-1, START).is_err(), "still remembered");
        for key in 0..10_000 {
            let _ = limiter.take(key, START);
        }
        assert!(limiter.lock().len() <= 100);
    }
}
