//! Others are told what happens: what, signed how, how often, and where never.

use std::{net::SocketAddr, time::Duration};

use http::{Method, StatusCode};
use serde_json::{Value, json};
use techcommerce_contracts::Role;
use techcommerce_http::outward::{guard::HostsAllowed, resolver::Resolver};
use techcommerce_testkit::on_both_engines;

use super::{
    receiver::{Heard, Receiver, Reply},
    shop::{GUEST, Shop, person, staff},
};
use crate::{MIGRATOR, Settings, webhooks};

pub fn admin() -> Option<techcommerce_contracts::Principal> {
    person(2, Role::Admin)
}

/// A shop that may tell this machine.
pub fn settings() -> Settings {
    Settings {
        webhooks: webhooks::Settings {
            hosts_allowed: HostsAllowed::parse(["127.0.0.1"]).unwrap(),
            limit: Duration::from_secs(2),
            notice_to: Some("owner@example.com".parse().unwrap()),
            ..webhooks::Settings::default()
        },
        ..Settings::default()
    }
}

pub struct Hook {
    pub id: String,
    pub secret: String,
}

impl Hook {
    pub fn path(&self, rest: &str) -> String {
        format!("/webhooks/{}{rest}", self.id)
    }
}

async fn call(shop: &Shop, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
    shop.send(admin(), method, path, None, body).await
}

pub async fn hook(shop: &Shop, url: &str, types: Value) -> Hook {
    let new = json!({"url": url, "types": types, "description": "ERP"});
    let (status, made) = call(shop, Method::POST, "/webhooks", Some(new)).await;
    assert_eq!(status, 201, "{made}");
    Hook {
        id: made["webhook"]["id"].as_str().unwrap().to_owned(),
        secret: made["secret"].as_str().unwrap().to_owned(),
    }
}

pub async fn trial(shop: &Shop, hook: &Hook) -> String {
    let (status, delivery) = call(shop, Method::POST, &hook.path("/test"), None).await;
    assert_eq!(status, 202, "{delivery}");
    delivery["id"].as_str().unwrap().to_owned()
}

async fn get(shop: &Shop, path: &str) -> Value {
    let (status, value) = shop.get(admin(), path).await;
    assert_eq!(status, 200, "{value}");
    value
}

/// An order that was written and nothing more.
async fn ordered(shop: &Shop, key: &str) -> Value {
    let variant = shop.warehouse.stock(5000, 10);
    let cart = shop.cart(&[(variant, 2)]).await;
    let (status, order) = shop
        .place_with(GUEST, &cart, key, json!({"method": "invoice"}))
        .await;
    assert_eq!(status, 201, "{order}");
    order
}

pub fn types(heard: &[Heard]) -> Vec<String> {
    let kind = |heard: &Heard| heard.says("/type").as_str().unwrap().to_owned();
    heard.iter().map(kind).collect()
}

/// Whether one of the signatures was made with this secret.
fn signed_with(heard: &Heard, secret: &str) -> bool {
    let at = heard.header("webhook-timestamp").parse().unwrap();
    let right = webhooks::signature(secret, heard.header("webhook-id"), at, &heard.body).unwrap();
    heard
        .header("webhook-signature")
        .split(' ')
        .any(|one| one == right)
}

