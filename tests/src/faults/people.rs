//! Those who buy, and the staff: they go on whatever happens, ask again under the same key when
//! they were not told, and write down what they were told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use techcommerce_testkit::{Answer, Client, Request};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::checker::{Invariant, Violation};
use super::journal::{Attempt, Card, Deed, Heard, Journal, Wish};
use crate::shopper::checkout;
use crate::staff::euros;

/// How long somebody waits for an answer.
const PATIENCE: Duration = Duration::from_secs(8);
/// How often somebody asks again before they leave it for later.
pub const TRIES: usize = 4;
/// One in so many has a card that is declined.
const DECLINED: u32 = 12;
const PRICE: i64 = 1999;
const SHIPPING: i64 = 490;
/// From here on shipping is free.
const FREE_FROM: i64 = 5000;

/// What all of them share.
pub struct Town {
    pub journal: Journal,
    /// As anybody, through the way that leads to the frontend.
    pub client: Client,
    /// With an API key of staff.
    pub staff: Client,
    /// Something that never runs out, and something that does.
    pub variants: [String; 2],
    pub seed: u64,
    /// How the provider behaves for cards that are used now.
    pub token: watch::Sender<Option<&'static str>>,
    /// Whether it is over.
    pub closed: AtomicBool,
}

impl Town {
    pub fn is_open(&self) -> bool {
        !self.closed.load(Ordering::Relaxed)
    }

