//! The server side of HTTP, the same for every service.
//!
//! A service builds a plain [`axum::Router`] with handlers that take our extractors ([`Json`],
//! [`Query`], [`Path`], [`Caller`], [`Signed`], [`Staff`], [`Admin`], [`ServiceOnly`]) and return
//! [`ApiResult`], and wraps it once in [`service_stack`]. All that must not be forgotten is in
//! there: who calls, request ids, traces, metrics, logs, limits, and the health paths. A public path
//! stands once, in a list that [`endpoints`] reads into the router and into the document. What only
//! the public edges need is in [`edge`]; the way out to servers of others begins in [`outward`].

mod arrival;
pub mod cursor;
pub mod edge;
pub mod endpoints;
mod error;
pub mod etag;
mod extract;
mod health;
mod identity;
mod observe;
pub mod outward;
mod pace;
mod shedding;
mod stack;

pub use edge::{
    client::{ClientAddress, PeerAddress, TrustedProxies},
    compression::{Packed, compress},
    headers::{SecurityHeaders, security_headers},
    origin::{OriginCheck, check_origin},
};
pub use error::{ApiError, ApiResult, log_error};
pub use extract::{Json, Path, Query};
pub use health::{Check, Health, Report, State};
pub use identity::{Admin, Caller, ServiceOnly, Signed, Staff};
pub use shedding::Shedding;
pub use stack::{
    Exposure, Limits, ServiceStack, public_service_stack, service_stack, shedding_service_stack,
};
