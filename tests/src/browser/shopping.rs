//! From the home page to the paid order, with and without JavaScript.

use anyhow::{Result, ensure};

use super::driver::{Browser, Look};
use super::visit;
use crate::shopper::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_shops() -> Result<()> {
    let (_shop, browser) = visit(Look::default()).await?;
    shop_as_guest(&browser).await?;
    browser.close().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_shops_without_javascript() -> Result<()> {
    let look = Look {
        javascript: false,
        ..Look::default()
    };
    let (_shop, browser) = visit(look).await?;
    shop_as_guest(&browser).await?;
    browser.close().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_shops_on_a_phone() -> Result<()> {
    let look = Look {
        width: 390,
        height: 844,
        ..Look::default()
    };
    let (_shop, browser) = visit(look).await?;
    shop_as_guest(&browser).await?;
    browser.close().await
}

async fn shop_as_guest(browser: &Browser) -> Result<()> {
    // Home, a category, back to the search; it forgives a typing error.
    browser.open("/").await?;
    browser.click(".tiles a").await?;
    browser.wait_for_path("/c").await?;
    browser.find(".cards a").await?;
    browser.settled().await?;
    browser.fill("#find", "teracotta pto").await?;
    browser.click(".find button").await?;
    browser.wait_for_path("/search").await?;
    browser.wait_for_text("Terracotta pot").await?;
    browser.settled().await?;

    // A product with options; another choice has another price.
    browser.open("/products/terracotta-pot").await?;
    let before = browser.text_of("#buy .price").await?;
    browser.click("#buy fieldset .pill:nth-child(2)").await?;
    choose(browser, &before).await?;
    add_to_cart(browser).await?;
    browser.open("/cart").await?;
    ensure!(browser.text().await?.contains("Terracotta pot"));

    browser.click("a[href='/checkout']").await?;
    browser.wait_for_path("/checkout").await?;
    fill_address(browser, "ada@example.com").await?;
    browser.click("main form button[type=submit].wide").await?;
    browser.wait_for_path("/order").await?;
    browser.wait_for_text("Paid").await?;
    // The cart is empty again.
    browser.open("/cart").await?;
    ensure!(!browser.text().await?.contains("Terracotta pot"));
    Ok(())
}

/// Waits for the other choice's price: by itself with JavaScript, by the button without.
async fn choose(browser: &Browser, before: &str) -> Result<()> {
    let button = "#buy [formaction]";
    if browser.shows(button).await? {
        browser.click(button).await?;
    }
    eventually("another price", async || {
        let price = browser.text_of("#buy .price").await?;
        Ok((price != before).then_some(()))
    })
    .await
}

/// Puts the chosen variant into the cart, which happens behind the page where scripts run.
pub async fn add_to_cart(browser: &Browser) -> Result<()> {
    browser.click("#add").await?;
    browser.find("#cart-link .tool-count").await?;
    Ok(())
}

/// Fills in what the checkout asks for.
pub async fn fill_address(browser: &Browser, email: &str) -> Result<()> {
    for (name, value) in [
        ("email", email),
        ("name", "Ada Example"),
        ("line1", "1 Harbour Street"),
        ("postal_code", "24103"),
        ("city", "Kiel"),
    ] {
        browser.fill(&format!("main [name={name}]"), value).await?;
    }
    Ok(())
}
