//! One file a command.

pub mod admin;
pub mod backup;
pub mod cluster;
pub mod config;
pub mod doctor;
pub mod export;
pub mod import;
pub mod keys;
pub mod metrics;
pub mod migrate;
pub mod openapi;
pub mod restore;
pub mod serve;
pub mod traffic;
