//! A shopkeeper's day at the counter, with JavaScript and without: from the first sign-in to the
//! log that tells of it all.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::driver::{Browser, Look};
use super::shopping::add_to_cart;
use super::visit;
use crate::shop::{ADMIN, ADMIN_PASSWORD, Shop};
use crate::shopper::{card, cart_with, checkout, eventually, place, wait_for_payment};
use crate::staff::text;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_at_the_counter() -> Result<()> {
    let (shop, browser) = visit(Look::default()).await?;
    day(&shop, &browser).await?;
    browser.close().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_at_the_counter_without_javascript() -> Result<()> {
    let look = Look {
        javascript: false,
        ..Look::default()
    };
    let (shop, browser) = visit(look).await?;
    day(&shop, &browser).await?;
    browser.close().await
}

async fn day(shop: &Shop, browser: &Browser) -> Result<()> {
    let (paid, invoice) = orders(shop).await?;
    first_sign_in(shop, browser).await?;
    overview(browser).await?;
    ship_and_refund(browser, &paid).await?;
    invoice_paid(browser, &invoice).await?;
    print(browser).await?;
    discount(browser).await?;
    colleague(shop, browser).await?;
    api_key(shop, browser).await?;
    log(browser).await
}

/// Two orders of three pots: one paid by card, one on account. Their numbers.
async fn orders(shop: &Shop) -> Result<(String, String)> {
    let client = shop.client();
    let pot: Value = client
        .get("/api/products/terracotta-pot")
        .value(200)
        .await?;
    let variant = text(&pot, "/variants/0/id")?;
    let cart = cart_with(&client, &[(&variant, 3)]).await?;
    let paid = place(&client, "paid", &checkout(&cart, card(None))).await?;
    wait_for_payment(&client, &paid, "paid").await?;
    let cart = cart_with(&client, &[(&variant, 3)]).await?;
    let on_account = checkout(&cart, json!({"method": "invoice"}));
    let invoice = place(&client, "invoice", &on_account).await?;
    Ok((
        text(&paid.json, "/number")?,
        text(&invoice.json, "/number")?,
    ))
}

/// The one-time password opens nothing until it is replaced.
async fn first_sign_in(shop: &Shop, browser: &Browser) -> Result<()> {
    let once = shop.one_time_password()?;
    browser.open("/admin/orders").await?;
    browser.wait_for_path("/login").await?;
    browser.fill("main [name=email]", ADMIN).await?;
    browser.fill("main [name=password]", &once).await?;
    browser.click("main form button[type=submit]").await?;
    browser.wait_for_path("/account/password").await?;
    browser.open("/admin").await?;
    browser.wait_for_path("/account/password").await?;
    browser.fill("[name=current_password]", &once).await?;
    browser.fill("[name=new_password]", ADMIN_PASSWORD).await?;
    browser.click("main form button[type=submit]").await?;
    browser.wait_for_path("/admin").await?;
    browser
        .wait_for_text("Your password has been changed.")
        .await
}

async fn overview(browser: &Browser) -> Result<()> {
    browser.open("/admin").await?;
    browser.settled().await?;
    let text = browser.text().await?;
    for wanted in [
        "Orders today",
        "2 orders to send",
        "1 open invoice",
        "Low on stock",
    ] {
        ensure!(text.contains(wanted), "no {wanted:?} in\n{text}");
    }
    browser.find("svg.chart").await?;
    browser.click(".chart-table summary").await?;
    browser.find(".chart-table tbody tr:nth-child(30)").await?;
    browser
        .click("a[href='/admin/orders?attention=to_fulfil']")
        .await?;
    browser.find(".table tbody tr:nth-child(2)").await?;
    Ok(())
}

async fn find(browser: &Browser, number: &str) -> Result<()> {
    browser.fill("#find", number).await?;
    browser.click(".find button").await?;
    browser.wait_for_path("/admin/orders").await?;
    browser.click(".table a[href^='/admin/orders/']").await?;
    browser.wait_for_text(&format!("Order {number}")).await
}

async fn ship_and_refund(browser: &Browser, number: &str) -> Result<()> {
    find(browser, number).await?;
    browser.settled().await?;
    // More than there is to send is refused at the field, and what was typed is kept.
    let count = browser.find("#ship input.count").await?;
    ensure!(count.prop("value").await?.as_deref() == Some("3"));
    browser.fill("#ship input.count", "1").await?;
    browser.fill("#carrier", "DHL").await?;
    browser.fill("#tracking_number", "JD0001").await?;
    browser.click("#ship button[type=submit]").await?;
    browser.wait_for_text("Marked as sent.").await?;
    let text = browser.text().await?;
    for wanted in ["Sent in part", "JD0001", "1 × Terracotta pot"] {
        ensure!(text.contains(wanted), "no {wanted:?} in\n{text}");
    }
    browser.click("#refund summary").await?;
    browser.fill("#amount", "5000").await?;
    browser.fill("#refund-reason", "Chipped").await?;
    browser.click("#refund form button[type=submit]").await?;
    browser.find("#problems").await?;
    browser.fill("#amount", "5,00").await?;
    browser.click("#refund form button[type=submit]").await?;
    browser.wait_for_text("The refund is under way.").await?;
    let page = browser.path().await?;
    eventually("the money goes back", async || {
        browser.open(&page).await?;
        let text = browser.text().await?;
        Ok(text.contains("Refunded in part").then_some(()))
    })
    .await?;
    ensure!(browser.text().await?.contains("€5.00"));
    browser.fill("#text", "Ring twice").await?;
    browser.click(".note-form button").await?;
    browser.wait_for_text("The note is added.").await?;
    ensure!(browser.text().await?.contains("Ring twice"));
    Ok(())
}

async fn invoice_paid(browser: &Browser, number: &str) -> Result<()> {
    browser
        .open("/admin/orders?attention=invoices_open")
        .await?;
    let text = browser.text_of(".table tbody").await?;
    ensure!(
        text.contains(number) && text.contains("To be paid"),
        "{text}"
    );
    find(browser, number).await?;
    browser.click("#pay summary").await?;
    browser.click("#pay button[type=submit]").await?;
    browser.wait_for_text("Marked as paid.").await?;
    ensure!(!browser.shows("#pay").await?, "an order is paid once");
    Ok(())
}

/// The paper shows the address and the sums, and nothing that is for the screen.
async fn print(browser: &Browser) -> Result<()> {
    browser.click("a[href$='what=slip']").await?;
    browser.wait_for_text("Packing slip").await?;
    ensure!(!browser.text_of(".paper").await?.contains('€'));
    browser.click("a[href$='what=invoice']").await?;
    browser.wait_for_text("Invoice").await?;
    let print = json!({"media": "print"});
    let cdp = browser.driver.cdp();
    cdp.send_raw("Emulation.setEmulatedMedia", print).await?;
    let text = browser.text().await?;
    for wanted in ["1 Harbour Street", "Terracotta pot", "Total", "€"] {
        ensure!(text.contains(wanted), "no {wanted:?} in\n{text}");
    }
    for hidden in ["header.top", ".side", "[data-print]"] {
        ensure!(!browser.shows(hidden).await?, "{hidden} is printed");
    }
    let screen = json!({"media": "screen"});
    cdp.send_raw("Emulation.setEmulatedMedia", screen).await?;
    Ok(())
}

/// A code is made here and takes something off in the shop.
async fn discount(browser: &Browser) -> Result<()> {
    browser.open("/admin/discounts").await?;
    browser.click("a[href='/admin/discounts/new']").await?;
    browser.fill("#code", "harbour").await?;
    browser.fill("#value", "0").await?;
    browser
        .click("main form[data-once] button[type=submit]")
        .await?;
    browser.find("#value-error").await?;
    browser.fill("#value", "12.5").await?;
    browser
        .click("main form[data-once] button[type=submit]")
        .await?;
    browser.wait_for_text("The discount is made.").await?;
    ensure!(browser.text_of(".table tbody").await?.contains("HARBOUR"));

    browser.open("/products/terracotta-pot").await?;
    add_to_cart(browser).await?;
    browser.open("/cart").await?;
    browser.fill("main [name=code]", "Harbour").await?;
    browser
        .click("main form[action='/cart/discount'] button")
        .await?;
    browser.wait_for_text("Discount (HARBOUR)").await
}

/// Somebody who has only bought so far is given the keys.
async fn colleague(shop: &Shop, browser: &Browser) -> Result<()> {
    shop.client()
        .post("/api/auth/register")
        .json(
            &json!({"email": "grace@example.com", "name": "Grace Hopper",
            "password": "seven quiet harbour lanterns"}),
        )
        .expect(201)
        .await?;
    browser.open("/admin/customers").await?;
    browser.fill("main [name=q]", "grace").await?;
    browser.click(".bar button").await?;
    browser.click(".table a[href^='/admin/customers/']").await?;
    browser.wait_for_text("No orders").await?;
    browser.click("#role option[value='staff']").await?;
    browser.click("form[data-once] button[type=submit]").await?;
    browser.wait_for_text("Saved.").await?;
    ensure!(browser.text_of(".head-title").await?.contains("Staff"));
    Ok(())
}

/// The secret is shown once, and opens the interface.
async fn api_key(shop: &Shop, browser: &Browser) -> Result<()> {
    browser.open("/admin/api-keys").await?;
    browser.fill("#name", "Till").await?;
    browser.click("form[data-once] button[type=submit]").await?;
    let token = browser.text_of("#secret").await?;
    let till = shop.client().with_bearer(token.trim());
    till.get("/api/orders/summary").expect(200).await?;
    browser.open("/admin/api-keys").await?;
    ensure!(!browser.shows("#secret").await?);
    browser.click(".table details summary").await?;
    browser.click(".table details form button").await?;
    browser.wait_for_text("The key has ended.").await?;
    till.get("/api/orders/summary").expect(401).await?;
    Ok(())
}

async fn log(browser: &Browser) -> Result<()> {
    browser.open("/admin/audit").await?;
    let text = browser.text_of(".table tbody").await?;
    for wanted in [
        "sent goods",
        "gave money back",
        "wrote a note",
        "marked an order as paid",
        "made a discount",
        "changed an account",
        "made an API key",
        "ended an API key",
    ] {
        ensure!(text.contains(wanted), "no {wanted:?} in\n{text}");
    }
    browser
        .click(".tabs a[href='/admin/audit?area=orders']")
        .await?;
    let text = browser.text_of(".table tbody").await?;
    ensure!(
        text.contains("sent goods") && !text.contains("API key"),
        "{text}"
    );
    browser.open("/admin/jobs").await?;
    browser.wait_for_text("No job was given up").await?;
    let first = browser.text_of("h1").await.context("a heading")?;
    ensure!(first == "Jobs");
    Ok(())
}
