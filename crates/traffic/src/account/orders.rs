//! Every order that was acknowledged exists, once, as it was acknowledged, and paid as its card
//! says.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::{AT_ONCE, Account, Listed, Standing, Unknown};
use crate::{
    book::{Attempt, Card, Fate, as_seen},
    journeys::{Verdict, request, verdict},
    prepare::Patient,
    web::Ask,
    wire::Order,
};

/// Asks for what is in doubt once more under its key, until it is known.
pub async fn settle_doubts(
    account: &mut Account,
    patient: &Patient,
    attempts: Vec<Attempt>,
    deadline: Instant,
) -> Vec<Attempt> {
    let settled = stream::iter(attempts).map(|attempt| async move {
        match attempt.fate {
            // What was never sent needs no answer.
            Fate::InDoubt if attempt.sent > 0 => ask_again(patient, attempt, deadline).await,
            _ => (attempt, None),
        }
    });
    let settled: Vec<_> = settled.buffered(AT_ONCE).collect().await;
    let mut attempts = Vec::new();
    for (attempt, late) in settled {
        match late {
            None => {}
            Some(Ok(())) => account.orders.acknowledged_late += 1,
            Some(Err(why)) => {
                account.orders.in_doubt += 1;
                account.find(format!(
                    "nobody knows whether the order under the key {} exists: {why}",
                    attempt.key
                ));
            }
        }
        if attempt.sent > 0 {
            attempts.push(attempt);
        }
    }
    attempts
}

