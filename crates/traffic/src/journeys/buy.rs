//! Ordering, and looking after what was ordered.
//!
//! Every order is sent under an `Idempotency-Key`, and under the same one again when the answer
//! does not come; what no answer settles is asked for once more when the account is made.

use std::time::Duration;

use http::HeaderName;
use rand::Rng;
use serde_json::{Value, json};

use super::cart;
use crate::{
    book::{Attempt, Card, Expected, Fate, as_seen},
    measure::End,
    plan::Payments,
    prepare::{Customer, address},
    shopper::{Shopper, Step, expect, json, page, wrong},
    web::{Answer, Ask},
    wire::{Cart, Order, Page, ShippingMethod},
};

/// How often an order is sent at most while its shopper waits.
const TRIES: u32 = 4;

/// How long a shopper waits at most because the shop asks for it.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How many of a hundred orders are sent a second time though they were answered, as by a
/// second click.
const CLICKED_TWICE: u32 = 20;

/// Orders as a guest with a card that works.
pub async fn guest(shopper: &mut Shopper) -> Step<()> {
    checkout(shopper, None, None).await
}

/// Orders as somebody who is signed in, and finds the order among theirs.
pub async fn signed_in(shopper: &mut Shopper) -> Step<()> {
    let market = shopper.market.clone();
    let customer = shopper.one_of(&market.shop.customers).cloned();
    checkout(shopper, customer.as_ref(), None).await
}

/// Orders with a card that the provider refuses.
pub async fn declined(shopper: &mut Shopper) -> Step<()> {
    checkout(shopper, None, Some("tok_decline")).await
}

/// Orders with a card whose provider says everything twice, or whose first reply is lost.
pub async fn troubled(shopper: &mut Shopper) -> Step<()> {
    let token = shopper
        .one_of(&["tok_twice", "tok_lost_reply", "tok_timeout"])
        .copied();
    checkout(shopper, None, token).await
}

/// Looks at an order of this run by its link, as a page.
pub async fn look_after(shopper: &mut Shopper) -> Step<()> {
    let choice = shopper.random.random();
    match shopper.market.book.any_order(choice) {
        Some(order) => show(shopper, &order).await,
        // The first shopper of all looks around instead.
        None => super::browse::browse(shopper).await,
    }
}

async fn show(shopper: &mut Shopper, order: &Order) -> Step<()> {
    let token = order.access_token.as_deref().unwrap_or_default();
    let path = format!("/orders/{}?access_token={token}", order.id);
    let answer = shopper.ask("order page", Ask::get(path)).await?;
    page("order page", &answer, 200, &order.number)?;
    Ok(())
}

async fn checkout(
    shopper: &mut Shopper,
    customer: Option<&Customer>,
    token: Option<&str>,
) -> Step<()> {
    let lines = cart::lines(shopper);
    let cart = cart::fill(shopper, lines).await?;
    shopper.look().await;
    let path = format!("/api/shipping-methods?cart_id={}", cart.id);
    let answer = shopper.ask("shipping methods", Ask::get(path)).await?;
    expect("shipping methods", &answer, 200)?;
    let methods: Page<ShippingMethod> = json("shipping methods", &answer)?;
    let Some(method) = shopper.one_of(&methods.items).cloned() else {
        return wrong("shipping methods: there are none");
    };
    let attempt = attempt(shopper, &cart, &method, customer, token)?;
    let place = shopper.market.book.open(attempt.clone());
    let Some(order) = place_order(shopper, place, &attempt).await? else {
        return Err(End::SoldOut);
    };
    as_seen(&order, &attempt.expected).or_else(|why| wrong(format!("order: {why}")))?;
    if shopper.now_and_then(CLICKED_TWICE) {
        click_again(shopper, place, &attempt, &order).await?;
    }
    shopper.look().await;
    show(shopper, &order).await?;
    let Some(customer) = customer else {
        return Ok(());
    };
    let ask = Ask::get("/api/orders?limit=100").bearer(Some(&customer.token));
    let answer = shopper.ask("own orders", ask).await?;
    expect("own orders", &answer, 200)?;
    let own: Page<Order> = json("own orders", &answer)?;
    if let Some(other) = own.items.iter().find(|one| one.email != customer.email) {
        return wrong(format!(
            "own orders have one of somebody else: {}",
            other.id
        ));
    }
    // The latest come first; so many at once are ordered by nobody else in this name.
    if own.items.iter().all(|one| one.id != order.id) && own.next_cursor.is_none() {
        return wrong(format!("own orders lack {}", order.id));
    }
    Ok(())
}

