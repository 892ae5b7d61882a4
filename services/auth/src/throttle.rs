//! Slows down guessing, in memory. Only what fails counts.
//!
//! Failures are counted for an account from one client address, so that nobody locks somebody
//! else out by guessing; for a client address with whichever accounts; and, much wider, for an
//! account from wherever, which slows down those who guess from many addresses.
//!
//! Each replica counts by itself; the edge's limits stand before these.

use std::{net::IpAddr, time::Duration};

use techcommerce_kernel::{
    Env, Error, Limiter, Quota,
    limiter::{Exhausted, client_network},
};

/// How many accounts and addresses are remembered.
const CAPACITY: usize = 20_000;

/// How much may be tried.
#[derive(Debug, Clone, Copy)]
pub struct Quotas {
    /// Wrong passwords for one account from one client address.
    pub failures_per_account_and_address: Quota,
    /// Wrong passwords for one account, from wherever.
    pub failures_per_account: Quota,
    /// Wrong passwords from one client address, for whichever accounts.
    pub failures_per_address: Quota,
    /// New accounts from one client address.
    pub registrations_per_address: Quota,
    /// Mails with a link for a new password to one mail address.
    pub resets_per_account: Quota,
    /// Mails with a link for a new password that one client address asks for.
    pub resets_per_address: Quota,
}

impl Quotas {
    /// Quotas for a shop that lets one client address try to sign in `logins` times a minute.
    ///
    /// Many people may share an address, so it may fail more often at once than a single account.
    pub fn new(logins: u32) -> Self {
        let every = Duration::from_secs(60) / logins.max(1);
        let per_address = Quota::new(logins.saturating_mul(5), every);
        Self {
            failures_per_account_and_address: Quota::new(10, Duration::from_secs(60)),
            failures_per_account: Quota::new(100, Duration::from_secs(10)),
            failures_per_address: per_address,
            registrations_per_address: per_address,
            resets_per_account: Quota::new(3, Duration::from_secs(600)),
            resets_per_address: per_address,
        }
    }
}

impl Default for Quotas {
    fn default() -> Self {
        Self::new(10)
    }
}

/// Counts what is tried.
#[derive(Debug)]
pub struct Throttle {
    env: Env,
    failures_of_pair: Limiter<Pair>,
    failures_of_account: Limiter<String>,
    failures_from: Limiter<IpAddr>,
    registrations_from: Limiter<IpAddr>,
    resets_of_account: Limiter<String>,
    resets_from: Limiter<IpAddr>,
}

/// An account's mail address and where somebody tries to sign in to it.
type Pair = (String, Option<IpAddr>);

/// An attempt that is counted as a failure until it is said to have succeeded: so that many at
/// once count before their outcome is known.
#[derive(Debug)]
#[must_use]
pub struct Attempt<'a> {
    throttle: &'a Throttle,
    pair: Pair,
}

impl Throttle {
    /// Counts against `quotas`.
    pub fn new(env: Env, quotas: Quotas) -> Self {
        Self {
            env,
            failures_of_pair: Limiter::new(quotas.failures_per_account_and_address, CAPACITY),
            failures_of_account: Limiter::new(quotas.failures_per_account, CAPACITY),
            failures_from: Limiter::new(quotas.failures_per_address, CAPACITY),
            registrations_from: Limiter::new(quotas.registrations_per_address, CAPACITY),
            resets_of_account: Limiter::new(quotas.resets_per_account, CAPACITY),
            resets_from: Limiter::new(quotas.resets_per_address, CAPACITY),
        }
    }

