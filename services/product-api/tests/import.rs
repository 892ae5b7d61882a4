//! Imports on both engines: what real files hold, what is refused, what a repeat does.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests; where the samples lie is no setting of the shop"
)]

mod common;

use std::{io::Cursor, path::PathBuf};

use axum::body::Body;
use common::http::{As, Served};
use http::Method;
use serde_json::{Value, json};
use techcommerce_contracts::product_api::ImportReport;
use techcommerce_kernel::{Currency, Env};
use techcommerce_product_api::{
    MIGRATOR, audit,
    import::{Import, Progress, run},
};
use techcommerce_store::Db;
use techcommerce_testkit::on_both_engines;

const QUIRKS: &[u8] = include_bytes!("fixtures/shopify-quirks.csv");
const REFUSED: &[u8] = include_bytes!("fixtures/shopify-refused.csv");

async fn import(db: &Db, env: &Env, file: impl Into<Vec<u8>>, dry_run: bool) -> ImportReport {
    let import = Import {
        dry_run,
        actor: "import".to_owned(),
        currency: Currency::EUR,
        file_name: None,
    };
    let mut seen = Vec::new();
    let progress = |at: Progress| seen.push(at.rows);
    let report = run(db, env, None, import, Cursor::new(file.into()), progress)
        .await
        .unwrap();
    assert!(seen.is_sorted() && seen.last() == Some(&report.rows));
    report
}

fn counts(report: &ImportReport) -> (u64, u64, u64, u64) {
    (
        report.created,
        report.updated,
        report.unchanged,
        report.refused,
    )
}