/// What is asked for, and what was promised for it.
fn attempt(
    shopper: &mut Shopper,
    cart: &Cart,
    method: &ShippingMethod,
    customer: Option<&Customer>,
    token: Option<&str>,
) -> Step<Attempt> {
    let plan = &shopper.market.plan;
    let email = customer.map_or_else(|| plan.guest_email(), |customer| customer.email.clone());
    let (payment, card) = match (plan.payments, token) {
        (Payments::Invoice, _) => (json!({"method": "invoice"}), Card::Invoice),
        (Payments::Test, Some("tok_decline")) => (
            json!({"method": "test", "token": "tok_decline"}),
            Card::Declined,
        ),
        (Payments::Test, token) => (json!({"method": "test", "token": token}), Card::Works),
    };
    let Some(total) = method.total.clone() else {
        return wrong("shipping methods do not say what the cart costs with them");
    };
    let body = json!({
        "cart_id": cart.id,
        "email": email,
        "shipping_address": address(&format!("Traffic {}", plan.run)),
        "shipping_method": method.id,
        "payment": payment,
    });
    Ok(Attempt {
        key: format!(
            "traffic-{}-{:016x}",
            plan.run,
            shopper.random.random::<u64>()
        ),
        body,
        bearer: customer.map(|customer| customer.token.clone()),
        expected: Expected {
            lines: cart.lines.clone(),
            subtotal: cart.subtotal.clone(),
            discount: cart.discount.clone(),
            shipping: method.price.clone(),
            total,
            email,
            card,
        },
        fate: Fate::InDoubt,
        sent: 0,
    })
}

/// The request of an attempt; always the same.
pub fn request(attempt: &Attempt) -> Ask {
    Ask::post("/api/orders")
        .header(
            HeaderName::from_static("idempotency-key"),
            attempt.key.as_str(),
        )
        .bearer(attempt.bearer.as_deref())
        .json(attempt.body.clone())
}

/// What an answer to an attempt says of it.
pub enum Verdict {
    /// There is an order.
    Ordered(Box<Order>),
    /// There is none, for this reason; that it is sold out is nobody's fault.
    None(String),
    /// Nothing: send it again.
    Again(Option<Duration>),
    /// It must not be.
    Wrong(String),
}

/// Reads an answer to an attempt.
pub fn verdict(answer: &Answer) -> Verdict {
    let code = answer.code();
    match answer.status.as_u16() {
        201 => match answer.json::<Order>() {
            Ok(order) if order.access_token.is_some() => Verdict::Ordered(Box::new(order)),
            Ok(_) => Verdict::Wrong("order comes without its access token".into()),
            Err(why) => Verdict::Wrong(format!("order: {why}")),
        },
        409 if ["out_of_stock", "not_for_sale"].contains(&code.as_str()) => {
            let named = answer.json::<Value>().ok().is_some_and(|problem| {
                problem["lines"]
                    .as_array()
                    .is_some_and(|lines| !lines.is_empty())
            });
            match named {
                true => Verdict::None(code),
                false => Verdict::Wrong(format!("order is refused as {code} and no line is named")),
            }
        }
        429 | 502..=504 => Verdict::Again(answer.retry_after()),
        status @ 400..=499 => Verdict::Wrong(format!("order is refused with {status} {code}")),
        status => Verdict::Wrong(format!("order is answered with {status} {code}")),
    }
}

/// Sends an attempt until it is settled or the shopper has had enough; `None`: sold out.
async fn place_order(
    shopper: &mut Shopper,
    place: usize,
    attempt: &Attempt,
) -> Step<Option<Box<Order>>> {
    let ask = request(attempt);
    let mut last = End::Failed;
    for tried in 0..TRIES {
        let step = if tried == 0 {
            "order"
        } else {
            "order, sent again"
        };
        shopper.market.book.sent(place);
        let mut pause = Duration::from_millis(200) * 2u32.pow(tried);
        match shopper.try_once(step, &ask).await {
            Err(end) => last = end,
            Ok(answer) => match verdict(&answer) {
                Verdict::Ordered(order) => {
                    shopper
                        .market
                        .book
                        .settle(place, Fate::Acknowledged(order.clone()));
                    return Ok(Some(order));
                }
                Verdict::None(code) => {
                    shopper.market.book.settle(place, Fate::Refused(code));
                    return Ok(None);
                }
                Verdict::Wrong(what) => return wrong(what),
                Verdict::Again(after) => {
                    last = if matches!(answer.status.as_u16(), 429 | 503) {
                        End::Refused
                    } else {
                        End::Failed
                    };
                    pause = after.unwrap_or(pause).max(pause);
                }
            },
        }
        if pause > LONGEST_WAIT {
            break;
        }
        shopper.wait(pause).await;
    }
    Err(last)
}

/// The same once more gives the same order.
async fn click_again(
    shopper: &mut Shopper,
    place: usize,
    attempt: &Attempt,
    order: &Order,
) -> Step<()> {
    shopper.market.book.sent(place);
    let answer = shopper
        .ask("order, clicked twice", request(attempt))
        .await?;
    match verdict(&answer) {
        Verdict::Ordered(again) if again.id == order.id && again.total == order.total => Ok(()),
        Verdict::Ordered(again) => {
            wrong(format!("order {} sent again became {}", order.id, again.id))
        }
        Verdict::None(code) => wrong(format!("order {} sent again is refused: {code}", order.id)),
        Verdict::Again(_) => Ok(()),
        Verdict::Wrong(what) => wrong(format!("order sent again: {what}")),
    }
}
