//! With the key of staff: the list of orders and every movement of stock, so that the account is
//! exact also where others buy meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use techcommerce_kernel::Timestamp;

use super::{Account, Standing};
use crate::{
    book::Attempt,
    prepare::Patient,
    shopper::Market,
    web::Ask,
    wire::{Movement, Order, Page, StockLevel},
};

/// How far the clocks of the shop's services may differ.
const SKEW_MICROS: i64 = 5_000_000;

/// How often the list of orders is asked for: it may be read from a replica that lags.
const TRIES: u32 = 10;

pub async fn check(
    account: &mut Account,
    market: &Market,
    patient: &Patient,
    key: &str,
    standing: &[Standing],
    doubtful: &[Attempt],
) {
    account.stock.checked_by = "ledger";
    let staff = &Staff {
        market,
        patient,
        key,
        from: Timestamp::from_micros(market.shop.opened_at.as_micros() - SKEW_MICROS),
    };
    if let Err(why) = orders(account, staff, standing, doubtful).await {
        account.find(format!(
            "the orders cannot be listed with --staff-key: {why}"
        ));
    }
    let mut by_variant: BTreeMap<&str, Vec<&Standing>> = BTreeMap::new();
    for one in standing {
        let variants: BTreeSet<_> = one
            .promised
            .lines
            .iter()
            .map(|line| line.variant_id.as_str())
            .collect();
        for variant in variants {
            by_variant.entry(variant).or_default().push(one);
        }
    }
    for (variant, orders) in by_variant {
        // Who is not counted has no level and no movements.
        let Some(before) = market.shop.levels.get(variant) else {
            continue;
        };
        if let Err(why) = movements(account, staff, variant, before, &orders).await {
            account.find(format!(
                "the movements of variant {variant} cannot be read: {why}"
            ));
        }
    }
}

/// What is asked with the key of staff.
struct Staff<'a> {
    market: &'a Market,
    patient: &'a Patient,
    key: &'a str,
    /// What is older is not of this run.
    from: Timestamp,
}

/// The orders in the name of this run are those that were acknowledged, and no others.
async fn orders(
    account: &mut Account,
    staff: &Staff<'_>,
    standing: &[Standing],
    doubtful: &[Attempt],
) -> Result<(), String> {
    let &Staff {
        market,
        patient,
        key,
        from,
    } = staff;
    let plan = &market.plan;
    let path = format!("/api/orders?limit=100&q=traffic-{}&from={from}", plan.run);
    let ours: BTreeMap<&str, &Standing> = standing
        .iter()
        .map(|one| (one.promised.id.as_str(), one))
        .collect();
    let prefix = format!("traffic-{}-", plan.run);
    let mut listed: BTreeMap<String, Order>;
    let mut tries = 0;
    loop {
        let all: Vec<Order> = patient.list(&path, Some(key), usize::MAX).await?;
        let mine = all
            .into_iter()
            .filter(|order| order.email == plan.guest_email() || order.email.starts_with(&prefix));
        listed = mine.map(|order| (order.id.clone(), order)).collect();
        tries += 1;
        if listed.len() == ours.len() || tries == TRIES {
            break;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let surplus: Vec<_> = listed
        .keys()
        .filter(|id| !ours.contains_key(id.as_str()))
        .collect();
    // What is in doubt may have become an order.
    if surplus.len() > doubtful.len() {
        let some: Vec<_> = surplus.iter().take(10).collect();
        account.find(format!(
            "there are {} orders of this run that nobody was told of: {some:?}",
            surplus.len()
        ));
    }
    for (id, one) in ours {
        let Some(order) = listed.get(id) else {
            account.find(format!(
                "order {id} was acknowledged and is not in the list of orders"
            ));
            continue;
        };
        let Ok(now) = &one.now else { continue };
        let seen = (
            &order.total,
            &order.payment.captured,
            &order.payment.refunded,
        );
        if seen != (&now.total, &now.payment.captured, &now.payment.refunded) && now.is_settled() {
            account.find(format!(
                "order {id}: staff are shown other amounts than the customer"
            ));
        }
    }
    Ok(())
}

/// Each order moved exactly what it keeps, and all movements come to what is on hand.
async fn movements(
    account: &mut Account,
    staff: &Staff<'_>,
    variant: &str,
    before: &StockLevel,
    orders: &[&Standing],
) -> Result<(), String> {
    let &Staff {
        market,
        patient,
        key,
        from,
    } = staff;
    let mut by_order: BTreeMap<String, i64> = BTreeMap::new();
    let mut all = 0;
    let path = format!("/api/stock/{variant}/movements?limit=100");
    let mut next = path.clone();
    'pages: loop {
        let page: Page<Movement> = patient.json(Ask::get(next).bearer(Some(key)), 200).await?;
        for movement in &page.items {
            // The latest come first.
            if movement.at < from {
                break 'pages;
            }
            if movement.at >= market.shop.opened_at {
                all += movement.delta;
            }
            if let Some(reference) = &movement.reference {
                let order = reference.strip_prefix("order:").unwrap_or(reference);
                *by_order.entry(order.to_owned()).or_default() += movement.delta;
            }
        }
        let Some(cursor) = page.next_cursor else {
            break;
        };
        let cursor: String = form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
        next = format!("{path}&cursor={cursor}");
    }
    for one in orders {
        let Some(now) = one.now.as_ref().ok().filter(|now| now.is_settled()) else {
            continue;
        };
        let lines = now.lines.iter().filter(|line| line.variant_id == variant);
        let pieces: i64 = lines.map(|line| line.quantity).sum();
        let wanted = if now.keeps_goods() { -pieces } else { 0 };
        let moved = by_order.get(&now.id).copied().unwrap_or(0);
        if moved != wanted {
            account.find(format!(
                "order {}: {moved} pieces of variant {variant} moved for it, not {wanted}",
                now.id
            ));
        }
    }
    let now: StockLevel = patient
        .json(
            Ask::get(format!("/api/stock/{variant}")).bearer(Some(key)),
            200,
        )
        .await?;
    if now.on_hand - now.reserved != now.available {
        account.find(format!(
            "variant {variant}: {} on hand less {} held is not {}",
            now.on_hand, now.reserved, now.available
        ));
    }
    if !market.plan.shared && before.on_hand + all != now.on_hand {
        account.find(format!(
            "variant {variant}: {} were on hand, {all} moved, {} are left",
            before.on_hand, now.on_hand
        ));
    }
    if now.reserved > before.reserved {
        account.remark(format!(
            "variant {variant}: {} pieces more than before are held",
            now.reserved - before.reserved
        ));
    }
    Ok(())
}