    /// Sends it, and writes down what came of it. `None` where nothing did.
    pub async fn ask(&self, about: &str, request: Request<'_>, what: &str) -> Option<Answer> {
        let answer = timeout(PATIENCE, request.send()).await;
        let answer = match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                let why = error.root_cause().to_string();
                self.journal
                    .note(about, format!("{what}: no answer ({why})"));
                return None;
            }
            Err(_) => {
                let text = format!("{what}: no answer within {} s", PATIENCE.as_secs());
                self.journal.note(about, text);
                return None;
            }
        };
        let code = code_of(&answer);
        let text = format!("{what}: {} {}", answer.status, code.unwrap_or_default());
        self.journal.note(about, text);
        let kind = answer.header("content-type").unwrap_or_default();
        if let Some(wrong) = problem(answer.status, &answer.path, kind, &answer.text()) {
            let what = format!("{what} answered {} {wrong}", answer.status);
            let violation = Violation::new(Invariant::Problems, about, what);
            self.journal.violate(violation);
        }
        Some(answer)
    }

    /// The order is asked for under its key until that tells, `tries` times at most.
    pub async fn settle(&self, key: &str, tries: usize) {
        for _ in 0..tries {
            let Some(attempt) = self.journal.know(|facts| {
                let attempt = facts.attempts.get_mut(key)?;
                attempt.sent += 1;
                Some(attempt.clone())
            }) else {
                return;
            };
            let request = self
                .client
                .post("/api/orders")
                .header("idempotency-key", key)
                .json(&attempt.body);
            let answer = self.ask(key, request, "POST /api/orders").await;
            if let Some(heard) = answer.and_then(|answer| self.heard(key, &answer, 201)) {
                self.journal.know(|facts| {
                    if let Some(attempt) = facts.attempts.get_mut(key) {
                        attempt.heard = heard;
                    }
                });
                return;
            }
            sleep(Duration::from_millis(400)).await;
        }
    }

    /// The same for what staff want.
    pub async fn settle_deed(&self, key: &str, tries: usize) {
        for _ in 0..tries {
            let Some(deed) = self.journal.know(|facts| facts.deeds.get(key).cloned()) else {
                return;
            };
            let (path, status, body) = told_to_shop(&deed.wish);
            let path = format!("/api/orders/{}/{path}", deed.order);
            let request = self
                .staff
                .post(&path)
                .header("idempotency-key", key)
                .json(&body);
            let answer = self.ask(&deed.attempt, request, &path).await;
            if let Some(heard) = answer.and_then(|answer| self.heard(key, &answer, status)) {
                self.journal.know(|facts| {
                    if let Some(deed) = facts.deeds.get_mut(key) {
                        deed.heard = heard;
                    }
                });
                return;
            }
            sleep(Duration::from_millis(400)).await;
        }
    }

    /// What an answer tells about what was asked for; nothing where it may still come about.
    fn heard(&self, key: &str, answer: &Answer, done: u16) -> Option<Heard> {
        if answer.status == done {
            let value: Value = answer.json().ok()?;
            let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
            return Some(Heard::Done {
                id: text("id"),
                token: text("access_token"),
            });
        }
        let code = code_of(answer)?;
        match answer.status {
            // Where clocks differ nobody believes anybody, and too many are sent away.
            401 | 403 | 408 | 425 | 429 | 500.. => None,
            404 => {
                // What was acknowledged before is not there.
                let what = format!("{code}, and it was acknowledged");
                let violation = Violation::new(Invariant::Orders, key, what);
                self.journal.violate(violation);
                Some(Heard::Refused(code))
            }
            400..500 => Some(Heard::Refused(code)),
            _ => None,
        }
    }

    /// Looks at an order that was acknowledged, as its buyer.
    async fn look(&self, attempt: &Attempt) -> Option<Value> {
        let Heard::Done { id, token } = &attempt.heard else {
            return None;
        };
        let path = format!("/api/orders/{id}?access_token={token}");
        let answer = self
            .ask(&attempt.key, self.client.get(&path), "GET the order")
            .await?;
        let wrong = |what: String| {
            let violation = Violation::new(Invariant::Orders, &attempt.key, what);
            self.journal.violate(violation);
        };
        if answer.status == 404 {
            wrong("it was acknowledged, and is not found".to_owned());
        }
        if answer.status != 200 {
            return None;
        }
        let order: Value = answer.json().ok()?;
        let amount = |pointer: &str| order.pointer(pointer).and_then(Value::as_i64);
        let (captured, refunded) = (
            amount("/payment/captured/amount").unwrap_or_default(),
            amount("/payment/refunded/amount").unwrap_or_default(),
        );
        if amount("/total/amount") != Some(attempt.total) {
            wrong(format!(
                "its total is {} and should be {}",
                order["total"], attempt.total
            ));
        }
        if captured > attempt.total || refunded > captured {
            wrong(format!("{captured} was captured and {refunded} paid back"));
        }
        if attempt.card == Card::Declined && captured > 0 {
            wrong(format!(
                "{captured} was captured of a card that was declined"
            ));
        }
        Some(order)
    }
}

fn told_to_shop(wish: &Wish) -> (&'static str, u16, Value) {
    match wish {
        Wish::Refund {
            amount,
            restock,
            line,
        } => {
            let lines = match restock {
                0 => json!([]),
                quantity => json!([{"line_id": line, "quantity": quantity}]),
            };
            let body = json!({"amount": euros(*amount), "reason": "faults", "restock": lines});
            ("refunds", 201, body)
        }
        Wish::Cancel => ("cancel", 200, json!({"reason": "faults"})),
        Wish::Ship => ("shipments", 201, json!({"carrier": "Post"})),
    }
}

/// The code of a problem document.
fn code_of(answer: &Answer) -> Option<String> {
    let value: Value = answer.json().ok()?;
    (answer.status >= 400).then(|| value["code"].as_str().map(str::to_owned))?
}

/// What is wrong with how an error is told.
fn problem(status: u16, path: &str, kind: &str, text: &str) -> Option<String> {
    if status < 400 || !path.starts_with("/api/") {
        return None;
    }
    if !kind.starts_with("application/problem+json") {
        return Some(format!("as {kind:?}: {text}"));
    }
    let told: Value = serde_json::from_str(text).unwrap_or_default();
    let is_whole = told["code"].is_string() && told["status"] == status;
    (!is_whole).then(|| format!("with half a problem: {told}"))
}

