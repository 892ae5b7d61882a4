//! The catalogue behind the counter: categories, stock, many products at once, and what the log
//! says of it.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use techcommerce_testkit::Client;

use crate::shop::{Shop, on_all};
use crate::shopper::eventually;
use crate::staff::{Stock, euros, product, text};

on_all!(
    categories_from_first_to_last,
    stock_and_its_movements,
    many_products_at_once,
    two_edit_one_product,
);

/// Made, filled, renamed, arranged and deleted; its products stay.
async fn categories_from_first_to_last(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    for title in ["Mugs", "Bowls"] {
        let made: Value = staff
            .post("/api/categories")
            .json(&json!({"title": title}))
            .value(201)
            .await?;
        assert_eq!(made["total_count"], 0);
    }
    let mug = product(&staff, "Mug", Stock::Counted(1)).await?;
    let path = format!("/api/products/{}", mug.product_id);
    staff
        .patch(&path)
        .json(&json!({"category": "mugs"}))
        .expect(200)
        .await?;
    let cups: Value = staff
        .patch("/api/categories/mugs")
        .json(&json!({"handle": "cups", "title": "Cups", "position": 2}))
        .value(200)
        .await?;
    assert_eq!(
        (&cups["position"], &cups["total_count"]),
        (&json!(2), &json!(1))
    );
    eventually("the new name's way to the shelf", async || {
        let seen: Value = client.get("/api/categories").value(200).await?;
        let found: Value = client.get("/api/products?category=cups").value(200).await?;
        let there = seen["items"][1]["handle"] == "cups" && found["items"][0]["title"] == "Mug";
        Ok(there.then_some(()))
    })
    .await?;
    let twin = staff
        .post("/api/categories")
        .json(&json!({"title": "Cups"}))
        .send()
        .await?;
    assert_eq!(twin.problem(409)?, "handle_taken");
    client.delete("/api/categories/cups").expect(401).await?;
    staff.delete("/api/categories/cups").expect(204).await?;
    let gone = staff.delete("/api/categories/cups").send().await?;
    assert_eq!(gone.problem(404)?, "category_not_found");
    let left: Value = staff.get(&path).value(200).await?;
    assert_eq!(left["category"], Value::Null);
    let log: Value = staff
        .get("/api/audit/catalogue?object_kind=category&limit=1")
        .value(200)
        .await?;
    assert_eq!(log["items"][0]["action"], "category.delete");
    Ok(())
}

/// What is low on stock, and how it came about.
async fn stock_and_its_movements(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    product(&staff, "Blue lamp", Stock::Counted(50)).await?;
    let lamp = product(&staff, "Red lamp", Stock::Counted(3)).await?;
    product(&staff, "Voucher", Stock::Untracked).await?;
    let low: Value = staff.get("/api/stock?below=5").value(200).await?;
    assert_eq!(low["items"].as_array().map(Vec::len), Some(1), "{low}");
    assert_eq!(low["items"][0]["product_title"], "Red lamp");
    let found: Value = staff.get("/api/stock?q=lamp&limit=1").value(200).await?;
    ensure!(found["next_cursor"].is_string(), "{found}");
    staff
        .post(&format!("/api/stock/{}/adjustments", lamp.variant_id))
        .json(&json!({"delta": -3, "reason": "fell off the shelf"}))
        .expect(200)
        .await?;
    let movements: Value = staff
        .get(&format!("/api/stock/{}/movements", lamp.variant_id))
        .value(200)
        .await?;
    let newest = &movements["items"][0];
    assert_eq!(
        (&newest["delta"], &newest["on_hand"]),
        (&json!(-3), &json!(0))
    );
    assert_eq!(newest["note"], "fell off the shelf");
    let counts: Value = staff.get("/api/products/counts").value(200).await?;
    assert_eq!(
        (&counts["active"], &counts["out_of_stock"]),
        (&json!(3), &json!(1))
    );
    shop.client().get("/api/stock").expect(401).await?;
    crate::audit::clean(&shop).await
}

