//! A shopkeeper's day among the goods, with JavaScript and without.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use thirtyfour::prelude::*;

use super::driver::{Browser, Look};
use super::visit;
use crate::shop::{ADMIN, ADMIN_PASSWORD, Shop};

const CSV: &str = "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,\
Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,\
Variant Compare At Price,Status\n\
sea-soap,Sea soap,<p>Smells of salt.</p>,Tidewell,,soap,true,Title,Default Title,SOAP-1,shopify,12,\
deny,6.50,,active\n\
bad-soap,Bad soap,<p>No price.</p>,Tidewell,,soap,true,Title,Default Title,SOAP-2,shopify,3,deny,\
cheap,,active\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_among_the_goods() -> Result<()> {
    let (shop, browser) = visit(Look::default()).await?;
    day(&shop, &browser, true).await?;
    browser.close().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_among_the_goods_without_javascript() -> Result<()> {
    let look = Look {
        javascript: false,
        ..Look::default()
    };
    let (shop, browser) = visit(look).await?;
    day(&shop, &browser, false).await?;
    browser.close().await
}

async fn day(shop: &Shop, browser: &Browser, script: bool) -> Result<()> {
    sign_in(shop, browser).await?;
    create(shop, browser, script).await?;
    edit(browser).await?;
    order_pictures(shop, browser).await?;
    count(browser).await?;
    categories(browser).await?;
    archive(browser).await?;
    import(shop, browser).await?;
    export(shop, browser).await
}

/// Signs the first admin in, and ends at the products.
async fn sign_in(shop: &Shop, browser: &Browser) -> Result<()> {
    shop.admin_token().await?;
    browser.open("/admin/products").await?;
    browser.wait_for_path("/login").await?;
    browser.fill("main [name=email]", ADMIN).await?;
    browser.fill("main [name=password]", ADMIN_PASSWORD).await?;
    browser.click("main form button[type=submit]").await?;
    browser.wait_for_path("/admin/products").await
}

/// A product with two options and two pictures, as shoppers then see it.
async fn create(shop: &Shop, browser: &Browser, script: bool) -> Result<()> {
    browser.open("/admin/products/new").await?;
    browser.fill("#title", "Harbour apron").await?;
    browser
        .fill(
            "#description",
            "<p>Keeps <b>dry</b>.</p><script>bad()</script>",
        )
        .await?;
    browser.click("#do-preview").await?;
    ensure!(browser.text_of(".preview").await? == "Keeps dry.");
    browser.click("#add-option").await?;
    browser.fill("#o0-name", "Size").await?;
    browser.fill("#o0-values", "Small\nLarge").await?;
    browser.click("#follow").await?;
    browser.find("#v1-price").await?;
    browser.click("#add-option").await?;
    browser.fill("#o1-name", "Colour").await?;
    browser.fill("#o1-values", "Sand\nInk").await?;
    browser.click("#follow").await?;
    browser.find("#v3-price").await?;
    // One combination is not made.
    browser.click("#remove-v3").await?;
    browser.find("#missing").await?;
    for (place, price) in ["29.50", "29.50", "34,50"].into_iter().enumerate() {
        browser.fill(&format!("#v{place}-price"), price).await?;
        browser.fill(&format!("#v{place}-on_hand"), "10").await?;
    }
    browser.fill("#v0-sku", "APRON-S-SAND").await?;

    let files = [
        fixture("fixtures/picture.png")?,
        fixture("../docs/images/storefront.png")?,
    ];
    let files = files.map(|file| file.display().to_string());
    browser
        .find("#files")
        .await?
        .send_keys(files.join("\n"))
        .await?;
    if !script {
        browser.click("#do-upload").await?;
    }
    browser.find(".picture-row:nth-child(2)").await?;
    browser
        .fill(".picture-row:nth-child(1) .input", "The apron")
        .await?;
    choose(browser, "#status", "active").await?;
    let kept = browser.find("#title").await?.prop("value").await?;
    ensure!(kept.as_deref() == Some("Harbour apron"));
    browser.click("#save").await?;
    browser
        .wait_for_text("The product has been created.")
        .await?;

    browser.open("/products/harbour-apron").await?;
    let text = browser.text().await?;
    for wanted in ["Harbour apron", "€29.50", "Keeps dry.", "Ink"] {
        ensure!(text.contains(wanted), "no {wanted:?} in the shop:\n{text}");
    }
    let product = product(shop).await?;
    ensure!(product["images"][0]["alt"] == "The apron");
    ensure!(product["variants"].as_array().map(Vec::len) == Some(3));
    Ok(())
}

/// An amount that could mean two is refused at its field; then a price is changed.
async fn edit(browser: &Browser) -> Result<()> {
    browser.open("/admin/products?q=harbour").await?;
    browser.click("main td.main a").await?;
    browser.find("#v0-price").await?;
    browser.fill("#v0-price", "1.234").await?;
    browser.click("#save").await?;
    browser.find("#v0-price[aria-invalid=true]").await?;
    browser.fill("#v0-price", "31,90").await?;
    browser.click("#save").await?;
    browser.wait_for_text("The product has been saved.").await?;
    browser.open("/products/harbour-apron").await?;
    browser.wait_for_text("€31.90").await
}

