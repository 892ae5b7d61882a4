//! Pictures that lie outside: fetched by the worker, checked by the image service, and put in the
//! place of their addresses.
//!
//! A picture that is to be fetched is a row, written in the transaction that gives the product its
//! address ([`want`]). One job fetches what is due, a few at a time, and asks to be run again
//! while there is more ([`job`]). Who an address may belong to is decided by
//! [`guard`](techcommerce_http::outward::guard).

mod fetch;
mod job;
mod wanted;

use std::fmt;

use techcommerce_contracts::{Channel, ServiceTokens};
use techcommerce_kernel::Meter;

pub use fetch::{Fetcher, Refused};
pub(crate) use job::{FetchPictures, KIND};
pub use techcommerce_http::outward::guard::HostsAllowed;
pub use wanted::{failures, fetch_rest, prune, tally, want, want_failed};

/// What fetching pictures needs.
#[derive(Clone)]
pub struct PictureDeps {
    /// The way to the image service.
    pub images: Channel,
    /// What is shown to it.
    pub tokens: ServiceTokens,
    /// Hosts and networks inside that pictures may come from; see [`HostsAllowed`].
    pub hosts_allowed: HostsAllowed,
    /// Measures the calls to where pictures lie.
    pub meter: Meter,
}

impl fmt::Debug for PictureDeps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PictureDeps")
            .field("hosts_allowed", &self.hosts_allowed)
            .finish_non_exhaustive()
    }
}
