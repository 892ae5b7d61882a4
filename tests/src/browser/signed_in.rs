//! With an account of one's own.

use anyhow::{Result, ensure};

use super::driver::{Browser, Look};
use super::shopping::{add_to_cart, fill_address};
use super::visit;

const PASSWORD: &str = "seven quiet harbour lanterns";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_sign_up_to_the_list_of_orders() -> Result<()> {
    let (_shop, browser) = visit(Look::default()).await?;
    account(&browser).await?;
    browser.close().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_sign_up_to_the_list_of_orders_without_javascript() -> Result<()> {
    let look = Look {
        javascript: false,
        ..Look::default()
    };
    let (_shop, browser) = visit(look).await?;
    account(&browser).await?;
    browser.close().await
}

async fn account(browser: &Browser) -> Result<()> {
    browser.open("/").await?;
    browser.click("header a[href='/login']").await?;
    browser.wait_for_path("/login").await?;
    browser.click("main a[href^='/register']").await?;
    browser.wait_for_path("/register").await?;
    // A password that is too short is refused beside its field, and what was typed is kept.
    browser
        .fill("main [name=email]", "grace@example.com")
        .await?;
    browser.fill("main [name=password]", "short").await?;
    browser.click("main form button[type=submit]").await?;
    browser.find("main [aria-invalid=true]").await?;
    let kept = browser
        .find("main [name=email]")
        .await?
        .prop("value")
        .await?;
    ensure!(kept.as_deref() == Some("grace@example.com"));
    browser.fill("main [name=password]", PASSWORD).await?;
    browser.click("main form button[type=submit]").await?;
    browser.wait_for_text("Account").await?;

    browser.open("/products/terracotta-pot").await?;
    add_to_cart(browser).await?;
    browser.open("/checkout").await?;
    fill_address(browser, "grace@example.com").await?;
    browser.click("main form button[type=submit].wide").await?;
    browser.wait_for_path("/order").await?;
    browser.wait_for_text("Paid").await?;

    browser.open("/account").await?;
    browser.wait_for_text("This device").await?;
    ensure!(browser.text().await?.contains("Order "));
    browser.click("form[action='/logout'] button").await?;
    browser.wait_for_text("Sign in").await?;
    browser.open("/account").await?;
    browser.wait_for_path("/login").await?;

    browser
        .fill("main [name=email]", "grace@example.com")
        .await?;
    browser
        .fill("main [name=password]", "wrong wrong wrong")
        .await?;
    browser.click("main form button[type=submit]").await?;
    browser
        .find("#problems, main .wrong, main .notice.bad")
        .await?;
    browser.fill("main [name=password]", PASSWORD).await?;
    browser.click("main form button[type=submit]").await?;
    browser.wait_for_path("/account").await?;
    Ok(())
}
