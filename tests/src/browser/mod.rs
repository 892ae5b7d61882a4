//! The shop in a real browser.

mod driver;
mod keyboard;
mod look;
mod picture;
mod shopping;
mod signed_in;

use anyhow::Result;

use crate::browser::driver::{Browser, Look};
use crate::shop::{Engine, Setup, Shop};

/// A stocked shop and a browser that has not been there yet.
async fn visit(look: Look) -> Result<(Shop, Browser)> {
    let shop = Setup::new(Engine::Sqlite).await.with_demo().start().await?;
    let base = format!("http://{}", shop.setup.address());
    let browser = Browser::start(base, look).await?;
    Ok((shop, browser))
}