/// Somebody who buys until the town closes.
pub fn buyer(town: &Arc<Town>, number: u64) -> JoinHandle<()> {
    let town = Arc::clone(town);
    tokio::spawn(async move {
        let mut random = StdRng::seed_from_u64(town.seed ^ (number << 32));
        let mut turn = 0;
        while town.is_open() {
            turn += 1;
            sleep(Duration::from_millis(random.random_range(20..250))).await;
            let key = format!("{}-{number}-{turn}", town.seed);
            if let Some(attempt) = fill_cart(&town, &key, &mut random).await {
                town.journal
                    .know(|facts| facts.attempts.insert(key.clone(), attempt));
                town.settle(&key, TRIES).await;
                watch_order(&town, &key).await;
            }
        }
    })
}

/// Somebody looks around and puts something into a cart; nothing where that does not work.
async fn fill_cart(town: &Town, key: &str, random: &mut StdRng) -> Option<Attempt> {
    let page = ["/", "/products", "/api/products?limit=5"][random.random_range(0..3)];
    let _ = town.ask(key, town.client.get(page), page).await;
    let rare = random.random_range(0..6) == 0;
    let variant = town.variants[usize::from(rare)].clone();
    let quantity = random.random_range(1..=3);
    let declined = random.random_range(0..DECLINED) == 0;
    let cart = town
        .ask(key, town.client.post("/api/carts"), "POST /api/carts")
        .await?;
    let cart: Value = (cart.status == 201).then(|| cart.json().ok())??;
    let cart = cart["id"].as_str()?;
    let path = format!("/api/carts/{cart}/lines/{variant}");
    let line = town.client.put(&path).json(&json!({"quantity": quantity}));
    let put = town.ask(key, line, "PUT the line").await?;
    if put.status != 200 {
        return None;
    }
    let subtotal = PRICE * quantity;
    let total = subtotal + if subtotal < FREE_FROM { SHIPPING } else { 0 };
    let usual = *town.token.borrow();
    let payment = match (random.random_range(0..2), declined) {
        (0, true) => json!({"method": "stripe", "token": "pm_card_chargeDeclined"}),
        (0, false) => json!({"method": "stripe", "token": "pm_card_visa"}),
        (_, true) => crate::shopper::card(Some("tok_decline")),
        (_, false) => crate::shopper::card(usual),
    };
    let email = format!("{key}@example.com");
    let mut body = checkout(cart, payment);
    body["email"] = json!(email);
    Some(Attempt {
        key: key.to_owned(),
        email,
        body,
        variant,
        quantity,
        total,
        card: match declined {
            true => Card::Declined,
            false => Card::Good,
        },
        sent: 0,
        heard: Heard::Open,
    })
}

/// The buyer looks a few times what became of it.
async fn watch_order(town: &Town, key: &str) {
    for _ in 0..3 {
        let attempt = town.journal.know(|facts| facts.attempts.get(key).cloned());
        let Some(attempt) = attempt.filter(|attempt| attempt.heard.is_done()) else {
            return;
        };
        let order = town.look(&attempt).await.unwrap_or_default();
        if matches!(order["payment_status"].as_str(), Some("paid" | "failed")) {
            return;
        }
        sleep(Duration::from_millis(150)).await;
    }
}

/// Staff who pay back, cancel and ship until the town closes.
pub fn staff(town: &Arc<Town>) -> JoinHandle<()> {
    let town = Arc::clone(town);
    tokio::spawn(async move {
        let mut random = StdRng::seed_from_u64(town.seed.rotate_left(17));
        let mut turn = 0;
        while town.is_open() {
            turn += 1;
            sleep(Duration::from_millis(random.random_range(50..400))).await;
            let key = format!("{}-deed-{turn}", town.seed);
            if let Some(deed) = choose(&town, &key, &mut random).await {
                town.journal
                    .know(|facts| facts.deeds.insert(key.clone(), deed));
                town.settle_deed(&key, TRIES).await;
            }
        }
    })
}

