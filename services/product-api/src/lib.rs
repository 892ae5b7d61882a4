//! product-api: products, prices, stock, reservations, search and import.

pub mod audit;
pub mod catalogue;
pub mod changes;
pub mod model;
pub mod reservations;
pub mod stock;

use std::sync::LazyLock;

use sqlx::migrate::Migrator;

/// The schema: the catalogue, the stock, the change feed, and the job queue's tables.
pub static MIGRATOR: LazyLock<Migrator> =
    LazyLock::new(|| techcommerce_jobs::with_tables(sqlx::migrate!("./migrations")));
