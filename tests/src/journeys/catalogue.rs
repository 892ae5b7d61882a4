//! Products and stock, as staff keep them and shoppers see them.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::shop::{Engine, Setup, Shop, on_all};
use crate::shopper::eventually;
use crate::staff::{Stock, euros, product, stock, text};

on_all!(a_product_from_draft_to_archive, stock_by_hand);

/// From the draft to the shelf and off it again.
async fn a_product_from_draft_to_archive(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let created: Value = staff.post("/api/products").json(&json!({
        "title": "Tide clock",
        "handle": "tide-clock",
        "description": "<p onclick=\"x()\">Shows <b>high</b> water.</p><script>x()</script>",
        "vendor": "Tidewell",
        "tags": ["clock"],
        "status": "draft",
        "variants": [
            {"sku": "TC-S", "options": [{"name": "Size", "value": "S"}], "price": euros(4900), "on_hand": 3},
            {"sku": "TC-L", "options": [{"name": "Size", "value": "L"}], "price": euros(6900),
             "compare_at_price": euros(7900), "on_hand": 0},
        ],
    })).value(201).await?;
    let description = created["description"].as_str().unwrap_or_default();
    ensure!(
        description.contains("<b>high</b>")
            && !description.contains("script")
            && !description.contains("onclick")
    );
    client.get("/api/products/tide-clock").expect(404).await?;

    let path = format!("/api/products/{}", text(&created, "/id")?);
    staff
        .patch(&path)
        .json(&json!({"status": "active"}))
        .expect(200)
        .await?;
    let seen: Value = eventually("the product's way to the shelf", async || {
        let answer = client.get("/api/products/tide-clock").send().await?;
        Ok(if answer.status == 200 {
            Some(answer.json()?)
        } else {
            None
        })
    })
    .await?;
    assert_eq!(seen["variants"][0]["available"], 3);
    assert_eq!(seen["variants"][1]["compare_at_price"], euros(7900));

    let twin = staff
        .post("/api/products")
        .json(&json!({
            "title": "Other", "handle": "tide-clock", "variants": [{"price": euros(1)}],
        }))
        .send()
        .await?;
    assert_eq!(twin.problem(409)?, "handle_taken");
    let wrong = staff
        .post("/api/products")
        .json(&json!({
            "title": "", "variants": [{"price": {"amount": -1, "currency": "USD"}}],
        }))
        .expect(400)
        .await?;
    let problem: Value = wrong.json()?;
    ensure!(
        problem["errors"]
            .as_array()
            .is_some_and(|errors| !errors.is_empty()),
        "{problem}"
    );

    for (who, status) in [(&client, 401)] {
        who.patch(&path)
            .json(&json!({"title": "x"}))
            .expect(status)
            .await?;
        who.delete(&path).expect(status).await?;
    }
    staff.delete(&path).expect(204).await?;
    eventually("the product's way off the shelf", async || {
        let answer = client.get("/api/products/tide-clock").send().await?;
        Ok((answer.status == 404).then_some(()))
    })
    .await
}

/// Counting and correcting the stock.
async fn stock_by_hand(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let lamp = product(&staff, "Lamp", Stock::Counted(5)).await?;
    let path = format!("/api/stock/{}", lamp.variant_id);
    staff
        .put(&path)
        .json(&json!({"on_hand": 8}))
        .expect(200)
        .await?;
    staff
        .post(&format!("{path}/adjustments"))
        .json(&json!({"delta": -3, "reason": "broken"}))
        .expect(200)
        .await?;
    assert_eq!(stock(&staff, &lamp.variant_id).await?, (5, 0, 5));
    let refused = staff
        .post(&format!("{path}/adjustments"))
        .json(&json!({"delta": 0}))
        .send()
        .await?;
    ensure!(refused.status == 400, "{}", refused.text());
    let client = shop.client();
    client.get(&path).expect(401).await?;
    eventually("the count's way to the shelf", async || {
        let seen: Value = client
            .get(&format!("/api/products/{}", lamp.handle))
            .value(200)
            .await?;
        Ok((seen["variants"][0]["available"] == 5).then_some(()))
    })
    .await
}

