//! How often one client may ask.
//!
//! Who shows a good credential is counted by account or API key, everyone else by address: in
//! Redis for all replicas together if there is one, else in memory.

mod shared;

use std::{fmt::Display, hash::Hash, net::IpAddr, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use techcommerce_contracts::Principal;
use techcommerce_kernel::{
    Env, Error, Limiter, Quota, Timestamp, Uuid,
    limiter::{Allowance, Exhausted, client_network},
};

pub use shared::SharedLimits;

/// How many clients are remembered.
const CAPACITY: usize = 50_000;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Counts requests.
#[derive(Debug)]
pub struct RateLimits {
    env: Env,
    addresses: Counter<IpAddr>,
    holders: Counter<Uuid>,
    guarded: Counter<IpAddr>,
}

/// One kind of count.
#[derive(Debug)]
struct Counter<K> {
    name: &'static str,
    quota: Quota,
    /// Counts when nobody shares, or Redis is away.
    alone: Limiter<K>,
    shared: Option<SharedLimits>,
}

impl<K: Hash + Eq + Copy + Display> Counter<K> {
    fn new(name: &'static str, per_minute: u32, shared: Option<SharedLimits>) -> Self {
        let quota = Quota::per_minute(per_minute);
        Self {
            name,
            quota,
            alone: Limiter::new(quota, CAPACITY),
            shared,
        }
    }

    async fn take(&self, key: K, now: Timestamp) -> Result<Allowance, Refused> {
        let together = match &self.shared {
            // On the heap, for its place is taken by every request, also where nothing is shared.
            Some(shared) => Box::pin(shared.take(&self.key(key), self.quota, now)).await,
            None => None,
        };
        let taken = together.unwrap_or_else(|| self.alone.take(key, now));
        taken.map_err(refused)
    }

    async fn give_back(&self, key: K, now: Timestamp) {
        let together = match &self.shared {
            Some(shared) => Box::pin(shared.give_back(&self.key(key), self.quota, now)).await,
            None => false,
        };
        if !together {
            self.alone.give_back(&key);
        }
    }

    fn key(&self, key: K) -> String {
        format!("{}:{key}", self.name)
    }
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
    pub fn new(env: Env, requests: u32, guarded: u32, shared: Option<SharedLimits>) -> Self {
        Self {
            env,
            addresses: Counter::new("address", requests, shared.clone()),
            holders: Counter::new("holder", requests, shared.clone()),
            guarded: Counter::new("guarded", guarded, shared),
        }
    }

    /// A request from an address, before it is known who holds its credential.
    ///
    /// # Errors
    /// [`Refused`] when the address has used up what it may.
    pub async fn address(
        &self,
        address: Option<IpAddr>,
        guarded: bool,
    ) -> Result<Option<Told>, Refused> {
        let Some(network) = address.map(client_network) else {
            return Ok(None);
        };
        let now = self.env.now();
        if guarded {
            self.guarded.take(network, now).await?;
        }
        let taken = self.addresses.take(network, now).await?;
        Ok(Some(told(taken)))
    }

    /// The request's credential is good: its holder's allowance counts, not the address's.
    ///
    /// # Errors
    /// [`Refused`] when the holder has used up what it may.
    pub async fn holder(
        &self,
        address: Option<IpAddr>,
        holder: &Principal,
    ) -> Result<Option<Told>, Refused> {
        let (Principal::Account { id, .. } | Principal::ApiKey { id, .. }) = holder else {
            return Ok(None);
        };
        let now = self.env.now();
        if let Some(network) = address.map(client_network) {
            self.addresses.give_back(network, now).await;
        }
        let taken = self.holders.take(*id, now).await?;
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
