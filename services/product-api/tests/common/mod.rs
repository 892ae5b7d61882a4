//! What the tests of this service share.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests; not each uses all of it"
)]

pub mod http;
mod products;

use techcommerce_kernel::{Env, Error, Uuid};
use techcommerce_product_api::stock::{self, Level, Reason};
use techcommerce_store::{Db, transact};

pub use products::*;

pub async fn level(db: &Db, variant: Uuid) -> Level {
    let mut conn = db.read().await.unwrap();
    stock::level(&mut conn, variant).await.unwrap().unwrap()
}

/// Staff have counted.
pub async fn count(db: &Db, env: &Env, variant: Uuid, on_hand: i64) {
    let movement = stock::Movement {
        reason: Reason::Set,
        actor: "test",
        note: None,
        reference: None,
    };
    transact!(db, |tx| -> Result<(), Error> {
        stock::set(tx, env, variant, on_hand, movement).await?;
        Ok(())
    })
    .unwrap();
}
