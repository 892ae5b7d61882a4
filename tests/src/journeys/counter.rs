//! Behind the counter: finding orders, the dashboard's figures, notes, discount codes, jobs that
//! were given up, and who did what.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, SqliteConnection};
use techcommerce_kernel::{Env, Uuid};
use techcommerce_testkit::Client;

use crate::audit;
use crate::shop::{Shop, on_all};
use crate::shopper::{
    buy, card, cart_with, checkout, eventually, order, place, wait_for, wait_for_payment,
};
use crate::staff::{Stock, euros, product, text};

on_all!(
    finding_an_order,
    the_figures_of_the_day,
    what_customers_are_told,
    discount_codes,
    jobs_that_were_given_up
);

/// Every operation of admins on webhooks, for the tour.
async fn webhooks(admin: &Client) -> Result<()> {
    let new = json!({"url": "https://hooks.example.com/in", "description": "tour"});
    let made: Value = admin.post("/api/webhooks").json(&new).value(201).await?;
    admin.get("/api/webhooks").expect(200).await?;
    let path = format!("/api/webhooks/{}", text(&made, "/webhook/id")?);
    admin.get(&path).expect(200).await?;
    let edit = json!({"types": ["order.paid"]});
    admin.patch(&path).json(&edit).expect(200).await?;
    let post = |rest: &str| admin.post(&format!("{path}/{rest}"));
    post("rotate-secret").expect(200).await?;
    let trial: Value = post("test").value(202).await?;
    let delivery = text(&trial, "/id")?;
    let sent = format!("{path}/deliveries");
    admin.get(&sent).expect(200).await?;
    admin.get(&format!("{sent}/{delivery}")).expect(200).await?;
    post(&format!("deliveries/{delivery}/resend"))
        .expect(202)
        .await?;
    post("resend-failed").expect(200).await?;
    admin.delete(&path).expect(204).await?;
    Ok(())
}

/// Every operation of staff on orders, discounts and jobs, for the tour; `order` is one that was
/// paid.
pub async fn operations(shop: &Shop, staff: &Client, order: &str) -> Result<()> {
    staff.get("/api/orders/summary").expect(200).await?;
    staff
        .post(&format!("/api/orders/{order}/notes"))
        .json(&json!({"text": "Rings twice."}))
        .expect(201)
        .await?;
    staff
        .post("/api/discounts")
        .json(&json!({"code": "TOUR", "value": {"kind": "percent", "basis_points": 100}}))
        .expect(201)
        .await?;
    staff.get("/api/discounts").expect(200).await?;
    webhooks(staff).await?;
    let path = "/api/discounts/tour";
    staff.get(path).expect(200).await?;
    staff
        .patch(path)
        .json(&json!({"active": false}))
        .expect(200)
        .await?;
    staff.delete(path).expect(204).await?;
    let (retried, discarded) = (dead_mail(shop, order).await?, dead_mail(shop, order).await?);
    staff.get("/api/jobs").expect(200).await?;
    staff.get("/api/jobs/counts").expect(200).await?;
    staff
        .post(&format!("/api/jobs/order-api/{retried}/retry"))
        .expect(204)
        .await?;
    staff
        .get(&format!("/api/jobs/order-api/{discarded}"))
        .expect(200)
        .await?;
    staff
        .delete(&format!("/api/jobs/order-api/{discarded}?reason=tour"))
        .expect(204)
        .await?;
    let kind = json!({"service": "order-api", "kind": "order.mail"});
    let again = staff.post("/api/jobs/retry").json(&kind);
    again.expect(200).await?;
    staff.get("/api/backups").expect(200).await?;
    staff.get("/api/system").expect(200).await?;
    shop.client().get("/api/status").expect(200).await?;
    staff.get("/api/audit/orders").expect(200).await?;
    Ok(())
}

