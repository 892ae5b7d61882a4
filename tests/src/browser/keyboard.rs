//! Without a mouse.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use thirtyfour::Key;

use super::driver::{Browser, Look};
use super::visit;

/// More presses of the Tab key than any page needs.
const MOST_TABS: usize = 120;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_reached_by_keys() -> Result<()> {
    let (_shop, browser) = visit(Look::default()).await?;
    browser.open("/").await?;
    // The first stop leads past the navigation.
    press(&browser, Key::Tab).await?;
    let first = focused(&browser).await?;
    ensure!(first["class"] == "skip", "the first stop is {first}");
    press(&browser, Key::Enter).await?;
    ensure!(browser.run("return location.hash").await? == "#content");

    browser.open("/products/terracotta-pot").await?;
    tab_to(&browser, "input[type=radio]").await?;
    press(&browser, Key::Down).await?;
    tab_to(&browser, "#add").await?;
    press(&browser, Key::Enter).await?;
    browser.find("#cart-link .tool-count").await?;
    browser.open("/cart").await?;
    tab_to(&browser, "a[href='/checkout']").await?;
    press(&browser, Key::Enter).await?;
    browser.wait_for_path("/checkout").await?;
    for (name, value) in [
        ("email", "ada@example.com"),
        ("name", "Ada Example"),
        ("line1", "1 Harbour Street"),
        ("postal_code", "24103"),
        ("city", "Kiel"),
    ] {
        tab_to(&browser, &format!("[name={name}]")).await?;
        let field = browser.driver.active_element().await?;
        field.send_keys(value).await?;
    }
    tab_to(&browser, "button[type=submit].wide").await?;
    press(&browser, Key::Enter).await?;
    browser.wait_for_path("/order").await?;
    browser.wait_for_text("Paid").await?;
    browser.close().await
}

/// Tabs on until the focus is there; on the way it is always visible.
pub(super) async fn tab_to(browser: &Browser, selector: &str) -> Result<()> {
    for _ in 0..MOST_TABS {
        press(browser, Key::Tab).await?;
        let script = format!("return document.activeElement.matches({selector:?})");
        let there = browser.run(&script).await? == true;
        let focus = focused(browser).await?;
        ensure!(focus["visible"] == true, "the focus is lost at {focus}");
        if there {
            return Ok(());
        }
    }
    bail!("no way to {selector} by the Tab key")
}

pub(super) async fn press(browser: &Browser, key: Key) -> Result<()> {
    browser
        .driver
        .action_chain()
        .send_keys(key + "")
        .perform()
        .await?;
    Ok(())
}

async fn focused(browser: &Browser) -> Result<Value> {
    let found = browser
        .run(
            "const e = document.activeElement, r = e.getBoundingClientRect(), s = getComputedStyle(e);
             const hidden = e.matches('input[type=radio], input[type=checkbox]');
             return { class: e.className, html: e.outerHTML.slice(0, 120),
                      visible: e === document.body || hidden || (r.width > 0 && r.height > 0 && s.visibility !== 'hidden') }",
        )
        .await?;
    found.as_object().context("an element")?;
    Ok(found)
}