/// The folder with real exports, if there is one: they are not ours to ship.
fn samples() -> Option<PathBuf> {
    let folder = std::env::var_os("TECHCOMMERCE_SAMPLE_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let there = folder.join("shopify-apparel.csv").is_file();
    if !there {
        eprintln!("skipped: no sample data; set TECHCOMMERCE_SAMPLE_DATA to a folder of exports");
    }
    there.then_some(folder)
}

on_both_engines! { MIGRATOR;
    async fn what_real_files_hold(db: TestDb) {
        let shop = Served::new(db.db()).await;
        let dry = import(&shop.db, &shop.env, QUIRKS, true).await;
        assert_eq!((counts(&dry), dry.dry_run), ((3, 0, 0, 0), true));
        let report = import(&shop.db, &shop.env, QUIRKS, false).await;
        assert_eq!((counts(&report), report.rows, report.format.as_str()), ((3, 0, 0, 0), 6, "shopify"));
        let warned: Vec<(u64, &str)> = report.warnings.iter().map(|w| (w.line, w.column.as_str())).collect();
        assert_eq!(warned, [(1, ""), (5, "Variant Inventory Qty"), (9, "Handle")]);
        assert!(report.warnings[0].reason.contains("not taken over"), "{:?}", report.warnings[0]);

        let shirt = shop.until("/products/linen-shirt", |answer| answer.status == 200).await.body;
        assert_eq!(shirt["description"], "<p>Line one,\nline \"two\"</p>");
        assert_eq!((&shirt["category"], &shirt["vendor"]), (&json!("shirts"), &json!("Weir & Sons")));
        assert_eq!(shirt["tags"], json!(["linen", "Summer"]));
        assert_eq!(shirt["options"], json!([
            {"name": "Size", "values": ["S", "M", "L"]}, {"name": "Colour", "values": ["Sand"]},
        ]));
        let variants: Vec<Value> = shirt["variants"].as_array().unwrap().iter().map(|v| json!([
            v["title"], v["sku"], v["price"]["amount"], v["compare_at_price"]["amount"],
            v["available"], v["inventory_policy"],
        ])).collect();
        assert_eq!(variants, [
            json!(["S / Sand", "LS-1", 4990, 5990, 5, "deny"]),
            json!(["M / Sand", "LS-1", 4990, null, 0, "continue"]),
            json!(["L / Sand", null, 104_900, null, null, "deny"]),
        ]);
        assert_eq!(shirt["images"].as_array().unwrap().len(), 3);
        assert_eq!((&shirt["images"][0]["alt"], &shirt["images"][0]["id"]), (&json!("A shirt"), &Value::Null));
        let staff = |path: &'static str| shop.send(As::Staff, Method::GET, path, &[], Body::empty());
        let card = staff("/products/gift-card").await.body;
        assert_eq!((&card["status"], &card["options"], &card["variants"][0]["title"]), (&json!("draft"), &json!([]), &json!("")));
        assert_eq!(staff("/products/grossentm-pullover").await.body["status"], "archived");
        assert_eq!(audit::audit(&shop.db).await.unwrap(), Vec::new());
    }

    async fn the_same_file_again_changes_nothing(db: TestDb) {
        let shop = Served::new(db.db()).await;
        import(&shop.db, &shop.env, QUIRKS, false).await;
        let before = shop.until("/products/linen-shirt", |answer| answer.status == 200).await.body;
        shop.clock.advance(std::time::Duration::from_secs(5));
        let again = import(&shop.db, &shop.env, QUIRKS, false).await;
        assert_eq!(counts(&again), (0, 0, 3, 0));

        // One was sold meanwhile; another file with the same number does not bring it back.
        let variant = before["variants"][0]["id"].as_str().unwrap();
        let path = format!("/stock/{variant}/adjustments");
        shop.json(As::Staff, Method::POST, &path, &json!({"delta": -1, "reason": "sold"})).await;
        let text = String::from_utf8(QUIRKS.to_vec()).unwrap();
        let renamed = text.replace("Linen Shirt", "Linen shirt washed");
        assert_eq!(counts(&import(&shop.db, &shop.env, renamed.clone(), false).await), (0, 1, 2, 0));
        let after = shop.until("/products/linen-shirt", |a| a.body["title"] == "Linen shirt washed").await.body;
        let ids = |product: &Value| product["variants"].as_array().unwrap().iter().map(|v| v["id"].clone()).collect::<Vec<_>>();
        assert_eq!(ids(&after), ids(&before));
        assert_eq!(after["variants"][0]["available"], 4);

        // Another number is a new count; a variant that is left out goes.
        let counted = renamed.replace("shopify,5,deny", "shopify,9,deny");
        let (head, tail) = counted.split_once("linen-shirt,,,,,,,,,L").unwrap();
        let shorter = format!("{head}{}", tail.split_once("\r\n").unwrap().1);
        assert_eq!(counts(&import(&shop.db, &shop.env, shorter, false).await), (0, 1, 2, 0));
        let after = shop.until("/products/linen-shirt", |a| a.body["variants"][0]["available"] == 9).await.body;
        assert_eq!(after["variants"].as_array().unwrap().len(), 2);
        assert_eq!(audit::audit(&shop.db).await.unwrap(), Vec::new());
    }

    async fn every_refused_row_is_named(db: TestDb) {
        let shop = Served::new(db.db()).await;
        let report = import(&shop.db, &shop.env, REFUSED, false).await;
        let refused: Vec<(u64, &str)> = report.errors.iter().map(|e| (e.line, e.column.as_str())).collect();
        assert_eq!(refused, [
            (3, "Handle"), (4, "Title"), (5, ""), (7, "Variant Price"), (8, "Option1 Value"),
            (9, "Option1 Value"), (10, "Variant Price"), (11, "Variant Inventory Policy"),
            (12, "Image Src"), (13, ""), (14, "Handle"), (15, "Variant Price"),
            (16, "Variant Inventory Qty"), (17, "Status"),
        ]);
        assert_eq!((counts(&report), report.rows), ((3, 0, 0, 14), 17));
        let again = import(&shop.db, &shop.env, REFUSED, false).await;
        assert_eq!(counts(&again), (0, 0, 3, 14));
        assert_eq!(again.errors, report.errors);
    }

    async fn a_refused_row_takes_nothing_off_sale(db: TestDb) {
        let shop = Served::new(db.db()).await;
        let file = |price: &str| format!(
            "Handle,Title,Option1 Name,Option1 Value,Variant Price\nmug,Mug,Size,S,1\nmug,,,L,{price}\n"
        );
        import(&shop.db, &shop.env, file("2"), false).await;
        let report = import(&shop.db, &shop.env, file("two"), false).await;
        assert_eq!(counts(&report), (0, 0, 1, 1));
        let report = import(&shop.db, &shop.env, file("two").replace("Mug", "Cup"), false).await;
        assert_eq!(counts(&report), (0, 1, 0, 1));
        let mug = shop.until("/products/mug", |answer| answer.body["title"] == "Cup").await.body;
        assert_eq!(mug["variants"].as_array().unwrap().len(), 2);
        assert_eq!(mug["options"][0]["values"], json!(["S", "L"]));
    }

    async fn a_file_comes_over_http(db: TestDb) {
        let shop = Served::new(db.db()).await;
        let send = |path: &'static str, body: &[u8]| {
            shop.send(As::Staff, Method::POST, path, &[("content-type", "text/csv")], Body::from(body.to_vec()))
        };
        let dry = send("/products/import?dry_run=true", QUIRKS).await;
        assert_eq!((dry.status, &dry.body["created"], &dry.body["dry_run"]), (200, &json!(3), &json!(true)));
        assert_eq!(shop.get("/products/linen-shirt").await.status, 404);
        let done = send("/products/import", QUIRKS).await;
        assert_eq!((done.status, &done.body["created"]), (200, &json!(3)));
        assert_eq!(shop.get("/products/linen-shirt").await.status, 200);
        for nonsense in [&b""[..], b"a,b,c\n1,2,3\n", b"\xff\xfe\x00", b"{\"products\": []}"] {
            let refused = send("/products/import", nonsense).await;
            assert_eq!((refused.status, &refused.body["code"]), (400, &json!("import_format")));
        }
        let guest = shop.send(As::Guest, Method::POST, "/products/import", &[], Body::from("x")).await;
        assert_eq!(guest.status, 401);
    }

    async fn what_goes_out_comes_in_again_and_changes_nothing(db: TestDb) {
        use techcommerce_product_api::demo::{Picture, load_demo};
        let shop = Served::new(db.db()).await;
        let json = include_bytes!("../../../apps/techcommerce/demo/catalogue.json");
        let picture = |name: &str| Some(Picture {
            id: techcommerce_kernel::Uuid::from_u128(name.len() as u128), width: 1280, height: 1280,
        });
        let demo = load_demo(&shop.db, &shop.env, Currency::EUR, json, picture).await.unwrap();
        import(&shop.db, &shop.env, QUIRKS, false).await;
        let get = |path: &'static str| shop.send(As::Staff, Method::GET, path, &[], Body::empty());
        let csv = get("/products/export?format=shopify").await;
        assert_eq!((csv.status, csv.headers["content-type"].to_str().unwrap()), (200, "text/csv; charset=utf-8"));
        let lines = get("/products/export?format=jsonl").await;
        let text = String::from_utf8(lines.bytes).unwrap();
        assert!(text.lines().count() >= demo);
        let total = u64::try_from(text.lines().count()).unwrap();
        let again = import(&shop.db, &shop.env, csv.bytes.clone(), true).await;
        assert_eq!((counts(&again), &again.errors), ((0, 0, total, 0), &Vec::new()));
        let again = import(&shop.db, &shop.env, csv.bytes, false).await;
        assert_eq!(counts(&again), (0, 0, total, 0));
        assert_eq!(get("/products/export").await.status, 200);
        assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).unwrap()["handle"].is_string()));
        assert_eq!(get("/products/export?format=xml").await.status, 400);
        assert_eq!(shop.get("/products/export").await.status, 401);
    }

    async fn real_exports_go_in(db: TestDb) {
        let Some(folder) = samples() else { return };
        let (env, _clock) = Env::manual(5);
        for name in ["apparel", "home-and-garden", "jewelery"] {
            let file = std::fs::read(folder.join(format!("shopify-{name}.csv"))).unwrap();
            let report = import(&db, &env, file.clone(), false).await;
            assert_eq!((report.created, report.refused, &report.errors), (20, 0, &Vec::new()), "{name}");
            let again = import(&db, &env, file, false).await;
            assert_eq!(counts(&again), (0, 0, 20, 0), "{name}");
        }
    }

    async fn the_demo_goes_in_once(db: TestDb) {
        use techcommerce_product_api::demo::{Picture, load_demo};
        let shop = Served::new(db.db()).await;
        let json = include_bytes!("../../../apps/techcommerce/demo/catalogue.json");
        let picture = |_: &str| Some(Picture { id: techcommerce_kernel::Uuid::nil(), width: 1280, height: 1280 });
        let loaded = load_demo(&shop.db, &shop.env, Currency::EUR, json, picture).await.unwrap();
        assert!(loaded >= 60, "{loaded}");
        assert_eq!(load_demo(&shop.db, &shop.env, Currency::EUR, json, picture).await.unwrap(), 0);
        shop.until("/products", |page| !page.body["items"].as_array().unwrap().is_empty()).await;
        assert_eq!(shop.handles("/products", 100).await.len(), loaded);
        let catalogue: Value = serde_json::from_slice(json).unwrap();
        let newest = catalogue["products"][0]["handle"].clone();
        assert_eq!(shop.get("/products").await.body["items"][0]["handle"], newest);
        let categories = shop.get("/categories").await.body["items"].as_array().unwrap().clone();
        assert!(categories.len() >= 8);
        assert!(categories.iter().all(|c| c["product_count"].as_i64().unwrap() > 0 && !c["image"].is_null()));
        let kitchen = shop.handles("/products?category=kitchen", 5).await;
        assert_eq!(categories[0]["product_count"], kitchen.len());
        assert_eq!(audit::audit(&shop.db).await.unwrap(), Vec::new());
    }
}