/// Prices, tags and the shelf, each product by itself.
async fn many_products_at_once(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let one = product(&staff, "One", Stock::Counted(1)).await?;
    let two = product(&staff, "Two", Stock::Counted(1)).await?;
    let nobody = "00000000-0000-0000-0000-000000000000";
    let bulk = async |action: Value| -> Result<Value> {
        let ids = [one.product_id.as_str(), nobody, two.product_id.as_str()];
        staff
            .post("/api/products/bulk")
            .json(&json!({"ids": ids, "action": action}))
            .value(200)
            .await
    };
    let report = bulk(json!({"kind": "change_price", "percent": -10})).await?;
    assert_eq!(
        (&report["changed"], &report["refused"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(report["items"][1]["error"]["code"], "product_not_found");
    eventually("the new price's way to the shelf", async || {
        let path = format!("/api/products/{}", one.handle);
        let seen: Value = client.get(&path).value(200).await?;
        Ok((seen["variants"][0]["price"] == euros(1799)).then_some(()))
    })
    .await?;
    bulk(json!({"kind": "set_status", "status": "draft"})).await?;
    let drafts: Value = staff
        .get("/api/products?status=draft&q=tw&sort=title")
        .value(200)
        .await?;
    assert_eq!(drafts["items"][0]["title"], "Two");
    let refused = staff
        .post("/api/products/bulk")
        .json(&json!({"ids": [], "action": {"kind": "add_tag", "tag": "x"}}))
        .send()
        .await?;
    assert_eq!(refused.problem(400)?, "invalid_input");
    Ok(())
}

/// The second one is told, and nobody's change is lost.
async fn two_edit_one_product(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let mug = product(&staff, "Mug", Stock::Counted(1)).await?;
    let path = format!("/api/products/{}", mug.product_id);
    let read: Value = staff.get(&path).value(200).await?;
    let version = &read["version"];
    staff
        .patch(&path)
        .json(&json!({"title": "Large mug", "version": version}))
        .expect(200)
        .await?;
    let late = staff
        .patch(&path)
        .json(&json!({"title": "Small mug", "version": version}))
        .send()
        .await?;
    assert_eq!(late.problem(409)?, "product_changed");
    let preview: Value = staff
        .post("/api/products/preview")
        .json(&json!({"description": "<p>Good.</p><script>x()</script>"}))
        .value(200)
        .await?;
    assert_eq!(text(&preview, "/description")?, "<p>Good.</p>");
    let log: Value = staff
        .get(&format!(
            "/api/audit/catalogue?object_id={}",
            mug.product_id
        ))
        .value(200)
        .await?;
    let change = &log["items"][0]["change"]["title"];
    assert_eq!(*change, json!({"from": "Mug", "to": "Large mug"}));
    ensure!(
        text(&log, "/items/0/actor")?.starts_with("account:"),
        "{log}"
    );
    Ok(())
}

/// A stop of the tour: every operation of this room once.
pub async fn stop(staff: &Client) -> Result<()> {
    let lamp = product(staff, "Lamp of the tour", Stock::Counted(3)).await?;
    staff
        .post("/api/categories")
        .json(&json!({"title": "Stop of the tour"}))
        .expect(201)
        .await?;
    let category = "/api/categories/stop-of-the-tour";
    staff
        .patch(category)
        .json(&json!({"position": 1}))
        .expect(200)
        .await?;
    staff.delete(category).expect(204).await?;
    let bulk = json!({
        "ids": [lamp.product_id],
        "action": {"kind": "change_price", "percent": 2.5},
    });
    staff
        .post("/api/products/bulk")
        .json(&bulk)
        .expect(200)
        .await?;
    staff
        .post("/api/products/preview")
        .json(&json!({"description": "<p>Good.</p>"}))
        .expect(200)
        .await?;
    let movements = format!("/api/stock/{}/movements", lamp.variant_id);
    for path in [
        "/api/products/counts",
        "/api/products?status=active&q=tour",
        "/api/stock?below=5",
        movements.as_str(),
        "/api/audit/catalogue",
    ] {
        staff.get(path).expect(200).await?;
    }
    Ok(())
}
