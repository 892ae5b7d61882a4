//! Lists of products: filtered, sorted, in pages.

use std::cmp::Ordering;

use techcommerce_contracts::{
    ListQuery, Page,
    product_api::{Product, ProductQuery, ProductSort, ProductStatus},
};
use techcommerce_kernel::{Error, FieldError};

use super::{
    Entry, Snapshot,
    cursor::{Cursor, Key, Place},
    query::search,
};
use crate::catalogue::text::fold;

/// The most characters of a search.
const MAX_SEARCH: usize = 200;

/// A page of the products that the public sees and the query asks for.
///
/// # Errors
/// `invalid_input` with the place; `forbidden` for a status that only staff see.
pub fn list(snapshot: &Snapshot, query: &ProductQuery) -> Result<Page<Product>, Error> {
    let limit = ListQuery {
        limit: query.limit,
        cursor: None,
    }
    .limit()?;
    check(query)?;
    check_status(query)?;
    let text = query
        .q
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let sort = match (query.sort, text) {
        (None | Some(ProductSort::Relevance), Some(_)) => ProductSort::Relevance,
        (None | Some(ProductSort::Relevance), None) => ProductSort::Newest,
        (Some(sort), _) => sort,
    };
    let cursor = Cursor::decode(query, sort)?;
    let mut leniency = 0;
    let candidates: Vec<(&Entry, i64)> = match text {
        None => snapshot
            .entries
            .values()
            .map(|entry| (&**entry, 0))
            .collect(),
        Some(text) => {
            let found = search(
                snapshot,
                text,
                cursor.as_ref().map(|cursor| cursor.leniency),
            )?;
            leniency = found.leniency.number();
            let hits = found.hits.into_iter();
            hits.filter_map(|(id, score)| Some((&**snapshot.entries.get(&id)?, score)))
                .collect()
        }
    };
    let filter = Filter::new(query);
    let mut places: Vec<(Place, &Entry)> = candidates
        .into_iter()
        .filter(|(entry, _)| filter.takes(entry))
        .map(|(entry, score)| (place(entry, score, sort), entry))
        .filter(|(place, _)| {
            cursor
                .as_ref()
                .is_none_or(|c| order(place, &c.after) == Ordering::Greater)
        })
        .collect();
    // Only the page needs to be in order.
    if places.len() > limit + 1 {
        places.select_nth_unstable_by(limit, |(a, _), (b, _)| order(a, b));
        places.truncate(limit + 1);
    }
    places.sort_unstable_by(|(a, _), (b, _)| order(a, b));
    let more = places.len() > limit;
    places.truncate(limit);
    let next_cursor = match places.last() {
        Some((last, _)) if more => Some(Cursor::encode(query, sort, leniency, last.clone())?),
        _ => None,
    };
    let items = places
        .into_iter()
        .map(|(_, entry)| entry.product.clone())
        .collect();
    Ok(Page { items, next_cursor })
}

fn check(query: &ProductQuery) -> Result<(), Error> {
    let mut wrong = Vec::new();
    let mut say = |path: &str, message: &str| {
        wrong.push(FieldError {
            path: path.to_owned(),
            message: message.to_owned(),
        });
    };
    if query
        .q
        .as_ref()
        .is_some_and(|text| text.chars().count() > MAX_SEARCH)
    {
        say("q", "is longer than 200 characters");
    }
    for (path, price) in [
        ("min_price", query.min_price),
        ("max_price", query.max_price),
    ] {
        if price.is_some_and(|price| price < 0) {
            say(path, "must not be below zero");
        }
    }
    Error::check(wrong)
}

/// Staff who ask for a status are answered from the database.
fn check_status(query: &ProductQuery) -> Result<(), Error> {
    match query.status {
        None | Some(ProductStatus::Active) => Ok(()),
        Some(_) => Err(Error::forbidden(
            techcommerce_contracts::codes::FORBIDDEN,
            "Only staff see products that are not on sale.",
        )),
    }
}

/// What is sorted by, such that smaller comes first.
fn place(entry: &Entry, score: i64, sort: ProductSort) -> Place {
    let key = match sort {
        ProductSort::Relevance => Key::Number(-score),
        ProductSort::Newest => Key::Number(-entry.product.created_at.as_micros()),
        ProductSort::Price => Key::Number(entry.price),
        ProductSort::PriceDescending => Key::Number(-entry.price),
        ProductSort::Title => Key::Text(entry.title_key.clone()),
    };
    Place {
        key,
        id: entry.product.id,
    }
}

/// Of two that are alike the newer comes first: ids grow with time.
fn order(a: &Place, b: &Place) -> Ordering {
    a.key.cmp(&b.key).then_with(|| b.id.cmp(&a.id))
}

struct Filter<'q> {
    query: &'q ProductQuery,
    tag: Option<String>,
    vendor: Option<String>,
}

impl<'q> Filter<'q> {
    fn new(query: &'q ProductQuery) -> Self {
        let folded = |text: &Option<String>| {
            let text = text
                .as_deref()
                .map(str::trim)
                .filter(|text| !text.is_empty());
            text.map(fold)
        };
        Self {
            query,
            tag: folded(&query.tag),
            vendor: folded(&query.vendor),
        }
    }

    fn takes(&self, entry: &Entry) -> bool {
        let product = &entry.product;
        let Self { query, tag, vendor } = self;
        let category = query
            .category
            .as_deref()
            .filter(|handle| !handle.is_empty());
        product.status == ProductStatus::Active
            && category.is_none_or(|handle| product.category.as_deref() == Some(handle))
            && tag.as_ref().is_none_or(|tag| entry.tag_keys.contains(tag))
            && vendor
                .as_ref()
                .is_none_or(|vendor| entry.vendor_key == *vendor)
            && query.in_stock.is_none_or(|wanted| entry.in_stock == wanted)
            && query.on_sale.is_none_or(|wanted| entry.on_sale == wanted)
            && self.price_fits(product)
    }

    /// One variant must fit both bounds.
    fn price_fits(&self, product: &Product) -> bool {
        let lowest = self.query.min_price.unwrap_or(0);
        let highest = self.query.max_price.unwrap_or(i64::MAX);
        (lowest == 0 && highest == i64::MAX)
            || product
                .variants
                .iter()
                .any(|v| (lowest..=highest).contains(&v.price.amount))
    }
}
