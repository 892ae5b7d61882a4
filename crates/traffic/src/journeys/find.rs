//! Finding: by words, by narrowing, page by page.

use std::collections::BTreeSet;

use http::header;

use super::browse;
use crate::{
    shopper::{Shopper, Step, expect, json, page, wrong},
    web::Ask,
    wire::{Page, Product},
};

/// Looks for a product by a word of its title; it must be among what is found.
pub async fn search(shopper: &mut Shopper) -> Step<()> {
    let market = shopper.market.clone();
    let Some(product) = shopper.one_of(&market.shop.products) else {
        return Ok(());
    };
    let words: Vec<_> = product
        .title
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() >= 4)
        .collect();
    let Some(word) = shopper.one_of(&words) else {
        return browse::look_at(shopper, product).await;
    };
    let query: String = form_urlencoded::byte_serialize(word.as_bytes()).collect();
    let answer = shopper
        .ask("search page", Ask::get(format!("/search?q={query}")))
        .await?;
    page("search page", &answer, 200, "/products/")?;
    shopper.look().await;
    let answer = shopper
        .ask(
            "search",
            Ask::get(format!("/api/products?q={query}&limit=100")),
        )
        .await?;
    expect("search", &answer, 200)?;
    let found: Page<Product> = json("search", &answer)?;
    let there = found.items.iter().any(|one| one.handle == product.handle);
    // Of more than a page the best come first, and others may be better.
    if !there && found.next_cursor.is_none() {
        return wrong(format!(
            "search for `{word}` does not find {}",
            product.handle
        ));
    }
    browse::look_at(shopper, product).await
}

/// Narrows to a category and a price, sorts by it, and turns the pages.
pub async fn filter(shopper: &mut Shopper) -> Step<()> {
    let market = shopper.market.clone();
    let Some(product) = shopper.one_of(&market.shop.products) else {
        return Ok(());
    };
    let price = product
        .variants
        .first()
        .map_or(0, |variant| variant.price.amount);
    let mut path = format!("/api/products?limit=5&sort=price&max_price={price}");
    if let Some(category) = &product.category {
        path = format!("{path}&category={category}");
    }
    let answer = shopper.ask("list", Ask::get(path.clone())).await?;
    expect("list", &answer, 200)?;
    let first: Page<Product> = json("list", &answer)?;
    let in_bounds = |one: &Product| {
        let cheap = one
            .variants
            .iter()
            .any(|variant| variant.price.amount <= price);
        cheap && (product.category.is_none() || one.category == product.category)
    };
    if let Some(one) = first.items.iter().find(|one| !in_bounds(one)) {
        return wrong(format!("list with {path} has {}", one.handle));
    }
    if first.items.is_empty() {
        return wrong(format!(
            "list with {path} is empty, but {} fits",
            product.handle
        ));
    }
    let tag = answer.header(header::ETAG).to_owned();
    shopper.look().await;
    if !tag.is_empty() {
        let ask = Ask::get(path.clone()).header(header::IF_NONE_MATCH, tag.as_str());
        let answer = shopper.ask("kept list", ask).await?;
        // The stock of a product may have changed meanwhile, and its tag with it.
        let same = answer.status == 200 && answer.header(header::ETAG) == tag;
        if same || (answer.status != 200 && answer.status != 304) {
            return wrong(format!(
                "kept list is answered with {} and the same tag",
                answer.status.as_u16()
            ));
        }
    }
    if let Some(cursor) = &first.next_cursor {
        let cursor: String = form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
        let answer = shopper
            .ask(
                "next page of a list",
                Ask::get(format!("{path}&cursor={cursor}")),
            )
            .await?;
        expect("next page of a list", &answer, 200)?;
        let second: Page<Product> = json("next page of a list", &answer)?;
        let seen: BTreeSet<_> = first.items.iter().map(|one| &one.handle).collect();
        if let Some(one) = second
            .items
            .iter()
            .find(|one| seen.contains(&one.handle) || !in_bounds(one))
        {
            return wrong(format!(
                "next page of {path} has {}, which does not belong there",
                one.handle
            ));
        }
    }
    let answer = shopper
        .ask("list page", Ask::get("/products?sort=price"))
        .await?;
    page("list page", &answer, 200, "/products/")?;
    Ok(())
}
