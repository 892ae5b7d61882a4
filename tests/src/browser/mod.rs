//! The shop in a real browser.

mod admin_catalogue;
mod admin_orders;
mod driver;
mod keyboard;
mod look;
mod payment;
mod picture;
mod shopping;
mod signed_in;
mod stripe_js;

use anyhow::Result;

use crate::browser::driver::{Browser, Look};
use crate::shop::{Engine, Setup, Shop};

/// A stocked shop and a browser that has not been there yet.
async fn visit(look: Look) -> Result<(Shop, Browser)> {
    let shop = stocked_shop().await?;
    let browser = browse(&shop, look).await?;
    Ok((shop, browser))
}

async fn stocked_shop() -> Result<Shop> {
    Setup::new(Engine::Sqlite).await.with_demo().start().await
}

async fn browse(shop: &Shop, look: Look) -> Result<Browser> {
    Browser::start(format!("http://{}", shop.setup.address()), look).await
}