/// The built-in catalogue: searching with typing errors, narrowing, sorting, paging.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_catalogue_can_be_searched() -> Result<()> {
    let shop = Setup::new(Engine::Sqlite).await.with_demo().start().await?;
    let client = shop.client();
    let list = async |query: &str| -> Result<Value> {
        client
            .get(&format!("/api/products?limit=100{query}"))
            .value(200)
            .await
    };
    let titles = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .filter_map(|item| item["title"].as_str().map(str::to_owned))
            .collect()
    };
    let all = list("").await?;
    let all_titles = titles(&all);
    ensure!(all_titles.len() >= 60, "{} products", all_titles.len());
    let categories: Value = client.get("/api/categories").value(200).await?;
    let categories = categories["items"].as_array().cloned().unwrap_or_default();
    ensure!(categories.len() >= 8);

    // Two letters swapped: the search forgives it.
    for (wrong, right) in [("terracota", "Terracotta"), ("teracotta pto", "Terracotta")] {
        let found = titles(&list(&format!("&q={}", wrong.replace(' ', "%20"))).await?);
        ensure!(
            found.iter().any(|title| title.contains(right)),
            "{wrong}: {found:?}"
        );
    }
    ensure!(titles(&list("&q=zzzzzzzzzz").await?).is_empty());

    let handle = text(&categories[0], "/handle")?;
    for item in list(&format!("&category={handle}")).await?["items"]
        .as_array()
        .into_iter()
        .flatten()
    {
        assert_eq!(item["category"], handle.as_str());
    }
    for (sort, rising) in [("price", true), ("-price", false)] {
        let page = list(&format!("&sort={sort}")).await?;
        let prices: Vec<i64> = page["items"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|item| {
                let prices = item["variants"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|variant| variant["price"]["amount"].as_i64());
                prices.min().unwrap_or_default()
            })
            .collect();
        // The dearest first goes by a product's dearest or cheapest variant; either rises or falls.
        if rising {
            ensure!(prices.is_sorted(), "{prices:?}");
        }
        ensure!(prices.len() == all_titles.len());
    }
    let sold_out = list("&in_stock=false").await?;
    ensure!(
        !titles(&sold_out).is_empty(),
        "some of the demo is sold out"
    );
    for item in list("&max_price=2000").await?["items"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let cheap = item["variants"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|variant| {
                variant["price"]["amount"]
                    .as_i64()
                    .is_some_and(|amount| amount <= 2000)
            });
        ensure!(cheap, "{}", item["title"]);
    }

    // Pages of seven: everything once, nothing twice, always in the same order.
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page: Value = client
            .get(&format!("/api/products?limit=7&sort=title{cursor}"))
            .value(200)
            .await?;
        seen.extend(titles(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), all_titles.len());
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len());

    // Every picture is there, in its final sizes, and may be kept for ever.
    for item in all["items"].as_array().into_iter().flatten().take(10) {
        let url = text(item, "/images/0/url")?;
        let picture = client.get(&url).expect(200).await?;
        assert_eq!(picture.header("content-type"), Some("image/webp"));
        ensure!(
            picture
                .header("cache-control")
                .is_some_and(|value| value.contains("immutable"))
        );
    }
    // A page that has not changed is not sent again.
    let first = client.get("/api/products?limit=5").expect(200).await?;
    let tag = first.header("etag").map(str::to_owned).unwrap_or_default();
    let again = shop
        .plain_client()
        .get("/api/products?limit=5")
        .header("if-none-match", &tag)
        .send()
        .await?;
    assert_eq!(again.status, 304);
    Ok(())
}

/// A code that the shop gives to newcomers takes ten percent off, and the tax with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_discount_code() -> Result<()> {
    let shop = Setup::new(Engine::Sqlite).await.with_demo().start().await?;
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Discounted lamp", Stock::Counted(5)).await?;
    let cart = crate::shopper::cart_with(&client, &[(&lamp.variant_id, 1)]).await?;
    let path = format!("/api/carts/{cart}/discount");
    let wrong = client
        .put(&path)
        .json(&json!({"code": "NOSUCHCODE"}))
        .send()
        .await?;
    assert_eq!(wrong.problem(409)?, "discount_invalid");
    let reduced: Value = client
        .put(&path)
        .json(&json!({"code": "welcome10"}))
        .value(200)
        .await?;
    assert_eq!(reduced["discount"], euros(200));
    let body = crate::shopper::checkout(&cart, crate::shopper::card(None));
    let placed = crate::shopper::place(&client, "discount", &body).await?;
    assert_eq!(placed.json["total"], euros(1999 - 200 + 490));
    crate::shopper::wait_for_payment(&client, &placed, "paid").await?;
    crate::audit::clean(&shop).await
}