/// By number, mail address or name, by where it stands and by when it was placed.
async fn finding_an_order(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(50)).await?;
    let first = buy(&client, &lamp.variant_id, 1, "first").await?;
    let cart = cart_with(&client, &[(&lamp.variant_id, 2)]).await?;
    let mut body = checkout(&cart, json!({"method": "invoice"}));
    body["email"] = json!("Grace.Hopper@example.org");
    body["shipping_address"]["name"] = json!("Grace Brewster Hopper");
    let second = place(&client, "second", &body).await?;
    wait_for_payment(&client, &first, "paid").await?;
    let found = async |query: &str| -> Result<Vec<String>> {
        let page: Value = staff
            .get(&format!("/api/orders?{query}"))
            .value(200)
            .await?;
        let items = page["items"].as_array().context("items")?;
        items.iter().map(|item| text(item, "/id")).collect()
    };
    let number = text(&first.json, "/number")?;
    let (first, second) = (&first.id, &second.id);
    for (query, expected) in [
        (format!("q={number}"), vec![first]),
        ("q=grace.hop".to_owned(), vec![second]),
        ("q=hopper%20grace".to_owned(), vec![second]),
        ("q=ada".to_owned(), vec![first]),
        ("q=nobody".to_owned(), vec![]),
        ("payment_status=pending".to_owned(), vec![second]),
        ("attention=invoices_open".to_owned(), vec![second]),
        ("attention=to_fulfil".to_owned(), vec![second, first]),
        ("from=2100-01-01T00:00:00Z".to_owned(), vec![]),
        (
            "to=2100-01-01T00:00:00Z&q=1".to_owned(),
            vec![second, first],
        ),
    ] {
        let expected: Vec<_> = expected.into_iter().cloned().collect();
        assert_eq!(found(&query).await?, expected, "{query}");
    }
    Ok(())
}

/// What was sold today, and what somebody has to look at.
async fn the_figures_of_the_day(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(50)).await?;
    let paid = buy(&client, &lamp.variant_id, 3, "paid").await?;
    wait_for_payment(&client, &paid, "paid").await?;
    let cart = cart_with(&client, &[(&lamp.variant_id, 1)]).await?;
    let declined = checkout(&cart, card(Some("tok_decline")));
    let declined = place(&client, "declined", &declined).await?;
    wait_for_payment(&client, &declined, "failed").await?;
    let seen: Value = staff.get("/api/orders/summary?days=7").value(200).await?;
    assert_eq!(seen["days"].as_array().map(Vec::len), Some(7));
    // Midnight may have come between.
    let both: i64 = [5, 6]
        .iter()
        .filter_map(|day| seen["days"][day]["orders"].as_i64())
        .sum();
    assert_eq!(both, 1, "{seen}");
    assert_eq!(
        seen["attention"],
        json!({"payment_failed": 1, "payment_pending_long": 0, "to_fulfil": 1, "invoices_open": 0, "payment_disputed": 0, "payment_findings": 0})
    );
    assert_eq!(seen["best_sellers"][0]["units"], 3);
    assert_eq!(seen["best_sellers"][0]["title"], "Lamp");
    client.get("/api/orders/summary").expect(401).await?;
    Ok(())
}

