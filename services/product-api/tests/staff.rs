//! What staff do with the catalogue, on both engines: categories, stock, many products at once,
//! what stands in the audit log.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::time::Duration;

use axum::body::Body;
use common::http::{Answer, As, Served};
use http::Method;
use serde_json::{Value, json};
use techcommerce_product_api::MIGRATOR;
use techcommerce_testkit::on_both_engines;

impl Served {
    async fn staff(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.clock.advance(Duration::from_millis(1));
        self.json(As::Staff, method, path, body).await
    }

    async fn seen(&self, path: &str) -> Value {
        let answer = self
            .send(As::Staff, Method::GET, path, &[], Body::empty())
            .await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    async fn add(&self, title: &str, more: &Value) -> Value {
        let mut body = json!({ "title": title, "variants": [variant("", 1000, 3)] });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let created = self.staff(Method::POST, "/products", &body).await;
        assert_eq!(created.status, 201, "{}", created.body);
        created.body
    }

    /// One field of all things of a list, over its pages.
    async fn all(&self, path: &str, field: &str) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        let glue = if path.contains('?') { '&' } else { '?' };
        loop {
            let page = self.seen(&format!("{path}{glue}limit=2{cursor}")).await;
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 2);
            all.extend(items.iter().map(|item| item[field].clone()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }
}

fn variant(size: &str, price: i64, on_hand: i64) -> Value {
    let mut variant = json!({ "price": euros(price), "on_hand": on_hand });
    if !size.is_empty() {
        variant["sku"] = json!(format!("SKU-{size}"));
        variant["options"] = json!([{ "name": "Size", "value": size }]);
    }
    variant
}

fn euros(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

on_both_engines! { MIGRATOR;
    async fn categories_are_made_arranged_and_deleted(db: TestDb) {
        let shop = Served::new(db.db()).await;
        for title in ["Mugs", "Bowls & Plates", "  Lamps "] {
            let made = shop.staff(Method::POST, "/categories", &json!({ "title": title })).await;
            assert_eq!(made.status, 201, "{}", made.body);
        }
        let first = json!({ "title": "New", "position": 1, "description": " What\n  came. " });
        let made = shop.staff(Method::POST, "/categories", &first).await;
        assert_eq!((&made.body["position"], &made.body["description"]), (&json!(1), &json!("What came.")));
        let order = ["new", "mugs", "bowls-plates", "lamps"];
        assert_eq!(shop.all_categories().await, order);
        let twin = shop.staff(Method::POST, "/categories", &json!({ "title": "Mugs" })).await;
        assert_eq!((twin.status, &twin.body["code"]), (409, &json!("handle_taken")));
        let wrong = json!({ "title": " ", "position": 0 });
        let wrong = shop.staff(Method::POST, "/categories", &wrong).await;
        let places: Vec<&Value> = wrong.body["errors"].as_array().unwrap().iter().map(|e| &e["path"]).collect();
        assert_eq!(places, ["title", "position"]);

        let mug = shop.add("Mug", &json!({ "category": "mugs" })).await;
        shop.add("Secret mug", &json!({ "category": "mugs", "status": "draft" })).await;
        let seen = shop.seen("/categories").await;
        assert_eq!((&seen["items"][1]["product_count"], &seen["items"][1]["total_count"]), (&json!(1), &json!(2)));
        assert_eq!(shop.get("/categories").await.body["items"][1]["total_count"], Value::Null);

        // Its products are found under the new name, and say it.
        let patch = json!({ "handle": "cups", "title": "Cups", "position": 4 });
        let moved = shop.staff(Method::PATCH, "/categories/mugs", &patch).await;
        assert_eq!((moved.status, &moved.body["position"]), (200, &json!(4)));
        assert_eq!(shop.all_categories().await, ["new", "bowls-plates", "lamps", "cups"]);
        assert_eq!(shop.handles("/products?category=cups", 9).await, ["mug"]);
        assert_eq!(shop.handles("/products?category=mugs", 9).await, Vec::<String>::new());
        assert_eq!(shop.get("/products/mug").await.body["category"], "cups");
        assert_eq!(shop.staff(Method::PATCH, "/categories/mugs", &patch).await.status, 404);
        let taken = shop.staff(Method::PATCH, "/categories/cups", &json!({ "handle": "new" })).await;
        assert_eq!(taken.body["code"], "handle_taken");

        let gone = shop.staff(Method::DELETE, "/categories/cups", &Value::Null).await;
        assert_eq!(gone.status, 204, "{}", gone.body);
        let shown = shop.get("/products/mug").await;
        assert_eq!((&shown.body["category"], &shown.body["version"]), (&Value::Null, &json!(2)));
        assert_eq!(shop.all_categories().await, ["new", "bowls-plates", "lamps"]);
        assert_eq!(shop.staff(Method::DELETE, "/categories/cups", &Value::Null).await.status, 404);
        let log = shop.seen("/audit/catalogue?object_kind=category&limit=2").await;
        assert_eq!(log["items"][0]["action"], "category.delete");
        assert_eq!(log["items"][0]["change"]["products_taken_out"], 2);
        assert_eq!(log["items"][1]["change"]["handle"], json!({ "from": "mugs", "to": "cups" }));
        let stale = json!({ "category": "cups" });
        let refused = shop.staff(Method::PATCH, &format!("/products/{}", id(&mug)), &stale).await;
        assert_eq!(refused.body["errors"][0]["path"], "category");
    }

    async fn a_large_category_is_emptied_in_parts(db: TestDb) {
        let shop = Served::new(db.db()).await;
        shop.staff(Method::POST, "/categories", &json!({ "title": "All" })).await;
        let writer = common::writer(&shop.env);
        let mut draft = common::draft("x", &[common::counted(1)]);
        draft.category = Some(techcommerce_product_api::catalogue::draft::CategoryDraft {
            handle: "all".to_owned(), title: String::new(), description: String::new(),
        });
        techcommerce_store::transact!(shop.db, |tx| -> Result<(), techcommerce_kernel::Error> {
            let mut changed = std::collections::BTreeSet::new();
            for number in 0..501 {
                let mut draft = draft.clone();
                draft.handle = format!("x-{number}");
                writer.create(tx, &draft, &mut changed).await?;
            }
            techcommerce_product_api::changes::record(tx, shop.env.now(), &changed).await?;
            Ok(())
        }).unwrap();
        let gone = shop.staff(Method::DELETE, "/categories/all", &Value::Null).await;
        assert_eq!(gone.status, 204, "{}", gone.body);
        let log = shop.seen("/audit/catalogue?action=category.delete").await;
        assert_eq!(log["items"][0]["change"]["products_taken_out"], 501);
        assert_eq!(shop.get("/products?limit=1").await.body["items"][0]["category"], Value::Null);
    }

    async fn a_category_goes_while_products_come(db: TestDb) {
        let shop = Served::new(db.db()).await;
        let mut paths = Vec::new();
        for number in 0..4 {
            let product = shop.add(&format!("Mug {number}"), &json!({})).await;
            paths.push(format!("/products/{}", id(&product)));
        }
        for _ in 0..5 {
            let made = shop.staff(Method::POST, "/categories", &json!({ "title": "Mugs" })).await;
            assert_eq!(made.status, 201, "{}", made.body);
            let filed = json!({ "category": "mugs" });
            let (gone, a, b, c, d) = tokio::join!(
                shop.json(As::Staff, Method::DELETE, "/categories/mugs", &Value::Null),
                shop.json(As::Staff, Method::PATCH, &paths[0], &filed),
                shop.json(As::Staff, Method::PATCH, &paths[1], &filed),
                shop.json(As::Staff, Method::PATCH, &paths[2], &filed),
                shop.json(As::Staff, Method::PATCH, &paths[3], &filed),
            );
            assert_eq!(gone.status, 204, "{}", gone.body);
            for answer in [a, b, c, d] {
                assert!(matches!(answer.status, 200 | 400), "{}", answer.body);
            }
            for path in &paths {
                assert_eq!(shop.seen(path).await["category"], Value::Null);
            }
        }
    }

    async fn stock_is_listed_with_its_movements(db: TestDb) {
        let shop = Served::new(db.db()).await;
        let sizes = json!({ "variants": [variant("L", 900, 9), variant("M", 900, 2), variant("S", 900, 0)] });
        let shirt = shop.add("Crème shirt", &sizes).await;
        shop.add("Mug", &json!({})).await;
        let uncounted = json!({ "variants": [{ "price": euros(1), "track_inventory": false }] });
        shop.add("Voucher", &uncounted).await;
        shop.add("Old mug", &json!({ "status": "archived" })).await;
        let on_hand = |values: Vec<Value>| -> Vec<i64> { values.iter().map(|v| v.as_i64().unwrap()).collect() };
        assert_eq!(on_hand(shop.all("/stock", "on_hand").await), [0, 3, 9, 2, 0], "the newest product first");
        assert_eq!(on_hand(shop.all("/stock?below=5", "available").await), [0, 2, 3]);
        assert_eq!(on_hand(shop.all("/stock?below=1", "available").await), [0]);
        assert_eq!(on_hand(shop.all("/stock?q=creme", "on_hand").await), [9, 2, 0]);
        assert_eq!(on_hand(shop.all("/stock?q=SHIRT%20cr", "on_hand").await), [9, 2, 0]);
        assert_eq!(on_hand(shop.all("/stock?q=sku-m", "on_hand").await), [2]);
        assert_eq!(on_hand(shop.all("/stock?q=creme&below=3", "on_hand").await), [0, 2]);
        assert_eq!(shop.all("/stock?q=%25", "on_hand").await, Vec::<Value>::new());
        let page = shop.seen("/stock?q=sku-l").await;
        let item = &page["items"][0];
        assert_eq!((&item["product_title"], &item["variant_title"]), (&json!("Crème shirt"), &json!("L")));
        assert_eq!((&item["sku"], &item["product_handle"]), (&json!("SKU-L"), &json!("creme-shirt")));

        let large = shirt["variants"][0]["id"].as_str().unwrap();
        let path = format!("/stock/{large}");
        shop.staff(Method::PUT, &path, &json!({ "on_hand": 4, "reason": "inventory" })).await;
        shop.staff(Method::PUT, &path, &json!({ "on_hand": 4, "reason": "again" })).await;
        let adjustment = json!({ "delta": -1, "reason": "broken" });
        shop.staff(Method::POST, &format!("{path}/adjustments"), &adjustment).await;
        let path = format!("{path}/movements");
        assert_eq!(on_hand(shop.all(&path, "delta").await), [-1, -5, 9]);
        let newest = &shop.seen(&path).await["items"][0];
        assert_eq!((&newest["reason"], &newest["note"]), (&json!("adjustment"), &json!("broken")));
        assert_eq!((&newest["on_hand"], &newest["actor"]), (&json!(3), &json!("api-key:00000000-0000-0000-0000-000000000000")));
        let nobody = format!("/stock/{}/movements", techcommerce_kernel::Uuid::nil());
        let nobody = shop.send(As::Staff, Method::GET, &nobody, &[], Body::empty()).await;
        assert_eq!(nobody.body["code"], "variant_not_found");

        let log = shop.seen("/audit/catalogue?object_kind=variant").await;
        let actions: Vec<&Value> = log["items"].as_array().unwrap().iter().map(|e| &e["action"]).collect();
        assert_eq!(actions, ["stock.adjust", "stock.set"], "what changes nothing leaves no entry");
        assert_eq!(log["items"][0]["object_title"], "Crème shirt (L)");
        assert_eq!(log["items"][0]["change"]["on_hand"], json!({ "from": 4, "to": 3 }));

        let counts = shop.seen("/products/counts").await;
        assert_eq!(counts, json!({ "active": 3, "draft": 0, "archived": 1, "low_stock": 3, "out_of_stock": 1 }));
        assert_eq!(shop.seen("/products/counts?below=3").await["low_stock"], 1);
        for path in ["/stock?cursor=x", "/stock?limit=0", "/products/counts?below=0"] {
            let wrong = shop.send(As::Staff, Method::GET, path, &[], Body::empty()).await;
            assert_eq!(wrong.status, 400, "{path}");
        }
    }

    async fn many_products_are_changed_each_by_itself(db: TestDb) {
        let shop = Served::new(db.db()).await;
        shop.staff(Method::POST, "/categories", &json!({ "title": "Mugs" })).await;
        let mut reduced = variant("", 1999, 1);
        reduced["compare_at_price"] = euros(2100);
        let one = id(&shop.add("One", &json!({ "variants": [reduced] })).await);
        let two = id(&shop.add("Two", &json!({ "tags": ["sale"] })).await);
        let nobody = techcommerce_kernel::Uuid::nil().to_string();
        let bulk = async |action: Value| {
            let body = json!({ "ids": [one, nobody, two], "action": action });
            let answer = shop.staff(Method::POST, "/products/bulk", &body).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert_eq!(answer.body["items"][1]["error"]["code"], "product_not_found");
            let items = answer.body["items"].as_array().unwrap().clone();
            (items[0]["outcome"].clone(), items[2]["outcome"].clone())
        };
        let (changed, unchanged) = (json!("changed"), json!("unchanged"));
        let tag = json!({ "kind": "add_tag", "tag": " sale " });
        assert_eq!(bulk(tag).await, (changed.clone(), unchanged.clone()));
        assert_eq!(shop.handles("/products?tag=sale", 9).await, ["two", "one"]);
        let tag = json!({ "kind": "remove_tag", "tag": "sale" });
        assert_eq!(bulk(tag).await, (changed.clone(), changed.clone()));
        let category = json!({ "kind": "set_category", "category": "mugs" });
        assert_eq!(bulk(category.clone()).await, (changed.clone(), changed.clone()));
        assert_eq!(bulk(category).await, (unchanged.clone(), unchanged));
        let price = json!({ "kind": "change_price", "percent": 2.5 });
        assert_eq!(bulk(price).await, (changed.clone(), changed.clone()));
        let first = shop.get("/products/one").await.body;
        assert_eq!(first["variants"][0]["price"], euros(2049));
        assert_eq!(first["variants"][0]["compare_at_price"], euros(2100));
        let price = json!({ "kind": "change_price", "percent": 50 });
        bulk(price).await;
        let first = shop.get("/products/one").await.body;
        assert_eq!(first["variants"][0]["price"], euros(3074));
        assert_eq!(first["variants"][0]["compare_at_price"], Value::Null);
        let status = json!({ "kind": "set_status", "status": "archived" });
        assert_eq!(bulk(status).await, (changed.clone(), changed));
        assert_eq!(shop.handles("/products", 9).await, Vec::<String>::new());

        for (body, place) in [
            (json!({ "ids": [], "action": { "kind": "add_tag", "tag": "x" } }), "ids"),
            (json!({ "ids": [one, one], "action": { "kind": "add_tag", "tag": "x" } }), "ids"),
            (json!({ "ids": [one], "action": { "kind": "add_tag", "tag": "a,b" } }), "action.tag"),
            (json!({ "ids": [one], "action": { "kind": "set_category", "category": "no" } }), "action.category"),
        ] {
            let refused = shop.staff(Method::POST, "/products/bulk", &body).await;
            assert_eq!((refused.status, &refused.body["errors"][0]["path"]), (400, &json!(place)));
        }
        let body = json!({ "ids": [one], "action": { "kind": "change_price", "percent": -100.01 } });
        assert_eq!(shop.staff(Method::POST, "/products/bulk", &body).await.status, 400);
        let log = shop.seen(&format!("/audit/catalogue?object_id={one}")).await;
        assert_eq!(log["items"].as_array().unwrap().len(), 7);
        assert_eq!(log["items"][0]["action"], "product.bulk");
        assert_eq!(log["items"][0]["change"]["status"], json!({ "from": "active", "to": "archived" }));
    }

    async fn staff_find_products_in_the_database(db: TestDb) {
        let shop = Served::new(db.db()).await;
        for (title, status) in [("Zebra mug", "draft"), ("Äpfel", "draft"), ("Mug", "draft"), ("Other", "active")] {
            shop.add(title, &json!({ "status": status, "vendor": "Fjord", "tags": ["Big \"sale\""] })).await;
        }
        let sizes = json!({ "status": "draft", "variants": [variant("L", 500, 0), variant("S", 700, 0)] });
        shop.add("Shirt", &sizes).await;
        let found = async |query: &str| shop.all(&format!("/products?status=draft{query}"), "handle").await;
        assert_eq!(found("").await, ["shirt", "mug", "apfel", "zebra-mug"]);
        assert_eq!(found("&sort=title").await, ["apfel", "mug", "shirt", "zebra-mug"]);
        assert_eq!(found("&q=mug").await, ["mug", "zebra-mug"]);
        assert_eq!(found("&q=APFEL").await, ["apfel"]);
        assert_eq!(found("&q=zebra-m").await, ["zebra-mug"]);
        assert_eq!(found("&q=sku-s").await, ["shirt"]);
        assert_eq!(found("&q=100%25").await, Vec::<Value>::new());
        assert_eq!(found("&vendor=fjord&tag=big%20%22sale%22").await, ["mug", "apfel", "zebra-mug"]);
        assert_eq!(found("&min_price=600&max_price=800").await, ["shirt"]);
        assert_eq!(found("&in_stock=false").await, ["shirt"]);
        assert_eq!(found("&on_sale=true").await, Vec::<Value>::new());
        for path in ["/products?status=draft&sort=price", "/products?status=draft&cursor=x", "/products?status=draft&min_price=-1"] {
            let wrong = shop.send(As::Staff, Method::GET, path, &[], Body::empty()).await;
            assert_eq!(wrong.status, 400, "{path}");
        }
    }

    async fn variants_come_and_go_without_harm(db: TestDb) {
        let shop = Served::new(db.db()).await;
        let product = shop.add("Shirt", &json!({ "variants": [variant("S", 900, 4), variant("L", 900, 4)] })).await;
        let path = format!("/products/{}", id(&product));
        let (small, large) = (&product["variants"][0]["id"], &product["variants"][1]["id"]);
        let deadline = shop.env.now() + Duration::from_secs(600);
        let request = json!({ "id": shop.env.new_id(), "deadline": deadline,
            "lines": [{ "variant_id": large, "quantity": 2 }] });
        let held = shop.json(As::Service, Method::POST, "/internal/reservations", &request).await;
        assert_eq!(held.status, 200, "{}", held.body);

        // Large goes, a colour comes, in another order.
        let choice = |size: &str, colour: &str| json!([{ "name": "Colour", "value": colour }, { "name": "Size", "value": size }]);
        let variants = json!([
            { "price": euros(800), "on_hand": 7, "options": choice("M", "Ink") },
            { "id": small, "sku": "S", "price": euros(950), "options": choice("S", "Ink") },
        ]);
        let patch = json!({ "version": 1, "variants": variants });
        let changed = shop.staff(Method::PATCH, &path, &patch).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        assert_eq!(changed.body["version"], 2);
        assert_eq!(changed.body["options"], json!([
            { "name": "Colour", "values": ["Ink"] }, { "name": "Size", "values": ["M", "S"] },
        ]));
        assert_eq!(changed.body["variants"][0]["available"], 7);
        assert_eq!(changed.body["variants"][1]["available"], 4, "its stock stays");
        let again = shop.staff(Method::PATCH, &path, &patch).await;
        assert_eq!((again.status, &again.body["code"]), (409, &json!("product_changed")));

        // What was held of it is sold, and comes back.
        let reservation = format!("/internal/reservations/{}", request["id"].as_str().unwrap());
        let claimed = shop.json(As::Service, Method::POST, &format!("{reservation}/claim"), &json!({ "reference": "order:1" })).await;
        assert_eq!((claimed.status, &claimed.body["state"]), (200, &json!("claimed")), "{}", claimed.body);
        let restock = json!({ "id": shop.env.new_id(), "reference": "order:1", "reason": "refunded",
            "lines": [{ "variant_id": large, "quantity": 1 }] });
        let back = shop.json(As::Service, Method::POST, "/internal/restocks", &restock).await;
        assert_eq!(back.status, 204, "{}", back.body);
        let level = shop.seen(&format!("/stock/{}", large.as_str().unwrap())).await;
        assert_eq!((&level["on_hand"], &level["reserved"]), (&json!(3), &json!(0)));
        assert!(techcommerce_product_api::audit::audit(&shop.db).await.unwrap().is_empty());

        // Nothing changes, nothing is written.
        let same = shop.staff(Method::PATCH, &path, &json!({ "title": "Shirt" })).await;
        assert_eq!((same.status, &same.body["version"]), (200, &json!(2)));
        let archived = shop.staff(Method::DELETE, &path, &Value::Null).await;
        assert_eq!(archived.status, 204);
        let back = shop.staff(Method::PATCH, &path, &json!({ "status": "active", "version": 3 })).await;
        assert_eq!((back.status, &back.body["status"]), (200, &json!("active")));
        let log = shop.seen(&format!("/audit/catalogue?object_id={}", id(&product))).await;
        let actions: Vec<&Value> = log["items"].as_array().unwrap().iter().map(|e| &e["action"]).collect();
        assert_eq!(actions, ["product.update", "product.archive", "product.update", "product.create"]);
        let change = &log["items"][2]["change"];
        let small = format!("variant {}", small.as_str().unwrap());
        assert_eq!(change[&small]["to"]["price"], 950);
        assert_eq!(change[format!("variant {}", large.as_str().unwrap())]["to"], Value::Null);
        assert_eq!(change["variant new Ink / M"]["from"], Value::Null);
    }

    async fn of_two_who_change_one_product_one_wins(db: TestDb) {
        let shop = Served::new(db.db()).await;
        let path = format!("/products/{}", id(&shop.add("Mug", &json!({})).await));
        let (one, two) = (json!({ "version": 1, "title": "One" }), json!({ "version": 1, "title": "Two" }));
        let (one, two) = tokio::join!(
            shop.json(As::Staff, Method::PATCH, &path, &one),
            shop.json(As::Staff, Method::PATCH, &path, &two),
        );
        let mut both = [one.status, two.status];
        both.sort_unstable();
        assert_eq!(both, [200, 409]);
        let won = if one.status == 200 { "One" } else { "Two" };
        assert_eq!(shop.seen(&path).await["title"], won);
    }

    async fn pictures_are_put_in_order(db: TestDb) {
        let shop = Served::new(db.db()).await;
        let (a, b) = (shop.env.new_id(), shop.env.new_id());
        let images = json!([
            { "id": a, "alt": "Front", "width": 800, "height": 600 }, { "id": b, "width": 10, "height": 20 },
        ]);
        let mug = shop.add("Mug", &json!({ "images": images })).await;
        let path = format!("/products/{}", id(&mug));
        let source = "https://elsewhere.example/mug.jpg";
        let pending = format!(
            "INSERT INTO product_images (id, product_id, position, alt, source_url) SELECT p.id, p.id, 2, 'Side', '{source}' FROM products p"
        );
        let mut conn = shop.db.begin().await.unwrap();
        techcommerce_store::execute!(conn, sqlx::query(sqlx::AssertSqlSafe(pending.as_str()))).unwrap();
        conn.commit().await.unwrap();
        let seen = shop.seen(&path).await;
        assert_eq!((&seen["images"][2]["id"], &seen["images"][2]["source_url"]), (&Value::Null, &json!(source)));
        let order = json!({ "images": [
            { "source_url": source, "alt": "The side" }, { "id": b, "alt": "Back" }, { "id": a, "alt": "Front" },
        ] });
        let changed = shop.staff(Method::PATCH, &path, &order).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        let alts: Vec<&Value> = changed.body["images"].as_array().unwrap().iter().map(|i| &i["alt"]).collect();
        assert_eq!(alts, ["The side", "Back", "Front"]);
        assert_eq!(changed.body["images"][2]["width"], 800, "its size stays");
        assert_eq!(shop.get(&path).await.body["images"][0]["source_url"], Value::Null);
        let wrong = json!({ "images": [{ "source_url": "https://x.example/y.jpg" }, {}] });
        let refused = shop.staff(Method::PATCH, &path, &wrong).await;
        let places: Vec<&Value> = refused.body["errors"].as_array().unwrap().iter().map(|e| &e["path"]).collect();
        assert_eq!(places, ["images[0].source_url", "images[1].id"]);
        let raw = json!({ "description": "<p onclick=x>Hi</p><script>x</script>" });
        let preview = shop.staff(Method::POST, "/products/preview", &raw).await;
        assert_eq!(preview.body, json!({ "description": "<p>Hi</p>" }));
    }

    async fn what_is_old_goes_by_the_clock(db: TestDb) {
        let shop = Served::new(db.db()).await;
        let mug = shop.add("Ärmel mug", &json!({})).await;
        let count = async |sql: &'static str| -> i64 {
            let mut conn = shop.db.read().await.unwrap();
            techcommerce_store::with!(conn, |c| sqlx::query_scalar(sql).fetch_one(c).await).unwrap()
        };
        let mut conn = shop.db.begin().await.unwrap();
        techcommerce_store::execute!(conn, sqlx::query("UPDATE products SET title_key = 'old'")).unwrap();
        conn.commit().await.unwrap();
        assert_eq!(shop.all("/products?status=active&q=mug%20armel", "handle").await, Vec::<Value>::new());

        // One reservation runs out by itself, one is given up, one is sold.
        let deadline = shop.env.now() + Duration::from_secs(60);
        let mut reservations = Vec::new();
        for _ in 0..3 {
            let request = json!({ "id": shop.env.new_id(), "deadline": deadline,
                "lines": [{ "variant_id": mug["variants"][0]["id"], "quantity": 1 }] });
            let held = shop.json(As::Service, Method::POST, "/internal/reservations", &request).await;
            assert_eq!(held.status, 200, "{}", held.body);
            reservations.push(request["id"].as_str().unwrap().to_owned());
        }
        let release = format!("/internal/reservations/{}/release", reservations[1]);
        assert_eq!(shop.json(As::Service, Method::POST, &release, &Value::Null).await.status, 200);
        let claim = format!("/internal/reservations/{}/claim", reservations[2]);
        let sold = json!({ "reference": "order:1" });
        assert_eq!(shop.json(As::Service, Method::POST, &claim, &sold).await.status, 200);

        shop.clock.advance(Duration::from_secs(61));
        shop.jobs.tick().await.unwrap();
        shop.jobs.drain().await.unwrap();
        const OPEN: &str = "SELECT COUNT(*) FROM reservations WHERE state = 'held'";
        assert_eq!(count(OPEN).await, 0, "the one that nobody took has run out");
        assert_eq!(shop.all("/products?status=active&q=mug%20armel", "handle").await, ["armel-mug"]);
        let changes = count("SELECT COUNT(*) FROM changes").await;
        assert!(changes > 1);

        shop.clock.advance(Duration::from_secs(31 * 24 * 3600));
        shop.jobs.tick().await.unwrap();
        shop.jobs.drain().await.unwrap();
        assert_eq!(count("SELECT COUNT(*) FROM reservations").await, 1, "what was sold may come back");
        assert_eq!(count("SELECT COUNT(*) FROM reservation_lines").await, 1);
        assert_eq!(count("SELECT COUNT(*) FROM changes").await, 1, "the last one tells others where they are");
        assert!(count("SELECT COUNT(*) FROM audit_log").await > 0, "the log is kept");
        assert!(techcommerce_product_api::audit::audit(&shop.db).await.unwrap().is_empty());
    }

    async fn strangers_run_nothing(db: TestDb) {
        let shop = Served::new(db.db()).await;
        let nobody = techcommerce_kernel::Uuid::nil();
        for (method, path) in [
            (Method::POST, "/categories".to_owned()),
            (Method::PATCH, "/categories/x".to_owned()),
            (Method::DELETE, "/categories/x".to_owned()),
            (Method::GET, "/stock".to_owned()),
            (Method::GET, format!("/stock/{nobody}/movements")),
            (Method::POST, "/products/bulk".to_owned()),
            (Method::POST, "/products/preview".to_owned()),
            (Method::GET, "/products/counts".to_owned()),
            (Method::GET, "/audit/catalogue".to_owned()),
        ] {
            let answer = shop.json(As::Guest, method.clone(), &path, &json!({})).await;
            assert_eq!(answer.status, 401, "{method} {path}");
        }
    }
}

impl Served {
    /// The handles of the categories, as staff and as the public see them.
    async fn all_categories(&self) -> Vec<String> {
        let handles = |list: &Value| -> Vec<String> {
            let items = list["items"].as_array().unwrap().iter();
            items
                .map(|c| c["handle"].as_str().unwrap().to_owned())
                .collect()
        };
        let staff = handles(&self.seen("/categories").await);
        assert_eq!(staff, handles(&self.get("/categories").await.body));
        staff
    }
}
