//! A catalogue from elsewhere comes in, twice.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::shop::{Shop, on_all};
use crate::shopper::eventually;
use crate::staff::text;

/// As real exports are: a byte-order mark, CRLF, line breaks in quotes, rows that only add a
/// picture, blank and repeated SKUs, stock below zero, variants that nobody counts, a column
/// nobody knows, one row with a price that is none.
const FIXTURE: &str = "fixtures/shopify.csv";

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(FIXTURE)
}

on_all!(by_the_interface, by_the_command, there_and_back);

/// By the interface: first only a look, then for good, then again without effect.
async fn by_the_interface(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let csv = std::fs::read(fixture())?;
    let send = |query: &'static str| {
        staff
            .post(&format!("/api/products/import{query}"))
            .body("text/csv", csv.clone())
            .send()
    };
    let look: Value = send("?dry_run=true").await?.expect(200)?.json()?;
    assert_eq!(
        (&look["created"], &look["dry_run"]),
        (&3.into(), &true.into())
    );
    let none: Value = staff.get("/api/products?status=active").value(200).await?;
    assert_eq!(none["items"].as_array().map(Vec::len), Some(0));

    let first: Value = send("").await?.expect(200)?.json()?;
    assert_eq!(first["format"], "shopify");
    assert_eq!(
        (&first["created"], &first["refused"]),
        (&3.into(), &1.into()),
        "{first}"
    );
    // Line 10: quoted line breaks count.
    assert_eq!(first["errors"][0]["line"], 10, "{first}");
    assert_eq!(first["errors"][0]["column"], "Variant Price");

    let second: Value = send("").await?.expect(200)?.json()?;
    assert_eq!(
        (&second["created"], &second["updated"], &second["unchanged"]),
        (&0.into(), &0.into(), &3.into()),
        "{second}"
    );

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
    let variants = shirt["variants"].as_array().context("variants")?;
    assert_eq!(variants.len(), 3);
    assert_eq!(variants[0]["inventory_policy"], "continue");
    // Shoppers see nothing to take; staff see what is owed.
    assert_eq!(variants[0]["available"], 0);
    let owed = crate::staff::stock(&staff, &text(&variants[0], "/id")?).await?;
    assert_eq!(owed.0, -2);
    assert_eq!(
        (&variants[2]["available"], &variants[2]["track_inventory"]),
        (&Value::Null, &false.into())
    );
    let stool: Value = client.get("/api/products/oak-stool").value(200).await?;
    assert_eq!(stool["options"], serde_json::json!([]));
    assert_eq!(stool["images"].as_array().map(Vec::len), Some(2));
    ensure!(
        !stool["description"]
            .as_str()
            .unwrap_or_default()
            .contains("script")
    );
    // Not published: only staff see it.
    client.get("/api/products/gift-note").expect(404).await?;
    staff.get("/api/products/gift-note").expect(200).await?;

    let unknown = staff
        .post("/api/products/import")
        .body("text/csv", "a,b\n1,2\n")
        .send()
        .await?;
    assert_eq!(unknown.problem(400)?, "import_format");
    Ok(())
}

/// By the command, beside a running shop.
async fn by_the_command(shop: Shop) -> Result<()> {
    import(&shop, &fixture(), true).await?;
    let client = shop.client();
    eventually("the stool's way into the list", async || {
        let answer = client.get("/api/products/oak-stool").send().await?;
        Ok((answer.status == 200).then_some(()))
    })
    .await?;
    import(&shop, &fixture(), true).await?;
    // Whatever else there is on this machine: `TECHCOMMERCE_TEST_CATALOGUES` names a folder
    // of real exports.
    let folder = std::env::var_os("TECHCOMMERCE_TEST_CATALOGUES").map(PathBuf::from);
    for file in folder
        .iter()
        .flat_map(std::fs::read_dir)
        .flatten()
        .flatten()
    {
        if file.path().extension().is_some_and(|kind| kind == "csv") {
            import(&shop, &file.path(), false).await?;
        }
    }
    let products: Value = client.get("/api/products?limit=100").value(200).await?;
    ensure!(
        products["items"]
            .as_array()
            .is_some_and(|items| items.len() >= 2)
    );
    Ok(())
}

/// What goes out comes in again, and changes nothing.
async fn there_and_back(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    import(&shop, &fixture(), true).await?;
    let csv = staff
        .get("/api/products/export?format=shopify")
        .expect(200)
        .await?;
    let report: Value = staff
        .post("/api/products/import")
        .body("text/csv", csv.body.clone())
        .value(200)
        .await?;
    assert_eq!(
        (&report["unchanged"], &report["refused"]),
        (&3.into(), &0.into()),
        "{report}"
    );
    let lines = staff
        .get("/api/products/export?format=jsonl")
        .expect(200)
        .await?
        .text();
    for line in lines.lines() {
        let product: Value = serde_json::from_str(line)?;
        ensure!(product["handle"].is_string());
    }
    assert_eq!(lines.lines().count(), 3);
    Ok(())
}

/// Runs `techcommerce import`; refused rows are told, with their line.
async fn import(shop: &Shop, file: &Path, has_a_bad_row: bool) -> Result<()> {
    let file = file.to_str().context("a path that is text")?;
    let output = shop.run(&["import", file]).await?;
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    if has_a_bad_row {
        ensure!(
            text.contains("10") && text.contains("Variant Price"),
            "{text}"
        );
    } else {
        ensure!(output.status.success(), "{file}: {text}");
    }
    Ok(())
}