async fn ask_again(
    patient: &Patient,
    mut attempt: Attempt,
    deadline: Instant,
) -> (Attempt, Option<Result<(), String>>) {
    loop {
        let why = match patient.ask(request(&attempt)).await {
            Err(why) => why,
            Ok(answer) => match verdict(&answer) {
                Verdict::Ordered(order) => {
                    attempt.fate = Fate::Acknowledged(order);
                    return (attempt, Some(Ok(())));
                }
                Verdict::None(code) => {
                    attempt.fate = Fate::Refused(code);
                    return (attempt, None);
                }
                Verdict::Wrong(why) => return (attempt, Some(Err(why))),
                Verdict::Again(_) => format!(
                    "it is answered with {} {}",
                    answer.status.as_u16(),
                    answer.code()
                ),
            },
        };
        if Instant::now() >= deadline {
            return (attempt, Some(Err(why)));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// How every acknowledged order stands, once it is settled or the time is up.
pub async fn look_up(
    patient: &Patient,
    attempts: Vec<Attempt>,
    deadline: Instant,
) -> Vec<Standing> {
    let acknowledged = attempts
        .into_iter()
        .filter_map(|attempt| match &attempt.fate {
            Fate::Acknowledged(order) => {
                let promised = Order::clone(order);
                Some((attempt, promised))
            }
            _ => None,
        });
    stream::iter(acknowledged)
        .map(|(attempt, promised)| async move {
            let now = settled(patient, &promised, deadline).await;
            Standing {
                attempt,
                promised,
                now,
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

async fn settled(patient: &Patient, promised: &Order, deadline: Instant) -> Result<Order, Unknown> {
    let token = promised.access_token.as_deref().unwrap_or_default();
    let path = format!("/api/orders/{}?access_token={token}", promised.id);
    let mut pause = Duration::from_millis(100);
    loop {
        let now = match patient.ask(Ask::get(path.clone())).await {
            Ok(answer) if answer.status == 404 => Err(Unknown::Gone),
            Ok(answer) if answer.status == 200 => answer.json::<Order>().map_err(Unknown::Unread),
            Ok(answer) => {
                let status = answer.status.as_u16();
                let code = answer.code();
                Err(Unknown::Unread(format!(
                    "it is answered with {status} {code}"
                )))
            }
            Err(why) => Err(Unknown::Unread(why)),
        };
        let last = match &now {
            Ok(order) => order.is_settled(),
            Err(Unknown::Gone) => true,
            // Whoever cannot say so now may a moment later.
            Err(Unknown::Unread(_)) => false,
        };
        if last || Instant::now() >= deadline {
            return now;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// Holds each order against what was promised, and all of them against each other.
pub fn check(account: &mut Account, standing: &[Standing]) {
    account.orders.acknowledged = standing.len();
    let mut ids: BTreeMap<&str, &str> = BTreeMap::new();
    let mut numbers: BTreeMap<&str, &str> = BTreeMap::new();
    for one in standing {
        let id = &one.promised.id;
        if let Some(other) = ids.insert(id, &one.attempt.key) {
            account.find(format!(
                "order {id} was acknowledged under two keys, {other} and {}",
                one.attempt.key
            ));
        } else if let Some(other) = numbers.insert(&one.promised.number, id) {
            account.find(format!(
                "orders {other} and {id} have the same number {}",
                one.promised.number
            ));
        }
        let now = match &one.now {
            Ok(now) => now,
            Err(Unknown::Gone) => {
                account.find(format!("order {id} was acknowledged and does not exist"));
                continue;
            }
            Err(Unknown::Unread(why)) => {
                account.find(format!(
                    "order {id} was acknowledged and cannot be read: {why}"
                ));
                continue;
            }
        };
        match as_promised(one, now) {
            Ok(()) => account.orders.exist += 1,
            Err(why) => account.find(format!("order {id}: {why}")),
        }
        count(account, one, now);
        account.list.push(Listed {
            key: one.attempt.key.clone(),
            id: now.id.clone(),
            number: now.number.clone(),
            total: now.total.amount,
            status: now.status.clone(),
            payment_status: now.payment_status.clone(),
        });
    }
    let money = &account.money;
    let taken = money.captured - money.refunded;
    if account.orders.open == 0 && taken != money.ordered && account.findings.is_empty() {
        let ordered = money.ordered;
        account.find(format!(
            "the orders come to {ordered}, and {taken} was taken for them"
        ));
    }
}

fn as_promised(one: &Standing, now: &Order) -> Result<(), String> {
    let promised = &one.promised;
    if (&now.id, &now.number) != (&promised.id, &promised.number) {
        return Err(format!(
            "it is answered with order {} number {}",
            now.id, now.number
        ));
    }
    as_seen(now, &one.attempt.expected)?;
    if (now.tax.amount, &now.lines) != (promised.tax.amount, &promised.lines) {
        return Err("its lines or its tax are not what was acknowledged".into());
    }
    let payment = &now.payment;
    if payment.refunded.amount > payment.captured.amount {
        return Err(format!(
            "{} was given back of {}",
            payment.refunded.amount, payment.captured.amount
        ));
    }
    let (status, paid) = (now.status.as_str(), now.payment_status.as_str());
    if !now.is_settled() {
        return Err(format!("it is not settled: {status}, {paid}"));
    }
    let (wanted, is) = match one.attempt.expected.card {
        Card::Works if payment.failure.as_deref() == Some("out_of_stock") => {
            (0, paid == "failed" && status == "cancelled")
        }
        Card::Works => (now.total.amount, paid != "failed" && status != "cancelled"),
        Card::Declined => (0, paid == "failed" && status == "cancelled"),
        Card::Invoice => (0, paid == "pending" && status == "placed"),
    };
    if !is {
        return Err(format!(
            "it is {status} and {paid}, which its card ({:?}) does not make it",
            one.attempt.expected.card
        ));
    }
    if payment.captured.amount != wanted {
        return Err(format!(
            "{} was taken for it, not {wanted}",
            payment.captured.amount
        ));
    }
    Ok(())
}

fn count(account: &mut Account, one: &Standing, now: &Order) {
    let orders = &mut account.orders;
    match (one.attempt.expected.card, now.payment.failure.as_deref()) {
        (Card::Declined, _) => orders.declined += 1,
        (Card::Invoice, _) => orders.open += 1,
        (Card::Works, Some("out_of_stock")) => orders.out_of_stock += 1,
        (Card::Works, _) => orders.paid += usize::from(now.payment_status == "paid"),
    }
    let money = &mut account.money;
    money.currency.clone_from(&now.total.currency);
    money.captured += now.payment.captured.amount;
    money.refunded += now.payment.refunded.amount;
    if now.keeps_goods() {
        money.ordered += now.total.amount;
    }
}
