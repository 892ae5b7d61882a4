//! Lists of products: filtered, sorted, in pages.

use std::{cmp::Ordering, sync::Arc};

use bytes::Bytes;
use http::HeaderValue;
use techcommerce_contracts::{
    ListQuery,
    product_api::{ProductQuery, ProductSort, ProductStatus},
};
use techcommerce_http::etag;
use techcommerce_kernel::{Error, FieldError};

use super::{
    Entry, Snapshot,
    cursor::Cursor,
    orders::{against, compare, place},
    query::search,
};
use crate::catalogue::text::fold;

/// The most characters of a search.
const MAX_SEARCH: usize = 200;

/// A page of a list.
#[derive(Debug)]
pub struct Listed {
    items: Vec<Arc<Entry>>,
    next_cursor: Option<String>,
}

impl Listed {
    /// The page in JSON: what is kept of each product, one after another.
    pub fn json(&self) -> Bytes {
        let length: usize = self.items.iter().map(|entry| entry.json.len() + 1).sum();
        let mut json = Vec::with_capacity(length + 256);
        json.extend_from_slice(b"{\"items\":[");
        for (index, entry) in self.items.iter().enumerate() {
            if index > 0 {
                json.push(b',');
            }
            json.extend_from_slice(&entry.json);
        }
        json.extend_from_slice(b"],\"next_cursor\":");
        match &self.next_cursor {
            // Cursors are of letters, digits, `-` and `_`.
            Some(cursor) => {
                json.push(b'"');
                json.extend_from_slice(cursor.as_bytes());
                json.push(b'"');
            }
            None => json.extend_from_slice(b"null"),
        }
        json.push(b'}');
        json.into()
    }

    /// Names the page's content, by the names of what is in it: much shorter than all of it.
    ///
    /// # Errors
    /// Never in practice: a tag is of letters.
    pub fn tag(&self) -> Result<HeaderValue, Error> {
        let mut names = Vec::with_capacity(self.items.len() * 32 + 256);
        for entry in &self.items {
            names.extend_from_slice(entry.tag.as_bytes());
        }
        names.extend_from_slice(self.next_cursor.as_deref().unwrap_or_default().as_bytes());
        etag::header(&names)
    }
}

/// A page of the products that the public sees and the query asks for.
///
/// # Errors
/// `invalid_input` with the place; `forbidden` for a status that only staff see.
pub fn list(snapshot: &Snapshot, query: &ProductQuery) -> Result<Listed, Error> {
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
    let filter = Filter::new(query);
    let (mut items, leniency) = match text {
        None => (in_order(snapshot, sort, cursor.as_ref(), &filter, limit), 0),
        Some(text) => found(snapshot, text, sort, cursor.as_ref(), &filter, limit)?,
    };
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = match items.last() {
        Some((last, score)) if more => {
            let end = place(sort, last, *score);
            Some(Cursor::encode(query, sort, leniency, end)?)
        }
        _ => None,
    };
    Ok(Listed {
        items: items
            .into_iter()
            .map(|(entry, _)| Arc::clone(entry))
            .collect(),
        next_cursor,
    })
}

/// Products with their scores.
type Scored<'s> = Vec<(&'s Arc<Entry>, i64)>;

/// The page, and one more if there is, out of an order that stands already.
fn in_order<'s>(
    snapshot: &'s Snapshot,
    sort: ProductSort,
    cursor: Option<&Cursor>,
    filter: &Filter<'_>,
    limit: usize,
) -> Scored<'s> {
    let order = snapshot.orders.by(sort);
    let entry = |slot: &u32| &snapshot.slots[*slot as usize];
    let start = cursor.map_or(0, |cursor| {
        order.partition_point(|slot| {
            against(sort, entry(slot), 0, &cursor.after) != Ordering::Greater
        })
    });
    order[start..]
        .iter()
        .map(entry)
        .filter(|entry| filter.takes(entry))
        .take(limit + 1)
        .map(|entry| (entry, 0))
        .collect()
}

/// The page, and one more if there is, out of what a search finds; and how lenient it was.
fn found<'s>(
    snapshot: &'s Snapshot,
    text: &str,
    sort: ProductSort,
    cursor: Option<&Cursor>,
    filter: &Filter<'_>,
    limit: usize,
) -> Result<(Scored<'s>, u8), Error> {
    let found = search(snapshot, text, cursor.map(|cursor| cursor.leniency))?;
    let hits = found.hits.into_iter();
    let mut scored: Scored<'s> = hits
        .filter_map(|(slot, score)| Some((snapshot.slots.get(slot as usize)?, score)))
        .filter(|(entry, _)| filter.takes(entry))
        .filter(|(entry, score)| {
            cursor.is_none_or(|c| against(sort, entry, *score, &c.after) == Ordering::Greater)
        })
        .collect();
    let order = |(a, one): &(&Arc<Entry>, i64), (b, two): &(&Arc<Entry>, i64)| match sort {
        ProductSort::Relevance => two.cmp(one).then_with(|| b.id.cmp(&a.id)),
        sort => compare(sort, a, b),
    };
    // Only the page needs to be in order.
    if scored.len() > limit + 1 {
        scored.select_nth_unstable_by(limit, order);
        scored.truncate(limit + 1);
    }
    scored.sort_unstable_by(order);
    Ok((scored, found.leniency.number()))
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

/// What a product must fit.
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
        let Self { query, tag, vendor } = self;
        let category = query
            .category
            .as_deref()
            .filter(|handle| !handle.is_empty());
        // An order may be older than what stands in it, for a moment.
        entry.status == ProductStatus::Active
            && category.is_none_or(|handle| entry.category.as_deref() == Some(handle))
            && tag.as_ref().is_none_or(|tag| entry.tag_keys.contains(tag))
            && vendor
                .as_ref()
                .is_none_or(|vendor| entry.vendor_key == *vendor)
            && query.in_stock.is_none_or(|wanted| entry.in_stock == wanted)
            && query.on_sale.is_none_or(|wanted| entry.on_sale == wanted)
            && self.price_fits(entry)
    }

    /// One variant must fit both bounds.
    fn price_fits(&self, entry: &Entry) -> bool {
        let lowest = self.query.min_price.unwrap_or(0);
        let highest = self.query.max_price.unwrap_or(i64::MAX);
        (lowest == 0 && highest == i64::MAX) || entry.costs(lowest, highest)
    }
}
