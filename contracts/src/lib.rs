//! What the services say to each other and to the world: types, error codes and clients.
//!
//! A service depends on another's module here, never on the other's crate. Nothing here opens a
//! socket to listen on or knows of SQL.

pub mod audit;
pub mod auth;
pub mod channel;
pub mod codes;
pub mod context;
pub mod identity;
pub mod images;
pub mod jobs;
pub mod list;
pub mod order_api;
pub mod problem;
pub mod product_api;
pub mod service;
pub mod system;

pub use channel::{Body, Breaker, Channel, Client};
pub use identity::{Principal, Role, ServiceTokens, TokenSigner, TokenVerifier, TrustedKeys};
pub use list::{ListQuery, Page};
pub use problem::Problem;
pub use service::Service;