async fn order_pictures(shop: &Shop, browser: &Browser) -> Result<()> {
    let before = product(shop).await?["images"][0]["id"].clone();
    browser.open("/admin/products?q=harbour").await?;
    browser.click("main td.main a").await?;
    let first = format!("#p-{}", before.as_str().context("an id")?);
    browser.find(&format!("{first}:nth-child(1)")).await?;
    browser
        .click(".picture-row:nth-child(1) button[value^='down:']")
        .await?;
    browser.find(&format!("{first}:nth-child(2)")).await?;
    browser.click("#save").await?;
    browser.wait_for_text("The product has been saved.").await?;
    ensure!(product(shop).await?["images"][1]["id"] == before);
    Ok(())
}

/// Stock is counted in its list, and its movements say why.
async fn count(browser: &Browser) -> Result<()> {
    browser.open("/admin/stock?q=harbour").await?;
    browser.click(".stock-row summary").await?;
    browser
        .fill(".stock-row details[open] [name=count]", "3")
        .await?;
    browser
        .fill(".stock-row details[open] [name=reason]", "Shelf counted")
        .await?;
    browser
        .click(".stock-row details[open] button[type=submit]")
        .await?;
    browser.wait_for_text("The stock has been changed.").await?;
    browser.open("/admin/stock?q=harbour&below=5").await?;
    browser.click(".stock-row summary").await?;
    browser.click(".stock-row details[open] .actions a").await?;
    browser.wait_for_text("Shelf counted").await?;
    ensure!(browser.text().await?.contains("−7"));
    Ok(())
}

async fn categories(browser: &Browser) -> Result<()> {
    browser.open("/admin/categories").await?;
    browser.click("main .head .button").await?;
    browser.wait_for_path("/admin/categories/new").await?;
    browser.fill("#title", "Aprons").await?;
    browser.click("main form button[type=submit]").await?;
    browser
        .wait_for_text("The category has been created.")
        .await?;
    browser
        .click("form[action='/admin/categories/edit/aprons/move'] .mover:first-child")
        .await?;
    browser.wait_for_text("The order has been changed.").await
}

/// Several are archived at once, after a question.
async fn archive(browser: &Browser) -> Result<()> {
    browser.open("/admin/products?q=harbour").await?;
    browser.click("main tbody input[name=id]").await?;
    choose(browser, "#kind", "archived").await?;
    browser.click(".bar.chosen button").await?;
    browser.wait_for_text("One product was chosen.").await?;
    browser.click("main form button[type=submit]").await?;
    browser
        .wait_for_text("The products have been changed.")
        .await?;
    browser
        .open("/admin/products?q=harbour&status=archived")
        .await?;
    browser.wait_for_text("Harbour apron").await
}

/// A file is looked at first, and then imported without choosing it again.
async fn import(shop: &Shop, browser: &Browser) -> Result<()> {
    let file = shop.setup.data().join("catalogue.csv");
    std::fs::write(&file, CSV)?;
    browser.open("/admin/import").await?;
    browser
        .find("#file")
        .await?
        .send_keys(file.display().to_string())
        .await?;
    browser.click("main form button[type=submit]").await?;
    browser.wait_for_text("1 row refused").await?;
    let staff = shop.admin().await?;
    ensure!(staff.get("/api/products/sea-soap").send().await?.status == 404);
    browser
        .click("main form[action$='/apply'] button[type=submit]")
        .await?;
    browser.wait_for_text("Imported in part").await?;
    browser.open("/products/sea-soap").await?;
    browser.wait_for_text("€6.50").await?;
    browser.open("/admin/import").await?;
    browser.wait_for_text("catalogue.csv").await
}

/// The links lead to files that a session in a cookie may load.
async fn export(shop: &Shop, browser: &Browser) -> Result<()> {
    let cookie = browser.driver.get_named_cookie("tc_session").await?;
    for link in browser
        .driver
        .find_all(By::Css("a[href^='/api/products/export']"))
        .await?
    {
        let address = link.attr("href").await?.context("an address")?;
        let answer = shop
            .client()
            .get(&address)
            .header("cookie", &format!("tc_session={}", cookie.value))
            .send()
            .await?;
        let text = String::from_utf8_lossy(&answer.body);
        ensure!(answer.status == 200 && text.contains("harbour-apron"));
    }
    Ok(())
}

/// The product as staff get it.
async fn product(shop: &Shop) -> Result<Value> {
    let staff = shop.admin().await?;
    staff.get("/api/products/harbour-apron").value(200).await
}

/// Chooses of a list, as a person with a mouse.
async fn choose(browser: &Browser, selector: &str, value: &str) -> Result<()> {
    browser
        .click(&format!("{selector} option[value='{value}']"))
        .await
}

fn fixture(path: &str) -> Result<PathBuf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    file.canonicalize()
        .with_context(|| file.display().to_string())
}
