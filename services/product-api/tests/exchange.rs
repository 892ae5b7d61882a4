//! Catalogue files there and back, and after a crash; pictures from outside.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::{io::Cursor, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Path,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use common::http::{As, Served};
use http::{Method, StatusCode, header};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};
use techcommerce_contracts::{Channel, Service, codes, product_api::ImportReport};
use techcommerce_kernel::{Currency, Env, Error, Uuid};
use techcommerce_product_api::{
    MIGRATOR, audit,
    export::{self, Format},
    import::{Begun, Import, Opened, Progress, run},
};
use techcommerce_store::Db;
use techcommerce_testkit::{TestDb, on_both_engines};
use tokio::sync::mpsc;

fn how(dry_run: bool) -> Import {
    Import {
        dry_run,
        actor: "import".to_owned(),
        currency: Currency::EUR,
        file_name: Some("products.csv".to_owned()),
    }
}

async fn import(db: &Db, env: &Env, file: &[u8]) -> Result<ImportReport, Error> {
    run(
        db,
        env,
        None,
        how(false),
        Cursor::new(file.to_vec()),
        |_| {},
    )
    .await
}

async fn exported(db: &Db, format: Format) -> Vec<u8> {
    let (pieces, mut received) = mpsc::channel(100);
    let db = db.clone();
    let writing = tokio::spawn(async move {
        export::run(&db, format, Currency::EUR, "https://shop.example", &pieces).await
    });
    let mut file = Vec::new();
    while let Some(piece) = received.recv().await {
        file.extend_from_slice(&piece);
    }
    writing.await.unwrap().unwrap();
    file
}

/// The catalogue without what is each shop's own.
async fn catalogue(db: &Db) -> Vec<Value> {
    let lines = exported(db, Format::JsonLines).await;
    let lines = String::from_utf8(lines).unwrap();
    let mut products: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for product in &mut products {
        let fields = product.as_object_mut().unwrap();
        for own in ["id", "created_at", "updated_at"] {
            fields.remove(own);
        }
        for variant in product["variants"].as_array_mut().unwrap() {
            variant.as_object_mut().unwrap().remove("id");
        }
    }
    products.sort_by_key(|product| product["handle"].to_string());
    products
}

/// `count` products, every seventh of them with a price that is none.
fn many(count: usize) -> Vec<u8> {
    let mut file = String::from(
        "Handle,Title,Option1 Name,Option1 Value,Variant Inventory Tracker,Variant Inventory Qty,Variant Price\n",
    );
    for number in 0..count {
        let price = if number % 7 == 6 { "dear" } else { "9.50" };
        file += &format!("p-{number},Product {number},Size,S,shopify,{number},{price}\n");
        file += &format!("p-{number},,,M,shopify,1,10\n");
    }
    file.into_bytes()
}

