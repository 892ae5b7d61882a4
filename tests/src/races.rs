//! Many buyers at once, through HTTP, on both databases: nothing is sold twice, nobody who
//! could have bought is turned away, and every refusal is clear.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use techcommerce_testkit::{Answer, Client};
use tokio::sync::Barrier;

use crate::audit;
use crate::shop::{Shop, on_all};
use crate::shopper::{Placed, card, cart_with, checkout, placed, send_order, wait_for_payment};
use crate::staff::{Item, Stock, product, stock};

const BUYERS: usize = 200;

/// Every cart is filled first; then all order in the same moment.
async fn race(client: &Client, carts: Vec<Vec<(String, i64)>>) -> Result<Vec<Answer>> {
    let ready = Arc::new(Barrier::new(carts.len()));
    let buyers = carts.into_iter().enumerate().map(|(number, lines)| {
        let (client, ready) = (client.clone(), Arc::clone(&ready));
        let buyer = async move {
            let lines: Vec<(&str, i64)> = lines.iter().map(|(v, q)| (v.as_str(), *q)).collect();
            let cart = cart_with(&client, &lines).await;
            // A buyer who failed must not keep the others waiting.
            ready.wait().await;
            let body = checkout(&cart?, card(None));
            send_order(&client, &format!("race-{number}"), &body).await
        };
        async move { tokio::spawn(buyer).await? }
    });
    try_join_all(buyers).await
}

/// Those that were taken; the rest must be refused for want of stock, with the lines named.
fn sort(answers: &[Answer]) -> Result<Vec<Placed>> {
    let mut taken = Vec::new();
    for answer in answers {
        if answer.status == 201 {
            taken.push(placed(answer)?);
            continue;
        }
        let code = answer.clone().problem(409)?;
        ensure!(code == "out_of_stock", "refused for {code}");
        let problem: Value = answer.json()?;
        let lines = problem["lines"].as_array().context("the refused lines")?;
        ensure!(
            !lines.is_empty() && lines.iter().all(|line| line["variant_id"].is_string()),
            "a refusal names its lines: {problem}"
        );
    }
    Ok(taken)
}

async fn all_are_paid(client: &Client, orders: &[Placed]) -> Result<()> {
    for order in orders {
        wait_for_payment(client, order, "paid").await?;
    }
    Ok(())
}

fn one_each(item: &Item, buyers: usize) -> Vec<Vec<(String, i64)>> {
    vec![vec![(item.variant_id.clone(), 1)]; buyers]
}

on_all!(
    many_buyers_for_few_units,
    several_units_of_one_variant,
    contested_variants_in_any_order,
    what_is_sold_without_a_limit,
    the_same_order_many_times,
    refunds_at_once
);

/// 200 buyers for 50 units: exactly 50 orders, 150 clear refusals, nothing left.
async fn many_buyers_for_few_units(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(50)).await?;
    let answers = race(&client, one_each(&lamp, BUYERS)).await?;
    let orders = sort(&answers)?;
    assert_eq!((orders.len(), answers.len()), (50, BUYERS));
    assert_eq!(stock(&staff, &lamp.variant_id).await?.2, 0, "available");
    all_are_paid(&client, &orders).await?;
    assert_eq!(stock(&staff, &lamp.variant_id).await?, (0, 0, 0));
    audit::clean(&shop).await
}

/// Two lines of one cart that draw on the same stock are counted together: a cart with
/// the same variant twice is one line, and several of it are all or nothing.
async fn several_units_of_one_variant(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(50)).await?;
    let carts = (0..60)
        .map(|_| vec![(lamp.variant_id.clone(), 2), (lamp.variant_id.clone(), 3)])
        .collect();
    let orders = sort(&race(&client, carts).await?)?;
    let sold: i64 = orders
        .iter()
        .flat_map(|order| order.json["lines"].as_array().into_iter().flatten())
        .filter_map(|line| line["quantity"].as_i64())
        .sum();
    let available = stock(&staff, &lamp.variant_id).await?.2;
    assert_eq!(sold + available, 50);
    assert!(
        available < 3,
        "{available} are left though somebody wanted 3"
    );
    all_are_paid(&client, &orders).await?;
    audit::clean(&shop).await
}

