//! What only the public edges need: security headers, compression, the origin check, and where
//! a request came from.

pub mod client;
pub mod compression;
pub mod headers;
pub mod origin;
