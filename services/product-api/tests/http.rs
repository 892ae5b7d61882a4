//! The interface on both engines: lists, search, details, what staff write.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use axum::body::Body;
use common::http::{As, Served};
use http::Method;
use serde_json::{Value, json};
use techcommerce_product_api::MIGRATOR;
use techcommerce_testkit::on_both_engines;

fn input(title: &str, price: i64, on_hand: i64) -> Value {
    json!({
        "title": title, "vendor": "Tidewell", "tags": ["home"],
        "description": "<p>Made by hand.</p><script>alert(1)</script>",
        "variants": [{ "sku": "S-1", "price": { "amount": price, "currency": "EUR" }, "on_hand": on_hand }],
    })
}

async fn create(shop: &Served, body: &Value) -> Value {
    let created = shop.json(As::Staff, Method::POST, "/products", body).await;
    assert_eq!(created.status, 201, "{}", created.body);
    shop.clock.advance(std::time::Duration::from_millis(1));
    created.body
}

on_both_engines! { MIGRATOR;
    async fn what_staff_write_is_there_at_once(db: TestDb) {
        let shop = Served::new(db.db()).await;
        let product = create(&shop, &input("Crème brûlée dish", 1250, 3)).await;
        assert_eq!(product["handle"], "creme-brulee-dish");
        assert_eq!(product["description"], "<p>Made by hand.</p>");
        assert_eq!(product["variants"][0]["available"], 3);
        let again = create(&shop, &input("Crème brûlée dish", 1250, 3)).await;
        assert_eq!(again["handle"], "creme-brulee-dish-2");

        let id = product["id"].as_str().unwrap();
        for path in [format!("/products/{id}"), "/products/creme-brulee-dish".to_owned()] {
            let shown = shop.get(&path).await;
            assert_eq!((shown.status, &shown.body), (200, &product), "{path}");
        }
        let path = format!("/products/{id}");
        let patch = json!({"title": "Dish", "status": "draft"});
        let patched = shop.json(As::Staff, Method::PATCH, &path, &patch).await;
        assert_eq!((patched.status, &patched.body["title"]), (200, &json!("Dish")));
        assert_eq!(patched.body["variants"], product["variants"]);
        assert_eq!(shop.get(&path).await.status, 404);
        let staff = shop.send(As::Staff, Method::GET, &path, &[], Body::empty()).await;
        assert_eq!((staff.status, &staff.body["status"]), (200, &json!("draft")));
        assert_eq!(staff.headers["cache-control"], "private, no-store");
        let stale = [("if-match", "\"v1\""), ("content-type", "application/json")];
        let refused = shop.send(As::Staff, Method::PATCH, &path, &stale, Body::from("{}")).await;
        assert_eq!((refused.status, &refused.body["code"]), (409, &json!("product_changed")));
        let tag = staff.headers["etag"].to_str().unwrap();
        let fresh = [("if-match", tag), ("content-type", "application/json")];
        let body = Body::from(json!({"status": "active"}).to_string());
        assert_eq!(shop.send(As::Staff, Method::PATCH, &path, &fresh, body).await.status, 200);
        assert_eq!(shop.get(&path).await.status, 200);
        let gone = shop.send(As::Staff, Method::DELETE, &path, &[], Body::empty()).await;
        assert_eq!(gone.status, 204);
        assert_eq!(shop.get(&path).await.status, 404);
        assert_eq!(shop.handles("/products", 1).await, ["creme-brulee-dish-2"]);
        let list = "/products?status=archived";
        assert_eq!(shop.get(list).await.status, 403);
        let list = shop.send(As::Staff, Method::GET, list, &[], Body::empty()).await;
        assert_eq!(list.body["items"][0]["id"], product["id"]);
    }

    async fn only_staff_write(db: TestDb) {
        let shop = Served::new(db.db()).await;
        let id = techcommerce_kernel::Uuid::nil();
        for (method, path, body) in [
            (Method::POST, "/products".to_owned(), input("A", 1, 1)),
            (Method::PATCH, format!("/products/{id}"), json!({})),
            (Method::DELETE, format!("/products/{id}"), json!({})),
            (Method::PUT, format!("/stock/{id}"), json!({"on_hand": 1})),
            (Method::GET, format!("/stock/{id}"), json!({})),
            (Method::POST, format!("/stock/{id}/adjustments"), json!({"delta": 1, "reason": "x"})),
        ] {
            let answer = shop.json(As::Guest, method.clone(), &path, &body).await;
            assert_eq!(answer.status, 401, "{method} {path}");
            assert_eq!(answer.body["code"], "unauthenticated");
        }
        let quotes = shop.json(As::Staff, Method::POST, "/internal/quotes", &json!({"variant_ids": []})).await;
        assert_eq!(quotes.status, 403);
    }

    async fn bad_input_is_told_place_by_place(db: TestDb) {
        let shop = Served::new(db.db()).await;
        let body = json!({
            "title": " ", "category": "nowhere", "tags": ["a\nb"],
            "variants": [
                { "price": { "amount": -1, "currency": "USD" }, "on_hand": -1, "options": [{"name": "Size", "value": "L"}] },
                { "price": { "amount": 5, "currency": "EUR" }, "compare_at_price": { "amount": 5, "currency": "EUR" } },
            ],
        });
        let refused = shop.json(As::Staff, Method::POST, "/products", &body).await;
        assert_eq!(refused.status, 400);
        let paths: Vec<&str> = refused.body["errors"].as_array().unwrap().iter().map(|e| e["path"].as_str().unwrap()).collect();
        assert_eq!(paths, [
            "title", "variants[0].price.currency", "variants[0].price.amount", "variants[0].on_hand",
            "variants[1].compare_at_price", "variants[1].options", "tags[0]",
        ]);
        for path in [
            "/products?cursor=nonsense", "/products?limit=0", "/products?limit=101",
            "/products?min_price=-1", "/products?min_price=x", "/products?sort=best",
        ] {
            let answer = shop.get(path).await;
            assert_eq!(answer.status, 400, "{path}");
            let place = path.split(['?', '=']).nth(1).unwrap();
            assert_eq!(answer.body["errors"][0]["path"], place, "{path}: {}", answer.body);
        }
        assert_eq!(shop.get("/products/nothing").await.body["code"], "product_not_found");
    }

    async fn lists_are_filtered_sorted_and_paged(db: TestDb) {
        let shop = Served::new(db.db()).await;
        for (title, price, on_hand) in [("Bowl", 900, 1), ("Apron", 2500, 0), ("Cup", 700, 4), ("Dish", 900, 2)] {
            let mut body = input(title, price, on_hand);
            if title == "Cup" {
                body["vendor"] = json!("Fjord");
                body["tags"] = json!(["Sale"]);
                body["variants"][0]["compare_at_price"] = json!({"amount": 800, "currency": "EUR"});
            }
            create(&shop, &body).await;
        }
        for limit in [1, 2, 3, 100] {
            assert_eq!(shop.handles("/products", limit).await, ["dish", "cup", "apron", "bowl"]);
            assert_eq!(shop.handles("/products?sort=title", limit).await, ["apron", "bowl", "cup", "dish"]);
            assert_eq!(shop.handles("/products?sort=price", limit).await, ["cup", "dish", "bowl", "apron"]);
            assert_eq!(shop.handles("/products?sort=-price", limit).await, ["apron", "dish", "bowl", "cup"]);
        }
        assert_eq!(shop.handles("/products?vendor=fjord", 9).await, ["cup"]);
        assert_eq!(shop.handles("/products?tag=sale", 9).await, ["cup"]);
        assert_eq!(shop.handles("/products?on_sale=true", 9).await, ["cup"]);
        assert_eq!(shop.handles("/products?in_stock=false", 9).await, ["apron"]);
        assert_eq!(shop.handles("/products?min_price=800&max_price=900&sort=title", 9).await, ["bowl", "dish"]);
        assert_eq!(shop.handles("/products?category=none", 9).await, Vec::<String>::new());
        let page = shop.get("/products?sort=title&limit=1").await;
        let cursor = page.body["next_cursor"].as_str().unwrap();
        let other = shop.get(&format!("/products?sort=price&limit=1&cursor={cursor}")).await;
        assert_eq!((other.status, &other.body["errors"][0]["path"]), (400, &json!("cursor")));

        let first = shop.get("/products").await;
        let tag = first.headers["etag"].to_str().unwrap().to_owned();
        let again = shop.send(As::Guest, Method::GET, "/products", &[("if-none-match", &tag)], Body::empty()).await;
        assert_eq!(again.status, 304);
        assert!(first.headers["cache-control"].to_str().unwrap().starts_with("public"));
    }

    async fn a_list_that_is_kept_goes_with_what_it_shows(db: TestDb) {
        let shop = Served::new(db.db()).await;
        let product = create(&shop, &input("Bowl", 900, 1)).await;
        let list = "/products?limit=5&q=bowl";
        let first = shop.get(list).await;
        let again = shop.get(list).await;
        assert_eq!((&first.bytes, &first.headers["etag"]), (&again.bytes, &again.headers["etag"]));
        let path = format!("/products/{}", product["id"].as_str().unwrap());
        let patch = json!({"title": "Bowl of oak"});
        assert_eq!(shop.json(As::Staff, Method::PATCH, &path, &patch).await.status, 200);
        let renamed = shop.get(list).await;
        assert_eq!(renamed.body["items"][0]["title"], "Bowl of oak");
        assert_ne!(renamed.headers["etag"], first.headers["etag"]);
        let variant = product["variants"][0]["id"].as_str().unwrap();
        let counted = json!({"on_hand": 7, "reason": "counted"});
        let counted = shop.json(As::Staff, Method::PUT, &format!("/stock/{variant}"), &counted).await;
        assert_eq!(counted.status, 200, "{}", counted.body);
        let available = |list: &Value| list["items"][0]["variants"][0]["available"].clone();
        assert_eq!(available(&shop.get(list).await.body), 7);

        // What staff see is kept for nobody.
        let draft = json!({"status": "draft"});
        assert_eq!(shop.json(As::Staff, Method::PATCH, &path, &draft).await.status, 200);
        for _ in 0..2 {
            let drafts = "/products?status=draft";
            let seen = shop.send(As::Staff, Method::GET, drafts, &[], Body::empty()).await;
            assert_eq!(seen.body["items"][0]["id"], product["id"]);
            assert_eq!(shop.get(drafts).await.status, 403);
            assert_eq!(shop.get(list).await.body["items"], json!([]));
        }
    }

    async fn search_forgives_typing_errors(db: TestDb) {
        let shop = Served::new(db.db()).await;
        for (title, text) in [
            ("Stoneware mug", "Holds coffee."), ("Stoneware bowl", "Goes with the mug."),
            ("Crème jug", "For milk."), ("Wool blanket", "Warm."),
        ] {
            let mut body = input(title, 900, 1);
            body["description"] = json!(text);
            create(&shop, &body).await;
        }
        for (search, wanted) in [
            ("stoneware mug", &["stoneware-mug", "stoneware-bowl"][..]),
            ("stonware+mgu", &["stoneware-mug", "stoneware-bowl"]),
            ("Stoneware+mu", &["stoneware-mug", "stoneware-bowl"]),
            ("creme", &["creme-jug"]),
            ("CR%C3%88ME", &["creme-jug"]),
            ("blankte", &["wool-blanket"]),
            ("blan", &["wool-blanket"]),
            ("s-1%20wool", &["wool-blanket"]),
            ("xyzzyxyzzy", &[]),
            ("%22%20AND%20(%2B-%5C", &[]),
        ] {
            let search = search.replace(' ', "%20");
            for limit in [1, 10] {
                let found = shop.handles(&format!("/products?q={search}"), limit).await;
                assert_eq!(found, wanted, "{search}");
            }
        }
        let found = shop.handles("/products?q=stoneware&sort=title", 1).await;
        assert_eq!(found, ["stoneware-bowl", "stoneware-mug"]);
    }

    async fn stock_is_set_and_adjusted(db: TestDb) {
        let shop = Served::new(db.db()).await;
        let product = create(&shop, &input("Mug", 900, 1)).await;
        let variant = product["variants"][0]["id"].as_str().unwrap();
        let path = format!("/stock/{variant}");
        let set = shop.json(As::Staff, Method::PUT, &path, &json!({"on_hand": 7})).await;
        assert_eq!(set.body, json!({"variant_id": variant, "on_hand": 7, "reserved": 0, "available": 7}));
        assert_eq!(shop.get("/products/mug").await.body["variants"][0]["available"], 7);
        let path = format!("{path}/adjustments");
        let adjusted = shop.json(As::Staff, Method::POST, &path, &json!({"delta": -2, "reason": "broken"})).await;
        assert_eq!((adjusted.status, &adjusted.body["on_hand"]), (200, &json!(5)));
        let refused = shop.json(As::Staff, Method::POST, &path, &json!({"delta": -6, "reason": "broken"})).await;
        assert_eq!((refused.status, &refused.body["code"]), (409, &json!("stock_below_zero")));
        let refused = shop.json(As::Staff, Method::POST, &path, &json!({"delta": 0, "reason": " "})).await;
        assert_eq!(refused.body["errors"][0]["path"], "delta");

        let deadline = shop.env.now() + std::time::Duration::from_secs(60);
        let request = json!({"id": shop.env.new_id(), "deadline": deadline,
            "lines": [{"variant_id": variant, "quantity": 4}]});
        let held = shop.json(As::Service, Method::POST, "/internal/reservations", &request).await;
        assert_eq!((held.status, &held.body["state"]), (200, &json!("held")));
        assert_eq!(held.body["lines"][0]["quote"]["price"]["amount"], 900);
        let shown = shop.until("/products/mug", |answer| answer.body["variants"][0]["available"] == 1).await;
        assert_eq!(shown.body["updated_at"], product["updated_at"], "stock is no change of the product");
        let claim = format!("/internal/reservations/{}/claim", request["id"].as_str().unwrap());
        let claimed = shop.json(As::Service, Method::POST, &claim, &json!({"reference": "order:1"})).await;
        assert_eq!((claimed.status, &claimed.body["state"]), (200, &json!("claimed")));
        shop.clock.advance(std::time::Duration::from_secs(61));
        assert!(shop.jobs.tick().await.unwrap() > 0);
        assert!(shop.jobs.drain().await.unwrap().len() > 1);
    }

    async fn who_follows_reads_what_changed_and_how_it_stands(db: TestDb) {
        let shop = Served::new(db.db()).await;
        let read = async |after: i64, limit: u32| {
            let path = format!("/internal/changes?after={after}&limit={limit}");
            let answer = shop.send(As::Service, Method::GET, &path, &[], Body::empty()).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            answer.body
        };
        assert_eq!(read(0, 0).await, json!({"position": 0, "changes": [], "products": []}));
        let mug = create(&shop, &input("Mug", 900, 7)).await;
        let path = format!("/products/{}", mug["id"].as_str().unwrap());
        let patched = shop.json(As::Staff, Method::PATCH, &path, &json!({"vendor": "Northwind"})).await;
        assert_eq!(patched.status, 200, "{}", patched.body);
        let variant = mug["variants"][0]["id"].as_str().unwrap();
        // A caller whose clock is an hour behind says for how long.
        let hour = std::time::Duration::from_secs(3600);
        let behind = shop.env.now().as_micros() - i64::try_from(hour.as_micros()).unwrap();
        let behind = techcommerce_kernel::Timestamp::from_micros(behind);
        let request = json!({"id": shop.env.new_id(), "deadline": behind, "hold_seconds": 60,
            "lines": [{"variant_id": variant, "quantity": 3}]});
        let held = shop.json(As::Service, Method::POST, "/internal/reservations", &request).await;
        assert_eq!((held.status, &held.body["state"]), (200, &json!("held")), "{}", held.body);
        let in_a_minute = shop.env.now() + std::time::Duration::from_secs(60);
        assert_eq!(held.body["deadline"], json!(in_a_minute));
        let archived = shop.send(As::Staff, Method::DELETE, &path, &[], Body::empty()).await;
        assert_eq!(archived.status, 204);
        let feed = read(0, 10).await;
        let what: Vec<&Value> = feed["changes"].as_array().unwrap().iter().map(|one| &one["what"]).collect();
        assert_eq!(what, ["created", "updated", "stock", "archived"]);
        assert!(feed["changes"].as_array().unwrap().iter().all(|one| one["product_id"] == mug["id"]));
        assert_eq!((&feed["position"], &feed["changes"][3]["position"]), (&json!(4), &json!(4)));
        assert_eq!(feed["products"].as_array().unwrap().len(), 1);
        assert_eq!(feed["products"][0]["status"], "archived");
        let stock = json!([{"variant_id": variant, "sku": "S-1", "on_hand": 7, "reserved": 3}]);
        assert_eq!(feed["products"][0]["stock"], stock);
        let rest = read(2, 1).await;
        assert_eq!((&rest["changes"][0]["position"], &rest["position"]), (&json!(3), &json!(4)));
        let path = "/internal/changes?after=0&limit=1";
        for who in [As::Guest, As::Staff] {
            assert_eq!(shop.send(who, Method::GET, path, &[], Body::empty()).await.status, 403);
        }
    }

    async fn two_replicas_show_the_same(db: TestDb) {
        let (one, two) = (Served::new(db.db()).await, Served::new(db.db()).await);
        for number in 0..12 {
            create(&one, &input(&format!("Mug {}", number % 3), 900 + number, 1)).await;
        }
        two.until("/products?limit=100", |page| page.body["items"].as_array().unwrap().len() == 12).await;
        let here = one.handles("/products?q=mug", 5).await;
        assert_eq!(here, two.handles("/products?q=mug", 5).await);
        let page = one.get("/products?q=mug&limit=5").await;
        let cursor = page.body["next_cursor"].as_str().unwrap();
        let next = two.get(&format!("/products?q=mug&limit=5&cursor={cursor}")).await;
        assert_eq!(next.body["items"][0]["handle"], here[5].as_str());
        assert_eq!(one.get("/products").await.headers["etag"], two.get("/products").await.headers["etag"]);
    }
}