/// Carts that hold several contested variants in different orders: no deadlock, no part
/// of a cart is sold without the rest.
async fn contested_variants_in_any_order(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let mut items = Vec::new();
    for (index, count) in [20, 30, 40, 50].into_iter().enumerate() {
        items.push(product(&staff, &format!("Thing {index}"), Stock::Counted(count)).await?);
    }
    let mut random = StdRng::seed_from_u64(42);
    let carts = (0..120)
        .map(|_| {
            let mut picked: Vec<_> = items
                .iter()
                .map(|item| (item.variant_id.clone(), random.random_range(1..=2)))
                .collect();
            picked.shuffle(&mut random);
            picked.truncate(random.random_range(2..=4));
            picked
        })
        .collect();
    let orders = sort(&race(&client, carts).await?)?;
    for (item, count) in items.iter().zip([20, 30, 40, 50]) {
        let sold: i64 = orders
            .iter()
            .flat_map(|order| order.json["lines"].as_array().into_iter().flatten())
            .filter(|line| line["variant_id"] == item.variant_id.as_str())
            .filter_map(|line| line["quantity"].as_i64())
            .sum();
        let (on_hand, reserved, available) = stock(&staff, &item.variant_id).await?;
        assert!(available >= 0 && on_hand - reserved == available);
        assert_eq!(sold + available, count, "{}", item.handle);
    }
    all_are_paid(&client, &orders).await?;
    audit::clean(&shop).await
}

/// Policy `continue` sells on below zero, and what nobody counts is never out of stock.
async fn what_is_sold_without_a_limit(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let made_to_order = product(&staff, "Made to order", Stock::Continue(5)).await?;
    let endless = product(&staff, "Endless", Stock::Untracked).await?;
    let mut carts = one_each(&made_to_order, 40);
    carts.extend(one_each(&endless, 40));
    let orders = sort(&race(&client, carts).await?)?;
    assert_eq!(orders.len(), 80);
    all_are_paid(&client, &orders).await?;
    assert_eq!(stock(&staff, &made_to_order.variant_id).await?.2, 5 - 40);
    audit::clean(&shop).await
}

/// One buyer whose request goes out twenty times at once, as impatient programs do, has
/// one order; and one cart makes one order, whatever the keys.
async fn the_same_order_many_times(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(50)).await?;

    let body = checkout(
        &cart_with(&client, &[(&lamp.variant_id, 1)]).await?,
        card(None),
    );
    let same = try_join_all((0..20).map(|_| send_order(&client, "same-key", &body))).await?;
    let mut ids = std::collections::BTreeSet::new();
    for answer in same {
        // A twin that is still under way may be told so; it is never a second order.
        if answer.status != 409 {
            ids.insert(placed(&answer.expect(201)?)?.id);
        }
    }
    assert_eq!(ids.len(), 1);

    let body = checkout(
        &cart_with(&client, &[(&lamp.variant_id, 1)]).await?,
        card(None),
    );
    let keys: Vec<String> = (0..20).map(|number| format!("key-{number}")).collect();
    let other = try_join_all(keys.iter().map(|key| send_order(&client, key, &body))).await?;
    let taken = other.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(taken, 1, "one cart makes one order");
    assert_eq!(stock(&staff, &lamp.variant_id).await?.2, 48);
    audit::clean(&shop).await
}

/// Two refunds at once never give back more than was taken.
async fn refunds_at_once(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(5)).await?;
    let order = crate::shopper::buy(&client, &lamp.variant_id, 1, "refunds").await?;
    let paid = wait_for_payment(&client, &order, "paid").await?;
    let total = paid["total"]["amount"].as_i64().context("a total")?;
    let path = format!("/api/orders/{}/refunds", order.id);
    let part = serde_json::json!({
        "amount": {"amount": total * 6 / 10, "currency": "EUR"},
        "reason": "late",
    });
    let answers = try_join_all((0..8).map(|number| {
        staff
            .post(&path)
            .header(
                "idempotency-key",
                ["a", "b", "c", "d", "e", "f", "g", "h"][number],
            )
            .json(&part)
            .send()
    }))
    .await?;
    let given = answers.iter().filter(|answer| answer.status < 300).count();
    assert_eq!(
        given,
        1,
        "{:?}",
        answers.iter().map(|a| a.status).collect::<Vec<_>>()
    );
    let order = wait_for_payment(&client, &order, "partially_refunded").await?;
    assert_eq!(order["payment"]["refunded"]["amount"], total * 6 / 10);
    audit::clean(&shop).await
}