/// An order and what is to be done with it. While it is not known what became of one thing no
/// other is done to the same order.
async fn choose(town: &Town, key: &str, random: &mut StdRng) -> Option<Deed> {
    let facts = town.journal.facts();
    let free: Vec<&Attempt> = facts
        .attempts
        .values()
        .filter(|attempt| attempt.heard.is_done())
        .filter(|attempt| facts.deeds_at(&attempt.key).count() < 2)
        .filter(|attempt| {
            facts
                .deeds_at(&attempt.key)
                .all(|deed| !deed.heard.is_open())
        })
        .collect();
    if free.is_empty() {
        return None;
    }
    let attempt = free[random.random_range(0..free.len())].clone();
    let Heard::Done { id, .. } = &attempt.heard else {
        return None;
    };
    let wish = match random.random_range(0..10) {
        0..3 => Wish::Refund {
            amount: random.random_range(1..=attempt.total),
            restock: 0,
            line: String::new(),
        },
        3..5 => {
            let order = town.look(&attempt).await?;
            Wish::Refund {
                amount: PRICE.min(attempt.total),
                restock: 1,
                line: order.pointer("/lines/0/id")?.as_str()?.to_owned(),
            }
        }
        5..8 => Wish::Cancel,
        _ => Wish::Ship,
    };
    Some(Deed {
        key: key.to_owned(),
        order: id.clone(),
        attempt: attempt.key.clone(),
        wish,
        heard: Heard::Open,
    })
}

/// Staff look at the stock all the time: it is never more than came in, nor less than was asked
/// for, nor sold below nothing.
pub fn counter(town: &Arc<Town>) -> JoinHandle<()> {
    let town = Arc::clone(town);
    tokio::spawn(async move {
        while town.is_open() {
            for variant in town.variants.clone() {
                let _ = count(&town, &variant).await;
            }
            sleep(Duration::from_millis(500)).await;
        }
    })
}

async fn count(town: &Town, variant: &str) -> Result<(), ()> {
    let path = format!("/api/stock/{variant}");
    let answer = town
        .ask(variant, town.staff.get(&path), "GET the stock")
        .await;
    let answer = answer.filter(|answer| answer.status == 200).ok_or(())?;
    let level: Value = answer.json().map_err(drop)?;
    let number = |name: &str| level[name].as_i64().unwrap_or(i64::MIN);
    let (on_hand, reserved, available) =
        (number("on_hand"), number("reserved"), number("available"));
    let (asked, received) = town.journal.know(|facts| {
        let of = facts.attempts.values();
        let asked = of.filter(|attempt| attempt.variant == variant && attempt.sent > 0);
        let asked: i64 = asked.map(|attempt| attempt.quantity).sum();
        (asked, facts.received.get(variant).copied().unwrap_or(0))
    });
    let holds = on_hand >= 0
        && reserved >= 0
        && available == on_hand - reserved
        && on_hand <= received
        && available >= (received - asked).max(0);
    if !holds {
        let what = format!(
            "{on_hand} on hand, {reserved} held, {available} available; {received} received, {asked} asked for"
        );
        town.journal
            .violate(Violation::new(Invariant::Units, variant, what));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_without_a_problem_document_is_found() {
        let kind = "application/problem+json";
        let whole = r#"{"code": "unavailable", "status": 503}"#;
        assert_eq!(problem(503, "/api/x", kind, whole), None);
        assert_eq!(problem(200, "/api/x", "text/html", ""), None);
        assert_eq!(
            problem(502, "/products", "text/html", "<h1>Sorry</h1>"),
            None
        );
        for (status, kind, text) in [
            (502, "text/html", "<h1>Bad gateway</h1>"),
            (503, "application/json", whole),
            (500, kind, whole),
            (503, kind, r#"{"status": 503}"#),
            (503, kind, "nonsense"),
        ] {
            assert!(
                problem(status, "/api/x", kind, text).is_some(),
                "{status} {text}"
            );
        }
    }
}
