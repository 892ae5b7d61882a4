//! Filling a cart.

use serde_json::json;

use super::browse;
use crate::{
    measure::End,
    shopper::{Shopper, Step, expect, json, problem, wrong},
    web::Ask,
    wire::{Cart, Product, Variant},
};

/// How many products are looked at for one that can be bought.
const TRIES: usize = 5;

/// A cart with one to three lines, looked at and left.
pub async fn abandon(shopper: &mut Shopper) -> Step<()> {
    let lines = lines(shopper);
    let cart = fill(shopper, lines).await?;
    shopper.look().await;
    let answer = shopper
        .ask("cart", Ask::get(format!("/api/carts/{}", cart.id)))
        .await?;
    expect("cart", &answer, 200)?;
    let again: Cart = json("cart", &answer)?;
    if again.lines != cart.lines {
        return wrong("cart is not as it was left");
    }
    let Some(line) = cart.lines.first() else {
        return Ok(());
    };
    let after = put(shopper, &cart.id, &line.variant_id, 0).await?;
    if after
        .lines
        .iter()
        .any(|one| one.variant_id == line.variant_id)
    {
        return wrong("cart still has a line that was taken out");
    }
    Ok(())
}

/// A cart, a code that nobody gave out, and the one that somebody did.
pub async fn discount(shopper: &mut Shopper) -> Step<()> {
    let cart = fill(shopper, 1).await?;
    shopper.look().await;
    let path = format!("/api/carts/{}/discount", cart.id);
    let ask = Ask::put(path.clone()).json(json!({"code": "NOBODY-GAVE-THIS-OUT"}));
    let answer = shopper.ask("unknown discount code", ask).await?;
    problem("unknown discount code", &answer, 409, "discount_invalid")?;
    let market = shopper.market.clone();
    if let Some(code) = &market.plan.discount {
        let answer = shopper
            .ask("discount code", Ask::put(path).json(json!({"code": code})))
            .await?;
        expect("discount code", &answer, 200)?;
        let less: Cart = json("discount code", &answer)?;
        less.adds_up()
            .or_else(|why| wrong(format!("cart with a discount: {why}")))?;
        if less.discount.amount <= 0 || less.discount_code.is_none() {
            return wrong("discount code is taken and takes nothing off");
        }
    }
    Ok(())
}

/// How many lines somebody wants: mostly one.
pub fn lines(shopper: &mut Shopper) -> usize {
    if shopper.now_and_then(60) {
        1
    } else if shopper.now_and_then(70) {
        2
    } else {
        3
    }
}

/// A cart with so many lines of things that can be bought.
pub async fn fill(shopper: &mut Shopper, lines: usize) -> Step<Cart> {
    let mut wanted: Vec<(Variant, i64)> = Vec::new();
    for _ in 0..lines {
        if let Some((variant, quantity)) = choose(shopper).await?
            && wanted.iter().all(|(one, _)| one.id != variant.id)
        {
            wanted.push((variant, quantity));
        }
    }
    if wanted.is_empty() {
        return Err(End::SoldOut);
    }
    let answer = shopper.ask("new cart", Ask::post("/api/carts")).await?;
    expect("new cart", &answer, 201)?;
    let mut cart: Cart = json("new cart", &answer)?;
    if !cart.lines.is_empty() {
        return wrong("new cart is not empty");
    }
    for (variant, quantity) in &wanted {
        cart = put(shopper, &cart.id, &variant.id, *quantity).await?;
        let line = cart.lines.iter().find(|line| line.variant_id == variant.id);
        let Some(line) = line.filter(|line| line.quantity == *quantity) else {
            return wrong("cart line is not in the cart as it was put there");
        };
        if line.unit_price != variant.price {
            return wrong(format!(
                "cart line costs {}, the product {}",
                line.unit_price.amount, variant.price.amount
            ));
        }
    }
    if cart.lines.len() != wanted.len() {
        return wrong(format!(
            "cart has {} lines, {} were put there",
            cart.lines.len(),
            wanted.len()
        ));
    }
    Ok(cart)
}

/// Something that can be bought now, and how many.
async fn choose(shopper: &mut Shopper) -> Step<Option<(Variant, i64)>> {
    let market = shopper.market.clone();
    for attempt in 0..TRIES {
        let Some(product) = shopper.one_of(&market.shop.products) else {
            return Ok(None);
        };
        if attempt == 0 {
            browse::look_at(shopper, product).await?;
        }
        let path = format!("/api/products/{}", product.handle);
        let answer = shopper.ask("product", Ask::get(path)).await?;
        expect("product", &answer, 200)?;
        let now: Product = json("product", &answer)?;
        if now.handle != product.handle {
            return wrong(format!(
                "product {} is answered with {}",
                product.handle, now.handle
            ));
        }
        let quantity = if shopper.now_and_then(80) { 1 } else { 2 };
        let there: Vec<_> = now
            .variants
            .iter()
            .filter(|variant| variant.can_sell(quantity))
            .collect();
        if let Some(variant) = shopper.one_of(&there) {
            return Ok(Some(((*variant).clone(), quantity)));
        }
    }
    Ok(None)
}

async fn put(shopper: &mut Shopper, cart: &str, variant: &str, quantity: i64) -> Step<Cart> {
    let path = format!("/api/carts/{cart}/lines/{variant}");
    let answer = shopper
        .ask(
            "cart line",
            Ask::put(path).json(json!({"quantity": quantity})),
        )
        .await?;
    if answer.status == 409 && answer.code() == "out_of_stock" {
        return Err(End::SoldOut);
    }
    expect("cart line", &answer, 200)?;
    let cart: Cart = json("cart line", &answer)?;
    cart.adds_up()
        .or_else(|why| wrong(format!("cart: {why}")))?;
    Ok(cart)
}
