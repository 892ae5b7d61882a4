//! How often one client may ask.
//!
//! Who shows a good credential is counted by account or API key, everyone else by address. In
//! memory, by each replica for itself.

use std::{net::IpAddr, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use techcommerce_contracts::Principal;
use techcommerce_kernel::{
    Env, Error, Limiter, Quota, Uuid,
    limiter::{Allowance, Exhausted, client_network},
};

/// How many clients are remembered.
const CAPACITY: usize = 50_000;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Counts requests.
#[derive(Debug)]
pub struct RateLimits {
    env: Env,
    addresses: Limiter<IpAddr>,
    holders: Limiter<Uuid>,
    guarded: Limiter<IpAddr>,
}

/// What the answer says about the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    limit: u32,
    remaining: u32,
    reset: Duration,
}

/// A request that came too early.
#[derive(Debug)]
pub struct Refused(pub Error, pub Told);

impl RateLimits {
    /// Lets a client do `requests` a minute, of which `guarded` where a password is tried or set.
    pub fn new(env: Env, requests: u32, guarded: u32) -> Self {
        Self {
            env,
            addresses: Limiter::new(Quota::per_minute(requests), CAPACITY),
            holders: Limiter::new(Quota::per_minute(requests), CAPACITY),
            guarded: Limiter::new(Quota::per_minute(guarded), CAPACITY),
        }
    }

    /// A request from an address, before it is known who holds its credential.
    ///
    /// # Errors
    /// [`Refused`] when the address has used up what it may.
    pub fn address(&self, address: Option<IpAddr>, guarded: bool) -> Result<Option<Told>, Refused> {
        let Some(network) = address.map(client_network) else {
            return Ok(None);
        };
        let now = self.env.now();
        if guarded {
            self.guarded.take(network, now).map_err(refused)?;
        }
        let taken = self.addresses.take(network, now).map_err(refused)?;
        Ok(Some(told(taken)))
    }

    /// The request's credential is good: its holder's allowance counts, not the address's.
    ///
    /// # Errors
    /// [`Refused`] when the holder has used up what it may.
    pub fn holder(
        &self,
        address: Option<IpAddr>,
        holder: &Principal,
    ) -> Result<Option<Told>, Refused> {
        let (Principal::Account { id, .. } | Principal::ApiKey { id, .. }) = holder else {
            return Ok(None);
        };
        if let Some(network) = address.map(client_network) {
            self.addresses.give_back(&network);
        }
        let taken = self.holders.take(*id, self.env.now()).map_err(refused)?;
        Ok(Some(told(taken)))
    }
}

impl Told {
    /// Writes it into an answer's headers.
    pub fn write(self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(whole_seconds(self.reset)));
    }
}

fn told(allowance: Allowance) -> Told {
    Told {
        limit: allowance.limit,
        remaining: allowance.remaining,
        reset: allowance.reset,
    }
}

fn refused(exhausted: Exhausted) -> Refused {
    let wait = Duration::from_secs(whole_seconds(exhausted.retry_after).max(1));
    let error = Error::too_many(
        "Too many requests. Please wait as `Retry-After` says.",
        wait,
    );
    let told = Told {
        limit: exhausted.limit,
        remaining: 0,
        reset: wait,
    };
    Refused(error, told)
}

/// Rounded up: who waits that long is let through.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