    /// Somebody tries a password for the account of `email_key`, whether it exists or not.
    ///
    /// # Errors
    /// `too_many_requests` with the time to wait.
    pub fn password(&self, email_key: &str, address: Option<IpAddr>) -> Result<Attempt<'_>, Error> {
        let now = self.env.now();
        let pair = (email_key.to_owned(), address.map(client_network));
        if let Some(address) = pair.1 {
            self.failures_from.take(address, now).map_err(refused)?;
        }
        let taken = self.failures_of_pair.take(pair.clone(), now).and_then(|_| {
            let taken = self.failures_of_account.take(pair.0.clone(), now);
            taken.inspect_err(|_| self.failures_of_pair.give_back(&pair))
        });
        match taken {
            Ok(_) => Ok(Attempt {
                throttle: self,
                pair,
            }),
            Err(exhausted) => {
                // An attempt that is refused is not counted anywhere.
                if let Some(address) = pair.1 {
                    self.failures_from.give_back(&address);
                }
                Err(refused(exhausted))
            }
        }
    }

    /// Somebody makes an account.
    ///
    /// # Errors
    /// `too_many_requests` with the time to wait.
    pub fn registration(&self, address: Option<IpAddr>) -> Result<(), Error> {
        let Some(address) = address.map(client_network) else {
            return Ok(());
        };
        let taken = self.registrations_from.take(address, self.env.now());
        taken.map(drop).map_err(refused)
    }

    /// Somebody asks for a mail to `email_key`.
    ///
    /// # Errors
    /// `too_many_requests` with the time to wait.
    pub fn reset(&self, email_key: &str, address: Option<IpAddr>) -> Result<(), Error> {
        let now = self.env.now();
        if let Some(address) = address.map(client_network) {
            self.resets_from.take(address, now).map_err(refused)?;
        }
        let taken = self.resets_of_account.take(email_key.to_owned(), now);
        taken.map(drop).map_err(refused)
    }
}

impl Attempt<'_> {
    /// The password was right, or it could not be found out: the attempt does not count.
    pub fn forgiven(self) {
        self.throttle.failures_of_pair.give_back(&self.pair);
        self.throttle.failures_of_account.give_back(&self.pair.0);
        if let Some(address) = self.pair.1 {
            self.throttle.failures_from.give_back(&address);
        }
    }
}

fn refused(exhausted: Exhausted) -> Error {
    // Whole seconds, rounded up: who waits that long is let through.
    let seconds = exhausted.retry_after.as_secs_f64().ceil().max(1.0);
    Error::too_many(
        "That was tried too often. Please wait a moment and try again.",
        Duration::from_secs_f64(seconds),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle() -> (Throttle, techcommerce_kernel::ManualClock) {
        let (env, clock) = techcommerce_testkit::env();
        (Throttle::new(env, Quotas::default()), clock)
    }

    #[test]
    fn failures_count_and_successes_do_not() {
        let (throttle, clock) = throttle();
        let address = Some("192.0.2.1".parse().unwrap());
        for _ in 0..100 {
            throttle
                .password("jo@example.com", address)
                .unwrap()
                .forgiven();
        }
        for _ in 0..10 {
            let _failed = throttle.password("jo@example.com", address).unwrap();
        }
        let error = throttle.password("jo@example.com", address).unwrap_err();
        assert_eq!(error.code(), "too_many_requests");
        assert_eq!(error.retry_after_hint(), Some(Duration::from_secs(60)));
        let _other = throttle.password("other@example.com", address).unwrap();
        clock.advance(Duration::from_secs(60));
        assert!(throttle.password("jo@example.com", address).is_ok());
    }

    #[test]
    fn nobody_locks_somebody_else_out() {
        let (throttle, clock) = throttle();
        let stranger = Some("192.0.2.66".parse().unwrap());
        let owner = Some("198.51.100.7".parse().unwrap());
        for _ in 0..100 {
            let _ = throttle.password("jo@example.com", stranger);
            assert!(
                throttle
                    .password("jo@example.com", owner)
                    .map(Attempt::forgiven)
                    .is_ok()
            );
            clock.advance(Duration::from_secs(1));
        }
    }

    #[test]
    fn many_addresses_are_slowed_down_together() {
        let (throttle, _clock) = throttle();
        let tried = (0..250_u8).filter(|n| {
            let address = Some(IpAddr::from([192, 0, 2, *n]));
            throttle.password("jo@example.com", address).is_ok()
        });
        assert_eq!(tried.count(), 100);
    }

    #[test]
    fn one_address_cannot_try_many_accounts() {
        let (throttle, _clock) = throttle();
        let address = Some("2001:db8::1".parse().unwrap());
        let tried = (0..200)
            .filter(|n| {
                throttle
                    .password(&format!("{n}@example.com"), address)
                    .is_ok()
            })
            .count();
        assert_eq!(tried, 50);
        let neighbour = Some("2001:db8::2".parse().unwrap());
        assert!(throttle.registration(neighbour).is_ok());
        assert!(throttle.password("x@example.com", neighbour).is_err());
    }

    #[test]
    fn mails_are_few() {
        let (throttle, _clock) = throttle();
        let asked = (0..10)
            .filter(|_| throttle.reset("jo@example.com", None).is_ok())
            .count();
        assert_eq!(asked, 3);
    }
}