on_both_engines! { MIGRATOR;
    async fn what_happens_to_an_order_is_told_in_order_and_signed(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        let (all, some) = (Receiver::start().await, Receiver::start().await);
        let hook_all = hook(&shop, &all.url(), json!([])).await;
        hook(&shop, &some.url(), json!(["order.refunded", "order.cancelled"])).await;
        let (_, order) = shop.paid_order().await;
        let path = |rest: &str| format!("/orders/{}/{rest}", order["id"].as_str().unwrap());
        assert_eq!(shop.post(&path("shipments"), json!({})).await.0, 201);
        shop.settle().await;
        let back = json!({"amount": {"amount": 100, "currency": "EUR"}, "reason": "SCRATCH", "message": "Sorry"});
        assert_eq!(shop.post(&path("refunds"), back).await.0, 201);
        shop.settle().await;
        let mut heard = all.heard();
        // One at a time, though not always in this order: that is what the sequence is for.
        heard.sort_by_key(|heard| heard.says("/sequence").as_i64());
        assert_eq!(types(&heard), [
            "order.placed", "order.authorized", "order.paid", "order.shipped", "order.fulfilled",
            "order.completed", "order.refunded",
        ]);
        for (number, event) in (1..).zip(&heard) {
            assert_eq!(event.says("/sequence"), number);
            assert_eq!(event.says("/version"), 1);
            assert_eq!(event.says("/id"), event.header("webhook-id"));
            assert_eq!(event.says("/subject"), json!({"kind": "order", "id": order["id"]}));
            assert_eq!(event.says("/data/order/number"), order["number"]);
            assert_eq!((event.path.as_str(), event.header("content-type")), ("/in", "application/json"));
            assert!(signed_with(event, &hook_all.secret));
            assert!(!signed_with(event, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
            for private in ["Ada", "Kai 1", "example.com", "SCRATCH", "Sorry", "access_token"] {
                assert!(!event.body.contains(private), "{private}: {}", event.body);
            }
        }
        assert_eq!(heard[0].says("/data/order/payment_status"), "pending");
        assert_eq!(heard[3].says("/data/shipment"), json!({"units": 2}));
        assert_eq!(heard[6].says("/data/refund/amount/amount"), 100);
        assert_eq!(heard[6].says("/data/order/refunded/amount"), 100);
        assert_eq!(types(&some.heard()), ["order.refunded"]);
        let ids = |heard: &[Heard]| heard.iter().map(|one| one.header("webhook-id").to_owned()).collect::<Vec<_>>();
        assert_eq!(ids(&some.heard()), ids(&heard[6..]), "an event has one id, whoever is told");
        let sent = get(&shop, &hook_all.path("/deliveries?state=delivered&limit=100")).await;
        assert_eq!(sent["items"].as_array().unwrap().len(), 7);
        let detail = hook_all.path(&format!("/deliveries/{}", sent["items"][0]["id"].as_str().unwrap()));
        let detail = get(&shop, &detail).await;
        assert_eq!((&detail["attempts"][0]["status"], &detail["delivery"]["attempts"]), (&json!(204), &json!(1)));
    }

    async fn a_shop_that_tells_nobody_writes_nothing(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        let (_, order) = shop.paid_order().await;
        let receiver = Receiver::start().await;
        let hook = hook(&shop, &receiver.url(), json!([])).await;
        assert_eq!(get(&shop, &hook.path("/deliveries")).await["items"], json!([]));
        let path = format!("/orders/{}/shipments", order["id"].as_str().unwrap());
        assert_eq!(shop.post(&path, json!({})).await.0, 201);
        shop.settle().await;
        assert_eq!(receiver.heard()[0].says("/sequence"), 1);
    }

    async fn what_does_not_arrive_is_sent_ten_times_in_three_days(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        let receiver = Receiver::start().await;
        let hook = hook(&shop, &receiver.url(), json!(["order.placed"])).await;
        receiver.replies(vec![Reply::Say(500, "", "<b>busy\u{7}"); 10]);
        ordered(&shop, "k").await;
        let start = shop.env.now();
        shop.settle().await;
        let heard = receiver.take();
        assert_eq!(heard.len(), 10);
        assert!(heard.iter().all(|one| one.header("webhook-id") == heard[0].header("webhook-id")));
        assert!(heard.iter().all(|one| one.body == heard[0].body && signed_with(one, &hook.secret)));
        assert_ne!(heard[0].header("webhook-timestamp"), heard[9].header("webhook-timestamp"));
        let delivery = get(&shop, &hook.path("/deliveries")).await["items"][0].clone();
        assert_eq!((&delivery["state"], &delivery["attempts"], &delivery["last_status"]), (&json!("failed"), &json!(10), &json!(500)));
        let path = hook.path(&format!("/deliveries/{}", delivery["id"].as_str().unwrap()));
        let attempts = get(&shop, &path).await["attempts"].clone();
        let last: techcommerce_kernel::Timestamp = attempts[0]["at"].as_str().unwrap().parse().unwrap();
        assert!(last.since(start) <= Duration::from_hours(72) && last.since(start) > Duration::from_hours(60));
        assert_eq!(attempts[0]["answer"], "<b>busy");
        // Once more, by hand: with the same id, and it arrives.
        let (status, _) = call(&shop, Method::POST, &format!("{path}/resend"), None).await;
        assert_eq!(status, 202);
        shop.settle().await;
        assert_eq!(receiver.heard()[0].header("webhook-id"), heard[0].header("webhook-id"));
        let shown = get(&shop, &path).await;
        assert_eq!((&shown["delivery"]["state"], &shown["attempts"][0]["number"]), (&json!("delivered"), &json!(11)));
    }

    async fn a_clock_that_ran_ahead_delays_nothing(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        let receiver = Receiver::start().await;
        let hook = hook(&shop, &receiver.url(), json!(["order.placed"])).await;
        let before = shop.env.now();
        shop.clock.advance(Duration::from_mins(15));
        ordered(&shop, "k").await;
        shop.clock.set(before);
        shop.jobs.put_clocks_right(Duration::from_secs(60)).await.unwrap();
        let delivery = get(&shop, &hook.path("/deliveries")).await["items"][0].clone();
        assert_eq!(delivery["next_attempt_at"], json!(shop.env.now()), "what is shown is what is done");
        shop.jobs.drain().await.unwrap();
        assert_eq!(receiver.heard().len(), 1);
        let delivery = get(&shop, &hook.path("/deliveries")).await["items"][0].clone();
        assert_eq!(delivery["next_attempt_at"], Value::Null);
    }

    async fn it_is_shown_when_a_delivery_is_sent_next(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        let receiver = Receiver::start().await;
        let hook = hook(&shop, &receiver.url(), json!(["order.placed"])).await;
        receiver.replies([Reply::Say(503, "retry-after: 7200\r\n", ""), Reply::Held(204)]);
        ordered(&shop, "k").await;
        shop.jobs.drain().await.unwrap();
        let shown = async || get(&shop, &hook.path("/deliveries")).await["items"][0].clone();
        let later = shop.env.now() + Duration::from_hours(2);
        assert_eq!(shown().await["next_attempt_at"], json!(later));
        shop.clock.set(later);
        let during = async {
            receiver.holds().await;
            let delivery = shown().await;
            assert_eq!((&delivery["state"], &delivery["next_attempt_at"]), (&json!("pending"), &Value::Null));
            receiver.let_go();
        };
        tokio::join!(async { shop.jobs.drain().await.unwrap() }, during);
        let path = format!("/deliveries/{}", shown().await["id"].as_str().unwrap());
        let (_, again) = call(&shop, Method::POST, &hook.path(&format!("{path}/resend")), None).await;
        assert_eq!(again["next_attempt_at"], json!(shop.env.now()));
        let off = Some(json!({"enabled": false}));
        assert_eq!(call(&shop, Method::PATCH, &hook.path(""), off).await.0, 200);
        assert_eq!(shown().await["next_attempt_at"], Value::Null);
    }

    async fn who_asks_for_a_pause_gets_it(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        let receiver = Receiver::start().await;
        hook(&shop, &receiver.url(), json!(["order.placed"])).await;
        receiver.replies([
            Reply::Say(429, "retry-after: 7200\r\n", ""),
            Reply::Say(503, "retry-after: 1\r\n", ""),
        ]);
        ordered(&shop, "k").await;
        shop.jobs.drain().await.unwrap();
        shop.clock.advance(Duration::from_secs(7199));
        shop.jobs.drain().await.unwrap();
        assert_eq!(receiver.heard().len(), 1);
        shop.clock.advance(Duration::from_secs(1));
        shop.jobs.drain().await.unwrap();
        assert_eq!(receiver.heard().len(), 2);
        // A shorter one than ours is no hurry.
        shop.clock.advance(Duration::from_mins(4));
        shop.jobs.drain().await.unwrap();
        assert_eq!(receiver.heard().len(), 2);
        shop.clock.advance(Duration::from_mins(1));
        shop.jobs.drain().await.unwrap();
        assert_eq!(receiver.heard().len(), 3);
    }

    async fn one_that_is_gone_is_left_alone(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        let receiver = Receiver::start().await;
        let hook = hook(&shop, &receiver.url(), json!(["order.placed"])).await;
        receiver.replies([Reply::Say(410, "", "")]);
        ordered(&shop, "k").await;
        ordered(&shop, "l").await;
        shop.settle().await;
        assert_eq!(receiver.heard().len(), 1);
        let shown = get(&shop, &hook.path("")).await;
        assert_eq!((&shown["enabled"], &shown["disabled_reason"]), (&json!(false), &json!("gone")));
        ordered(&shop, "m").await;
        shop.settle().await;
        assert_eq!(receiver.heard().len(), 1, "nothing is written for one that is disabled");
        let log = shop.logged().await;
        assert_eq!(log.last().unwrap(), &("webhook.disable".to_owned(), json!({"reason": "gone"})));
        let notices = shop.mails().into_iter().filter(|mail| mail.contains("owner@example.com"));
        assert_eq!(notices.count(), 1);
        let again = hook.path("/resend-failed");
        assert_eq!(call(&shop, Method::POST, &again, None).await.1["code"], "webhook_disabled");
        let on = Some(json!({"enabled": true}));
        assert_eq!(call(&shop, Method::PATCH, &hook.path(""), on).await.1["disabled_reason"], Value::Null);
        assert_eq!(call(&shop, Method::POST, &again, None).await.1, json!({"count": 2}));
        shop.settle().await;
        assert_eq!(receiver.heard().len(), 3);
    }

    async fn one_that_fails_for_days_is_disabled(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        let receiver = Receiver::start().await;
        let hook = hook(&shop, &receiver.url(), json!(["order.placed"])).await;
        receiver.replies(vec![Reply::Say(500, "", ""); 100]);
        for day in 0..5 {
            ordered(&shop, &format!("k{day}")).await;
            shop.jobs.drain().await.unwrap();
            assert_eq!(get(&shop, &hook.path("")).await["enabled"], true, "day {day}");
            shop.clock.advance(Duration::from_hours(24));
        }
        shop.jobs.drain().await.unwrap();
        let shown = get(&shop, &hook.path("")).await;
        assert_eq!((&shown["enabled"], &shown["disabled_reason"]), (&json!(false), &json!("failing")));
        let waiting = get(&shop, &hook.path("/deliveries?state=pending")).await;
        assert_eq!(waiting["items"], json!([]));
    }

    async fn an_answer_from_the_address_of_before_says_nothing_of_the_one_that_is(db: TestDb) {
        use techcommerce_store::{StoreError, with};
        let shop = Shop::with(&db, settings()).await;
        for (status, heard_twice) in [(410, true), (500, true), (204, false)] {
            let (old, new) = (Receiver::start().await, Receiver::start().await);
            let hook = hook(&shop, &old.url(), json!(["order.placed"])).await;
            old.replies([Reply::Held(status)]);
            ordered(&shop, &format!("k{status}")).await;
            let moves = async {
                old.holds().await;
                let edit = Some(json!({"url": new.url()}));
                assert_eq!(call(&shop, Method::PATCH, &hook.path(""), edit).await.0, 200);
                if !heard_twice {
                    // The new one has failed meanwhile.
                    let mut conn = shop.db.single().await.unwrap();
                    let set: Result<_, StoreError> = with!(conn, |c| {
                        sqlx::query("UPDATE webhook_endpoints SET failing_since = 7 WHERE enabled")
                            .execute(c).await.map(|_| ())
                    });
                    set.unwrap();
                }
                old.let_go();
            };
            let (ran, ()) = tokio::join!(shop.jobs.drain(), moves);
            ran.unwrap();
            let shown = get(&shop, &hook.path("")).await;
            assert_eq!((&shown["enabled"], &shown["disabled_reason"]), (&json!(true), &Value::Null), "{status}");
            assert_eq!(shown["failing_since"].is_null(), heard_twice, "{status}: {shown}");
            let ids = |heard: Vec<Heard>| heard.iter().map(|one| one.header("webhook-id").to_owned()).collect::<Vec<_>>();
            let (first, second) = (ids(old.heard()), ids(new.heard()));
            assert_eq!((first.len(), second.len()), (1, usize::from(heard_twice)), "{status}");
            assert!(!heard_twice || first == second, "{status}");
            let delivery = get(&shop, &hook.path("/deliveries")).await["items"][0].clone();
            assert_eq!(delivery["state"], "delivered", "{status}");
            assert_eq!(delivery["attempts"], 1 + second.len(), "{status}");
            assert_eq!(shop.send(admin(), Method::DELETE, &hook.path(""), None, None).await.0, 204);
        }
    }

    async fn the_last_try_at_the_address_of_before_is_not_the_last(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        let (old, new) = (Receiver::start().await, Receiver::start().await);
        let hook = hook(&shop, &old.url(), json!(["order.placed"])).await;
        old.replies(vec![Reply::Say(500, "", ""); 9]);
        old.replies([Reply::Held(500)]);
        ordered(&shop, "k").await;
        let moves = async {
            old.holds().await;
            let edit = Some(json!({"url": new.url()}));
            assert_eq!(call(&shop, Method::PATCH, &hook.path(""), edit).await.0, 200);
            old.let_go();
        };
        tokio::join!(shop.settle(), moves);
        assert_eq!((old.heard().len(), new.heard().len()), (10, 1));
        let delivery = get(&shop, &hook.path("/deliveries")).await["items"][0].clone();
        assert_eq!(delivery["state"], "delivered", "{delivery}");
    }

    async fn nasty_receivers_do_no_harm(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        let (receiver, inside) = (Receiver::start().await, Receiver::start().await);
        let hook = hook(&shop, &receiver.url(), json!([])).await;
        let to: &'static str = Box::leak(format!("location: {}\r\n", inside.url()).into_boxed_str());
        for (reply, state, status) in [
            (Reply::Silence, "failed", Value::Null),
            (Reply::HangUp, "failed", Value::Null),
            (Reply::Say(301, to, ""), "failed", json!(301)),
            (Reply::Say(307, to, ""), "failed", json!(307)),
            (Reply::Say(404, "", "none"), "failed", json!(404)),
            (Reply::Flood, "delivered", json!(200)),
            (Reply::Promise, "delivered", json!(200)),
            (Reply::Say(299, "", "fine"), "delivered", json!(299)),
        ] {
            receiver.replies([reply.clone()]);
            let delivery = trial(&shop, &hook).await;
            shop.jobs.drain().await.unwrap();
            let shown = get(&shop, &hook.path(&format!("/deliveries/{delivery}"))).await;
            assert_eq!(shown["delivery"]["state"], state, "{reply:?}: {shown}");
            let attempts = shown["attempts"].as_array().unwrap();
            assert_eq!((attempts.len(), &attempts[0]["status"]), (1, &status), "{reply:?}");
            assert_eq!(attempts[0]["error"].is_null(), state == "delivered", "{reply:?}");
            assert!(attempts[0]["answer"].as_str().unwrap().len() <= 1024, "{reply:?}");
        }
        assert!(inside.heard().is_empty(), "a redirect was followed");
        assert_eq!(receiver.heard().len(), 8);
    }

    async fn names_that_lead_inside_are_not_called(db: TestDb) {
        let inside = Receiver::start().await;
        let port = inside.port;
        let mut settings = settings();
        // Let in when it was entered; by now it stands for this machine.
        let lookup = move |_: &str| Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]);
        settings.webhooks.hosts_allowed = HostsAllowed::default();
        settings.webhooks.resolver = Some(Resolver::new(HostsAllowed::default(), lookup));
        let shop = Shop::with(&db, settings).await;
        let hook = hook(&shop, "https://rebind.example/", json!([])).await;
        let delivery = trial(&shop, &hook).await;
        shop.jobs.drain().await.unwrap();
        let shown = get(&shop, &hook.path(&format!("/deliveries/{delivery}"))).await;
        let why = shown["attempts"][0]["error"].as_str().unwrap();
        assert!(why.contains("no address of the open internet"), "{why}");
        assert!(inside.heard().is_empty());
        for wrong in ["http://127.0.0.1/", "https://127.0.0.1/", "https://10.0.0.1/", "http://a.example/", "nonsense", "https://[::1]/"] {
            let body = Some(json!({"url": wrong}));
            for (method, path) in [(Method::POST, "/webhooks".to_owned()), (Method::PATCH, hook.path(""))] {
                let (status, problem) = call(&shop, method, &path, body.clone()).await;
                assert_eq!((status.as_u16(), &problem["errors"][0]["path"]), (400, &json!("url")), "{wrong}");
            }
        }
    }

    async fn a_worker_that_dies_before_it_writes_sends_again(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        let receiver = Receiver::start().await;
        let hook = hook(&shop, &receiver.url(), json!([])).await;
        let delivery = trial(&shop, &hook).await;
        {
            let mut plan = shop.plan.lock().unwrap();
            plan.break_at = Some(plan.passed.len());
        }
        shop.settle().await;
        let heard = receiver.heard();
        assert_eq!(heard.len(), 2, "at least once, and after a crash once more");
        assert_eq!(heard[0].header("webhook-id"), heard[1].header("webhook-id"));
        assert_eq!(heard[0].body, heard[1].body);
        let shown = get(&shop, &hook.path(&format!("/deliveries/{delivery}"))).await;
        assert_eq!((&shown["delivery"]["state"], &shown["delivery"]["attempts"]), (&json!("delivered"), &json!(1)));
    }

    async fn secrets_are_rotated_and_never_seen_again(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        let receiver = Receiver::start().await;
        let hook = hook(&shop, &receiver.url(), json!([])).await;
        let (status, rotated) = call(&shop, Method::POST, &hook.path("/rotate-secret"), None).await;
        assert_eq!(status, 200, "{rotated}");
        let new = rotated["secret"].as_str().unwrap();
        trial(&shop, &hook).await;
        shop.jobs.drain().await.unwrap();
        let both = receiver.take();
        assert!(signed_with(&both[0], &hook.secret) && signed_with(&both[0], new));
        assert_eq!(get(&shop, &hook.path("")).await["previous_secret_until"], rotated["previous_until"]);
        shop.clock.advance(Duration::from_hours(24));
        trial(&shop, &hook).await;
        shop.jobs.drain().await.unwrap();
        let one = receiver.take();
        assert!(!signed_with(&one[0], &hook.secret) && signed_with(&one[0], new));
        assert_eq!(get(&shop, &hook.path("")).await["previous_secret_until"], Value::Null);
        let edit = Some(json!({"url": "http://127.0.0.1/key-of-theirs", "types": ["order.paid"]}));
        assert_eq!(call(&shop, Method::PATCH, &hook.path(""), edit).await.0, 200);
        assert_eq!(call(&shop, Method::DELETE, &hook.path(""), None).await.0, 204);
        let log = shop.logged().await;
        let actions: Vec<&str> = log.iter().map(|(action, _)| action.as_str()).collect();
        assert_eq!(actions, ["webhook.create", "webhook.rotate", "webhook.test", "webhook.test", "webhook.update", "webhook.delete"]);
        let told = format!("{log:?}{}", get(&shop, "/webhooks").await);
        for secret in ["whsec_", "key-of-theirs", "/in"] {
            assert!(!told.contains(secret), "{secret}: {told}");
        }
    }

    async fn a_request_that_comes_again_makes_one_webhook_and_says_its_secret_again(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        let new = |url: &str| Some(json!({"url": url, "description": "ERP"}));
        let send = async |key: &'static str, path: &str, body| {
            shop.send(admin(), Method::POST, path, Some(key), body).await
        };
        let first = send("k", "/webhooks", new("https://a.example/")).await;
        assert_eq!(first.0, 201, "{}", first.1);
        assert_eq!(send("k", "/webhooks", new("https://a.example/")).await, first);
        let (status, problem) = send("k", "/webhooks", new("https://b.example/")).await;
        assert_eq!((status.as_u16(), &problem["code"]), (422, &json!("idempotency_key_reused")));
        assert_eq!(get(&shop, "/webhooks").await["items"].as_array().unwrap().len(), 1);
        // A new secret likewise; the first answer stays what it was.
        let path = format!("/webhooks/{}", first.1["webhook"]["id"].as_str().unwrap());
        let rotate = format!("{path}/rotate-secret");
        let rotated = send("r", &rotate, None).await;
        assert_eq!(rotated.0, 200, "{}", rotated.1);
        assert_ne!(rotated.1["secret"], first.1["secret"]);
        shop.clock.advance(Duration::from_hours(1));
        assert_eq!(send("r", &rotate, None).await, rotated);
        assert_eq!(send("k", "/webhooks", new("https://a.example/")).await, first);
        let log = shop.logged().await;
        let actions: Vec<&str> = log.iter().map(|(action, _)| action.as_str()).collect();
        assert_eq!(actions, ["webhook.create", "webhook.rotate"]);
        // No secret lies among the answers.
        let kept: Vec<Vec<u8>> = {
            let mut conn = shop.db.read().await.unwrap();
            let rows: Result<_, techcommerce_store::StoreError> = techcommerce_store::with!(conn, |c| {
                sqlx::query_scalar("SELECT body FROM idempotency_answers").fetch_all(c).await
            });
            rows.unwrap()
        };
        assert_eq!(kept.len(), 2);
        assert!(kept.iter().all(|body| !String::from_utf8_lossy(body).contains("whsec_")));
        // One that is gone is not made again by a request that was late.
        assert_eq!(shop.send(admin(), Method::DELETE, &path, None, None).await.0, 204);
        let (status, problem) = send("k", "/webhooks", new("https://a.example/")).await;
        assert_eq!((status.as_u16(), &problem["code"]), (404, &json!("webhook_not_found")));
        assert_eq!(send("r", &rotate, None).await.0, 404);
    }

    async fn webhooks_are_for_admins(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        for (who, status) in [(GUEST, 401), (person(9, Role::Customer), 403), (staff(), 403)] {
            assert_eq!(shop.get(who.clone(), "/webhooks").await.0, status);
            let new = Some(json!({"url": "https://a.example/"}));
            assert_eq!(shop.send(who, Method::POST, "/webhooks", None, new).await.0, status);
        }
        for number in 0..20 {
            hook(&shop, &format!("https://a.example/{number}"), json!([])).await;
        }
        let new = Some(json!({"url": "https://a.example/"}));
        assert_eq!(call(&shop, Method::POST, "/webhooks", new).await.1["code"], "webhook_limit");
        let wrong = Some(json!({"url": "https://a.example/", "types": ["webhook.test"]}));
        assert_eq!(call(&shop, Method::POST, "/webhooks", wrong).await.1["errors"][0]["path"], "types");
        let nothing = format!("/webhooks/{}", uuid::Uuid::from_u128(5));
        assert_eq!(shop.get(admin(), &nothing).await.1["code"], "webhook_not_found");
    }

    async fn what_is_old_is_taken_away(db: TestDb) {
        use techcommerce_store::{StoreError, with};
        let shop = Shop::with(&db, settings()).await;
        let receiver = Receiver::start().await;
        let (kept, gone) = (
            hook(&shop, &receiver.url(), json!([])).await,
            hook(&shop, &receiver.url(), json!([])).await,
        );
        ordered(&shop, "k").await;
        shop.settle().await;
        let rows = async |table: &str| {
            let sql = format!("SELECT COUNT(*) FROM {table}");
            let mut conn = shop.db.read().await.unwrap();
            let count: Result<i64, StoreError> = with!(conn, |c| {
                sqlx::query_scalar(sqlx::AssertSqlSafe(sql.as_str())).fetch_one(c).await
            });
            count.unwrap()
        };
        assert_eq!((rows("webhook_events").await, rows("webhook_deliveries").await), (1, 2));
        assert_eq!(call(&shop, Method::DELETE, &gone.path(""), None).await.0, 204);
        assert_eq!(shop.get(admin(), &gone.path("")).await.0, 404);
        shop.clock.advance(Duration::from_hours(1));
        shop.jobs.tick().await.unwrap();
        shop.settle().await;
        assert_eq!((rows("webhook_endpoints").await, rows("webhook_deliveries").await), (1, 1));
        shop.clock.advance(Duration::from_hours(24 * 30));
        shop.jobs.tick().await.unwrap();
        shop.settle().await;
        for table in ["webhook_events", "webhook_deliveries", "webhook_attempts"] {
            assert_eq!(rows(table).await, 0, "{table}");
        }
        assert_eq!(get(&shop, &kept.path("")).await["enabled"], true);
    }
}
