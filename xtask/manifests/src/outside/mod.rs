//! Checks by programs of others: each gets files, and says what it finds.

pub mod crds;
pub mod flows;
pub mod hardening;
pub mod schemas;
pub mod tool;