on_both_engines! { MIGRATOR;
    async fn an_import_that_broke_off_goes_on_where_it_was(db: TestDb) {
        let (env, clock) = Env::manual(7);
        let file = many(400);
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let mut stop = Some(stop);
        let progress = |at: Progress| {
            if at.products >= 100 && let Some(stop) = stop.take() {
                stop.send(at).unwrap();
            }
        };
        let broken = run(&db, &env, None, how(false), Cursor::new(file.clone()), progress);
        tokio::select! {
            _ = broken => panic!("it came to its end"),
            at = stopped => assert!(at.unwrap().percent < 100),
        }
        let there = catalogue(&db).await.len();
        assert!((100..400).contains(&there), "{there}");
        clock.advance(Duration::from_secs(3600));

        let report = import(&db, &env, &file).await.unwrap();
        let refused = 400 / 7;
        assert_eq!((report.resumed, report.created, report.updated, report.unchanged), (true, 400, 0, 0));
        assert_eq!((report.refused, report.rows, report.changes.len()), (refused, 800, 400));
        let lines: Vec<u64> = report.errors.iter().map(|e| e.line).collect();
        assert_eq!(lines, (0..refused).map(|n| 2 + (n * 7 + 6) * 2).collect::<Vec<_>>());

        // As if nothing had happened.
        let whole = TestDb::new(db.db().dialect(), &MIGRATOR).await;
        let at_once = import(&whole, &env, &file).await.unwrap();
        assert_eq!((at_once.errors, at_once.created), (report.errors, report.created));
        assert_eq!(catalogue(&whole).await, catalogue(&db).await);
        assert_eq!(audit::audit(&db).await.unwrap(), Vec::new());

        let again = import(&db, &env, &file).await.unwrap();
        assert_eq!((again.resumed, again.created, again.updated, again.unchanged), (false, 0, 0, 400));
    }

    async fn who_goes_on_takes_the_import_over(db: TestDb) {
        let (env, _clock) = Env::manual(8);
        let opened = || Opened::new(Cursor::new(many(20))).unwrap();
        let first = Begun::new(&db, &env, how(false), opened()).await.unwrap();
        let second = Begun::new(&db, &env, how(false), opened()).await.unwrap();
        assert_eq!(first.id(), second.id());
        let lost = first.finish(&db, &env, None, |_| {}).await.unwrap_err();
        assert_eq!(lost.code(), codes::IMPORT_TAKEN_OVER);
        assert_eq!(catalogue(&db).await.len(), 0);
        let report = second.finish(&db, &env, None, |_| {}).await.unwrap();
        assert_eq!((report.created, report.resumed), (20, true));
    }

    async fn a_dry_run_is_applied_without_another_upload(db: TestDb) {
        let shop = Served::new(db.db()).await;
        let file = many(30);
        let send = |who, method, path: String, body: Vec<u8>| {
            let shop = &shop;
            async move { shop.send(who, method, &path, &[("content-type", "text/csv")], Body::from(body)).await }
        };
        let path = "/products/import?dry_run=true&file_name=C:%5Cfiles%5Cspring.csv";
        let dry = send(As::Staff, Method::POST, path.to_owned(), file.clone()).await;
        assert_eq!((dry.status, &dry.body["created"], &dry.body["refused"]), (200, &json!(30), &json!(4)), "{}", dry.body);
        assert_eq!((&dry.body["errors"][0]["column"], &dry.body["errors"][0]["line"]), (&json!("Variant Price"), &json!(14)));
        assert!(dry.body["errors"][0]["reason"].as_str().unwrap().contains("dear"));
        assert_eq!(catalogue(&shop.db).await, Vec::<Value>::new());
        let id = dry.body["id"].as_str().unwrap().to_owned();
        let list = send(As::Staff, Method::GET, "/products/imports".to_owned(), Vec::new()).await.body;
        assert_eq!((&list["items"][0]["can_apply"], &list["items"][0]["file_name"], &list["items"][0]["state"]),
            (&json!(true), &json!("spring.csv"), &json!("done")), "{list}");

        shop.clock.advance(Duration::from_secs(1));
        let applied = send(As::Staff, Method::POST, format!("/products/imports/{id}/apply"), Vec::new()).await;
        assert_eq!(applied.status, 202, "{}", applied.body);
        let real = applied.body["id"].as_str().unwrap().to_owned();
        assert_ne!(real, id);
        let mut run = Value::Null;
        for _ in 0..400 {
            run = send(As::Staff, Method::GET, format!("/products/imports/{real}"), Vec::new()).await.body;
            if run["state"] == "done" { break; }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        assert_eq!((&run["state"], &run["report"]["created"], &run["percent"]), (&json!("done"), &json!(30), &json!(100)), "{run}");
        assert_eq!(run["report"]["errors"].as_array().unwrap().len(), 4);
        let gone = send(As::Staff, Method::POST, format!("/products/imports/{id}/apply"), Vec::new()).await;
        assert_eq!((gone.status, &gone.body["code"]), (409, &json!("import_file_gone")));
        let guest = send(As::Guest, Method::GET, "/products/imports".to_owned(), Vec::new()).await;
        assert_eq!(guest.status, 401);
        let unknown = send(As::Staff, Method::GET, format!("/products/imports/{}", Uuid::nil()), Vec::new()).await;
        assert_eq!((unknown.status, &unknown.body["code"]), (404, &json!("import_not_found")));
        let log = send(As::Staff, Method::GET, "/audit/catalogue?object_kind=import".to_owned(), Vec::new()).await.body;
        let mut actions: Vec<&str> = log["items"].as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
        actions.sort_unstable();
        assert_eq!(actions, ["catalogue.import", "catalogue.import_end"]);

        // Page by page.
        let first = send(As::Staff, Method::GET, "/products/imports?limit=1".to_owned(), Vec::new()).await.body;
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = send(As::Staff, Method::GET, format!("/products/imports?limit=1&cursor={cursor}"), Vec::new()).await.body;
        assert_eq!((&first["items"][0]["id"], &second["items"][0]["id"], &second["next_cursor"]), (&json!(real), &json!(id), &Value::Null));
    }

    async fn what_goes_out_comes_in_again(db: TestDb) {
        let (env, _clock) = Env::manual(9);
        let mut random = TestRunner::deterministic();
        for _ in 0..4 {
            let lines = prop::collection::vec(product(), 1..12).new_tree(&mut random).unwrap().current();
            let file: String = lines.iter().enumerate().map(|(number, line)| {
                let mut line = line.clone();
                line["handle"] = json!(format!("{}-{number}", line["handle"].as_str().unwrap()));
                format!("{line}\n")
            }).collect();
            let dialect = db.db().dialect();
            let first = TestDb::new(dialect, &MIGRATOR).await;
            let report = import(&first, &env, file.as_bytes()).await.unwrap();
            assert_eq!((report.refused, report.created), (0, lines.len() as u64), "{:?}", report.errors);
            let original = catalogue(&first).await;

            let second = TestDb::new(dialect, &MIGRATOR).await;
            import(&second, &env, &exported(&first, Format::JsonLines).await).await.unwrap();
            assert_eq!(catalogue(&second).await, original);

            let csv = exported(&first, Format::Shopify).await;
            let third = TestDb::new(dialect, &MIGRATOR).await;
            let report = import(&third, &env, &csv).await.unwrap();
            assert_eq!(report.refused, 0, "{:?}", report.errors);
            assert!(report.warnings.iter().all(|w| w.reason.contains("below zero")), "{:?}", report.warnings);
            assert_eq!(catalogue(&third).await, original.into_iter().map(held_by_csv).collect::<Vec<_>>());
            assert_eq!(sorted(exported(&third, Format::Shopify).await), sorted(csv.clone()));
            // Where it came from it changes nothing.
            for again in [csv, exported(&first, Format::JsonLines).await] {
                let report = import(&first, &env, &again).await.unwrap();
                assert_eq!((report.created, report.updated, report.refused), (0, 0, 0), "{:?}", report.changes);
            }
        }
    }

    async fn pictures_are_fetched_from_where_they_lie(db: TestDb) {
        let images = images();
        let shop = Served::with_images(db.db(), images).await;
        let pictures = pictures().await;
        let names = ["good.png", "moved.png", "late.png", "gone.png", "inside.png", "loop.png", "large.png", "endless.png", "text.png"];
        let mut file = String::from("Handle,Title,Variant Price,Image Src\n");
        for name in names {
            file += &format!("{0},{0},1,http://{pictures}/{name}\n", name.split('.').next().unwrap());
        }
        file += "port,port,1,http://localhost:9/x.png\nname,name,1,http://localhost/x.png\n";
        file += "metadata,metadata,1,http://169.254.169.254/latest\n";
        let report = import(&shop.db, &shop.env, file.as_bytes()).await.unwrap();
        assert_eq!((report.created, report.refused), (12, 0));
        let run = report.id.unwrap();
        shop.jobs.drain().await.unwrap();

        let get = |path: String| { let shop = &shop; async move {
            shop.send(As::Staff, Method::GET, &path, &[], Body::empty()).await.body
        } };
        for name in ["good", "moved"] {
            let product = shop.until(&format!("/products/{name}"), |a| !a.body["images"][0]["id"].is_null()).await.body;
            assert_eq!((&product["images"][0]["width"], &product["images"][0]["height"]), (&json!(12), &json!(34)));
        }
        let now = get(format!("/products/imports/{run}")).await;
        assert_eq!((&now["pictures"]["fetched"], &now["pictures"]["waiting"], &now["pictures"]["failed"]), (&json!(2), &json!(1), &json!(9)), "{now}");
        let reasons: Vec<String> = now["pictures"]["errors"].as_array().unwrap().iter().map(|e| format!("{} {}", e["address"].as_str().unwrap(), e["reason"].as_str().unwrap())).collect();
        for (name, why) in [("gone.png", "404"), ("inside.png", "10.0.0.1 is no address of the open internet"), ("loop.png", "more than 4 times"),
            ("large.png", "larger than 20 MB"), ("endless.png", "larger than 20 MB"), ("text.png", "415"), ("localhost:9", "port 9"),
            ("localhost/x", "stands for no address of the open internet"), ("169.254.169.254", "open internet")] {
            assert!(reasons.iter().any(|reason| reason.contains(name) && reason.contains(why)), "{name}: {reasons:#?}");
        }
        // What was away for a moment is tried again.
        shop.clock.advance(Duration::from_secs(31));
        shop.jobs.tick().await.unwrap();
        shop.jobs.drain().await.unwrap();
        shop.until("/products/late", |a| !a.body["images"][0]["id"].is_null()).await;

        // The same file again: what is there stays, what was given up is tried once more.
        let again = import(&shop.db, &shop.env, file.as_bytes()).await.unwrap();
        assert_eq!((again.unchanged, again.updated), (12, 0));
        let now = get(format!("/products/imports/{}", again.id.unwrap())).await;
        assert_eq!((&now["pictures"]["waiting"], &now["pictures"]["fetched"]), (&json!(9), &json!(0)), "{now}");
        let csv = String::from_utf8(exported(&shop.db, Format::Shopify).await).unwrap();
        assert!(csv.contains("https://shop.example/images/"), "{csv}");
        // Our own picture in an export needs no way around the world.
        let other = csv.lines().filter(|line| line.starts_with("Handle") || line.starts_with("good")).collect::<Vec<_>>().join("\n").replace("good", "copy");
        import(&shop.db, &shop.env, other.as_bytes()).await.unwrap();
        shop.jobs.drain().await.unwrap();
        shop.until("/products/copy", |a| !a.body["images"][0]["id"].is_null()).await;
        assert_eq!(audit::audit(&shop.db).await.unwrap(), Vec::new());
    }
}

/// Lines in an order of their own: products that were made at the same moment have none.
fn sorted(file: Vec<u8>) -> Vec<String> {
    let text = String::from_utf8(file).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// What Shopify's columns do not hold: a category's description, and how many there are of what
/// nobody counts.
fn held_by_csv(mut product: Value) -> Value {
    if product["category"].is_object() {
        product["category"]["description"] = json!("");
    }
    for variant in product["variants"].as_array_mut().unwrap() {
        if variant["track_inventory"] == false {
            variant["on_hand"] = json!(0);
        }
    }
    product
}

/// A product as a line, of every shape that the shop can hold.
fn product() -> impl Strategy<Value = Value> {
    let text = || "[A-Za-zäöüß=+@\"',;’ -]{0,10}[a-zé]";
    let variant = (
        prop::option::of("[A-Z0-9=+-]{1,8}"),
        0_i64..100_000,
        prop::option::of(1_i64..200_000),
        -5_i64..50,
        any::<[bool; 4]>(),
        prop::option::of(1_i64..5_000),
        prop::option::of("[0-9]{8,13}"),
    );
    let options = prop::sample::select(vec![0_usize, 1, 2, 3]);
    let variants = prop::collection::vec(variant, 1..6);
    let images = prop::collection::btree_set("[a-z]{1,6}", 0..4);
    let tags = prop::collection::btree_set("[a-zé ]{0,5}[a-z]", 0..4);
    let category = prop::option::of((0_usize..3, text()));
    let status = prop::sample::select(vec!["active", "draft", "archived"]);
    (text(), "[a-z]{1,8}", text(), options, variants, images, tags, category, status).prop_map(
        |(title, handle, vendor, options, variants, images, tags, category, status)| {
            let names = ["Size", "Colour, inner", "=Cut"];
            let names: Vec<&str> = names.into_iter().take(options).collect();
            let variants = if options == 0 { variants[..1].to_vec() } else { variants };
            let variants: Vec<Value> = variants.into_iter().enumerate().map(|(number, variant)| {
                let (sku, price, more, on_hand, [track, goes_on, ships, taxed], grams, barcode) = variant;
                let values: Vec<Value> = names.iter().enumerate().map(|(place, name)| {
                    json!({"name": name, "value": if place == 0 { format!("No. {number}") } else { format!("{}", number % 2) }})
                }).collect();
                let compare = more.map(|more| json!({"amount": price + more, "currency": "EUR"}));
                json!({
                    "sku": sku, "options": values, "price": {"amount": price, "currency": "EUR"},
                    "compare_at_price": compare, "on_hand": if track { on_hand } else { 0 }, "track_inventory": track,
                    "inventory_policy": if goes_on { "continue" } else { "deny" },
                    "requires_shipping": ships, "taxable": taxed, "weight_grams": grams, "barcode": barcode,
                })
            }).collect();
            let options: Vec<Value> = names.iter().enumerate().map(|(place, name)| {
                let mut values: Vec<Value> = Vec::new();
                for variant in &variants {
                    let value = variant["options"][place]["value"].clone();
                    if !values.contains(&value) { values.push(value); }
                }
                json!({"name": name, "values": values})
            }).collect();
            let titles = ["Mugs & cups", "Bowls", "=Plates"];
            json!({
                "handle": handle, "title": title.trim(), "description": "<p>Line,\n\"two\"</p>", "vendor": vendor.trim(),
                "tags": tags.iter().map(|tag| tag.trim().to_owned()).collect::<std::collections::BTreeSet<_>>(),
                "category": category.map(|(which, description)| json!({"handle": format!("kind-{which}"), "title": titles[which], "description": description.trim()})),
                "status": status, "options": options, "variants": variants,
                "images": images.iter().map(|name| json!({"address": format!("https://pictures.example/{name}.png"), "alt": name})).collect::<Vec<_>>(),
            })
        },
    )
}

/// An image service that takes what begins as a picture does.
fn images() -> Channel {
    let uploaded = || {
        axum::Json(json!({
            "id": Uuid::from_u128(7), "url": "/images/x", "width": 12, "height": 34, "variants": [],
        }))
    };
    let take = move |body: Body| async move {
        match axum::body::to_bytes(body, usize::MAX).await {
            Ok(bytes) if bytes.starts_with(b"\x89PNG") => {
                (StatusCode::CREATED, uploaded()).into_response()
            }
            Ok(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "It is no picture.").into_response(),
            Err(_) => StatusCode::BAD_REQUEST.into_response(),
        }
    };
    let router = Router::new().route("/internal/images", post(take)).route(
        "/internal/images/{id}",
        get(move || async move { uploaded() }),
    );
    let (channel, binding) = Channel::local(Service::Images);
    binding.bind(router);
    channel
}

/// Somebody's web server.
async fn pictures() -> std::net::SocketAddr {
    use std::sync::atomic::{AtomicBool, Ordering};
    let png = || b"\x89PNG and so on".to_vec().into_response();
    let moved = |to: &str| (StatusCode::FOUND, [(header::LOCATION, to.to_owned())]).into_response();
    let late = std::sync::Arc::new(AtomicBool::new(false));
    let answer = move |Path(name): Path<String>| {
        let late = late.clone();
        async move {
            let response: Response = match name.as_str() {
                "good.png" => png(),
                "moved.png" => moved("/good.png"),
                "late.png" if late.swap(true, Ordering::Relaxed) => png(),
                "late.png" => StatusCode::SERVICE_UNAVAILABLE.into_response(),
                "inside.png" => moved("http://10.0.0.1/good.png"),
                "loop.png" => moved("/loop.png"),
                "large.png" => vec![0_u8; 21 * 1024 * 1024].into_response(),
                "endless.png" => {
                    let piece = Bytes::from(vec![1_u8; 1024 * 1024]);
                    let pieces =
                        std::iter::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()))
                            .take(64);
                    Body::from_stream(futures_util::stream::iter(pieces)).into_response()
                }
                "text.png" => "Hello".into_response(),
                _ => StatusCode::NOT_FOUND.into_response(),
            };
            response
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/{name}", get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}