/// Notes and reasons are for staff, messages for the customer, and mails in their language.
async fn what_customers_are_told(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(50)).await?;
    let cart = cart_with(&client, &[(&lamp.variant_id, 1)]).await?;
    let mut body = checkout(&cart, card(None));
    body["locale"] = json!("de-DE");
    let placed = place(&client, "told", &body).await?;
    wait_for_payment(&client, &placed, "paid").await?;
    let path = format!("/api/orders/{}", placed.id);
    for _ in 0..2 {
        staff
            .post(&format!("{path}/notes"))
            .header("idempotency-key", "one note")
            .json(&json!({"text": "A regular."}))
            .expect(201)
            .await?;
    }
    staff
        .post(&format!("{path}/cancel"))
        .json(&json!({"reason": "smells of fraud", "message": "Leider vergriffen."}))
        .expect(200)
        .await?;
    let seen = wait_for(&client, &placed, |order| {
        order["payment_status"] == "refunded"
    })
    .await?;
    let shown = seen.to_string();
    ensure!(shown.contains("Leider vergriffen."), "{shown}");
    for secret in ["regular", "fraud", "account:"] {
        ensure!(!shown.contains(secret), "{secret}: {shown}");
    }
    let all: Value = staff.get(&path).value(200).await?;
    let events = all["events"].as_array().context("events")?;
    let notes = events.iter().filter(|event| event["kind"] == "note");
    assert_eq!(notes.count(), 1, "{all}");
    let log: Value = staff
        .get(&format!("/api/audit/orders?object_id={}", placed.id))
        .value(200)
        .await?;
    assert_eq!(log["items"][0]["action"], "order.cancel");
    assert_eq!(log["items"][1]["action"], "order.note");
    assert_eq!(log["items"].as_array().map(Vec::len), Some(2));
    eventually("the German mails", async || {
        let mut subjects = 0;
        for part in mail_folders(&shop) {
            for file in std::fs::read_dir(part).into_iter().flatten().flatten() {
                let mail = std::fs::read_to_string(file.path())?;
                subjects += usize::from(mail.contains("Ihre Bestellung"));
            }
        }
        Ok((subjects >= 3).then_some(()))
    })
    .await?;
    audit::clean(&shop).await
}

/// Where the shop writes mail: one process has one folder, of a split shop the worker has one.
fn mail_folders(shop: &Shop) -> Vec<std::path::PathBuf> {
    let data = shop.setup.data();
    let mut folders = vec![data.join("mail")];
    let parts = std::fs::read_dir(&data).into_iter().flatten().flatten();
    folders.extend(parts.map(|part| part.path().join("mail")));
    folders
}

/// Made, used up, switched off, deleted when nobody used it.
async fn discount_codes(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(50)).await?;
    let made: Value = staff
        .post("/api/discounts")
        .json(&json!({
            "code": "lamps",
            "value": {"kind": "amount", "amount": euros(500)},
            "minimum": euros(1000),
            "usage_limit": 1,
        }))
        .value(201)
        .await?;
    assert_eq!(
        (&made["code"], &made["state"]),
        (&json!("LAMPS"), &json!("active"))
    );
    let cart = cart_with(&client, &[(&lamp.variant_id, 1)]).await?;
    let apply = async |cart: &str| {
        client
            .put(&format!("/api/carts/{cart}/discount"))
            .json(&json!({"code": "Lamps"}))
            .send()
            .await
    };
    apply(&cart).await?.expect(200)?;
    let placed = place(&client, "lamps", &checkout(&cart, card(None))).await?;
    assert_eq!(placed.json["discount"], euros(500));
    let other = cart_with(&client, &[(&lamp.variant_id, 1)]).await?;
    assert_eq!(apply(&other).await?.problem(409)?, "discount_invalid");
    let path = "/api/discounts/LAMPS";
    let seen: Value = staff.get(path).value(200).await?;
    assert_eq!(
        (&seen["used"], &seen["state"]),
        (&json!(1), &json!("used_up"))
    );
    assert_eq!(staff.delete(path).problem(409).await?, "discount_in_use");
    let seen: Value = staff
        .patch(path)
        .json(&json!({"usage_limit": null, "active": false}))
        .value(200)
        .await?;
    assert_eq!(seen["state"], "inactive");
    assert_eq!(apply(&other).await?.problem(409)?, "discount_invalid");
    let twin = json!({"code": "LAMPS", "value": {"kind": "percent", "basis_points": 1}});
    let twin = staff.post("/api/discounts").json(&twin).send().await?;
    assert_eq!(twin.problem(409)?, "discount_code_taken");
    wait_for_payment(&client, &placed, "paid").await?;
    audit::clean(&shop).await
}

