//! A shop of WooCommerce's moves in: a look first, then for good, out again and in again.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::shop::{Shop, on_all};
use crate::shopper::eventually;
use crate::staff::text;

on_all!(a_shop_moves_in, an_export_is_a_shop);

fn fixture(name: &str) -> Result<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name);
    Ok(std::fs::read(path)?)
}

/// A dry run by the interface, looked at and applied without another upload.
async fn a_shop_moves_in(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let look: Value = staff
        .post("/api/products/import?dry_run=true&file_name=wc-product-export.csv")
        .body("text/csv", fixture("woocommerce.csv")?)
        .value(200)
        .await?;
    assert_eq!(
        (&look["format"], &look["created"]),
        (&json!("woocommerce"), &json!(5)),
        "{look}"
    );
    assert_eq!((&look["refused"], &look["errors"]), (&json!(0), &json!([])));
    ensure!(
        look["changes"]
            .as_array()
            .is_some_and(|changes| changes.len() == 5),
        "{look}"
    );
    let none: Value = staff.get("/api/products?limit=10").value(200).await?;
    assert_eq!(none["items"], json!([]));

    let list: Value = staff
        .get("/api/products/imports?limit=5")
        .value(200)
        .await?;
    let run = &list["items"][0];
    assert_eq!(
        (&run["dry_run"], &run["can_apply"]),
        (&json!(true), &json!(true)),
        "{list}"
    );
    assert_eq!(run["file_name"], "wc-product-export.csv");
    let id = text(run, "/id")?;
    let begun: Value = staff
        .post(&format!("/api/products/imports/{id}/apply"))
        .value(202)
        .await?;
    let path = format!("/api/products/imports/{}", text(&begun, "/id")?);
    let done: Value = eventually("the end of the import", async || {
        let run: Value = staff.get(&path).value(200).await?;
        Ok((run["state"] == "done").then_some(run))
    })
    .await?;
    assert_eq!(
        (&done["report"]["created"], &done["percent"]),
        (&json!(5), &json!(100)),
        "{done}"
    );
    let again = staff
        .post(&format!("/api/products/imports/{id}/apply"))
        .send()
        .await?;
    assert_eq!(again.problem(409)?, "import_file_gone");

    let client = shop.client();
    let shirt: Value = eventually("the shirt's way into the list", async || {
        let answer = client.get("/api/products/linen-shirt").send().await?;
        Ok(if answer.status == 200 {
            Some(answer.json()?)
        } else {
            None
        })
    })
    .await?;
    let titles: Vec<&Value> = shirt["variants"]
        .as_array()
        .context("variants")?
        .iter()
        .map(|variant| &variant["title"])
        .collect();
    assert_eq!(titles, ["S / Sand", "M / Sand", "M / Ink, dark"]);
    assert_eq!(shirt["variants"][0]["price"]["amount"], 4990);
    assert_eq!(shirt["variants"][0]["compare_at_price"]["amount"], 5990);
    client.get("/api/products/gift-voucher").expect(404).await?;
    Ok(())
}

/// What `techcommerce export` writes, `techcommerce import` reads.
async fn an_export_is_a_shop(shop: Shop) -> Result<()> {
    let folder = shop.setup.data();
    let csv = folder.join("moved.csv");
    std::fs::write(&csv, fixture("woocommerce.csv")?)?;
    let run = async |arguments: &[&str]| -> Result<String> {
        let output = shop.run(arguments).await?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?}: {said}{complained}");
        Ok(said)
    };
    let path = |name: &str| folder.join(name).display().to_string();
    let said = run(&["import", &csv.display().to_string()]).await?;
    ensure!(said.contains("5 new"), "{said}");
    let said = run(&["import", &csv.display().to_string()]).await?;
    ensure!(said.contains("0 new, 0 changed, 5 as they were"), "{said}");
    for (format, name) in [("jsonl", "out.jsonl"), ("shopify", "out.csv")] {
        run(&["export", "--format", format, &path(name)]).await?;
        let said = run(&["import", &path(name)]).await?;
        ensure!(
            said.contains("0 new, 0 changed, 5 as they were"),
            "{format}: {said}"
        );
    }
    let printed = run(&["export"]).await?;
    assert_eq!(printed, std::fs::read_to_string(path("out.csv"))?);
    let staff = shop.admin().await?;
    let fetched = staff
        .get("/api/products/export?format=shopify")
        .expect(200)
        .await?;
    assert_eq!(fetched.text(), printed);
    Ok(())
}