/// A mail that was given up is seen, sent again, or given up for good.
async fn jobs_that_were_given_up(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(50)).await?;
    let placed = buy(&client, &lamp.variant_id, 1, "dead").await?;
    wait_for_payment(&client, &placed, "paid").await?;
    let dead = [
        dead_mail(&shop, &placed.id).await?,
        dead_mail(&shop, &placed.id).await?,
    ];
    let path = "/api/jobs?state=dead&service=order-api&kind=order.mail";
    let page: Value = staff.get(path).value(200).await?;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(2), "{page}");
    assert_eq!(page["items"][0]["last_error"], "the mail was refused");
    let counts: Value = staff.get("/api/jobs/counts").value(200).await?;
    assert_eq!(counts["dead"], 2, "{counts}");
    let mails = counts["items"]
        .as_array()
        .and_then(|items| items.iter().find(|one| one["service"] == "order-api"))
        .and_then(|orders| orders["kinds"].as_array())
        .and_then(|kinds| kinds.iter().find(|kind| kind["kind"] == "order.mail"))
        .context("dead mails by kind")?;
    assert_eq!(mails["dead"], 2, "{counts}");
    ensure!(
        counts["workers"]
            .as_array()
            .is_some_and(|all| !all.is_empty()),
        "no worker was seen: {counts}"
    );
    client.get("/api/jobs").expect(401).await?;
    let one = format!("/api/jobs/order-api/{}", dead[0]);
    let other = format!("/api/jobs/order-api/{}", dead[1]);
    client.delete(&one).expect(401).await?;
    let job: Value = staff.get(&one).value(200).await?;
    assert_eq!(job["payload"], json!({"order": placed.id}), "{job}");
    staff.post(&format!("{one}/retry")).expect(204).await?;
    staff
        .delete(&format!("{other}?reason=told%20by%20phone"))
        .expect(204)
        .await?;
    assert_eq!(staff.delete(&other).problem(404).await?, "job_not_found");
    eventually("the mail", async || {
        let left: Value = staff
            .get("/api/jobs?service=order-api&kind=order.mail")
            .value(200)
            .await?;
        Ok((left["items"] == json!([])).then_some(()))
    })
    .await?;
    assert_eq!(
        staff.post(&format!("{one}/retry")).problem(404).await?,
        "job_not_found"
    );
    let log: Value = staff
        .get("/api/audit/orders?object_kind=job")
        .value(200)
        .await?;
    let actions: Vec<_> = log["items"]
        .as_array()
        .context("items")?
        .iter()
        .map(|entry| &entry["action"])
        .collect();
    assert_eq!(actions, ["job.discard", "job.retry"]);
    assert_eq!(log["items"][0]["change"]["reason"], "told by phone");
    order(&client, &placed).await?;
    audit::clean(&shop).await
}

/// Writes the job of a mail that was given up, as a mail server's refusal leaves it.
async fn dead_mail(shop: &Shop, order: &str) -> Result<Uuid> {
    const INSERT: &str = "INSERT INTO jobs (id, kind, payload, state, due_at, attempts, \
         max_attempts, fence, last_error, created_at, finished_at) \
         VALUES ($1, 'order.mail', $2, 'dead', $3, 1, 20, 1, 'the mail was refused', $3, $3)";
    let env = Env::system();
    let (id, now) = (env.new_id(), env.now().as_micros());
    let payload = json!({ "order": order }).to_string();
    match shop.setup.database_url() {
        Some(url) => {
            let mut database = PgConnection::connect(url).await?;
            let insert = INSERT.replace("jobs", "order_api.jobs");
            let insert = sqlx::query(sqlx::AssertSqlSafe(insert));
            let insert = insert.bind(id).bind(payload).bind(now);
            insert.execute(&mut database).await?;
        }
        None => {
            let file = shop.setup.data().join("order-api.db");
            let url = format!("sqlite://{}", file.display());
            let mut database = SqliteConnection::connect(&url).await?;
            let insert = sqlx::query(INSERT).bind(id).bind(payload).bind(now);
            insert.execute(&mut database).await?;
        }
    }
    Ok(id)
}
