//! The products on sale in the orders that lists have, so that a page is cut out of one instead
//! of sorting all products for each request.

use std::{cmp::Ordering, sync::Arc};

use techcommerce_contracts::product_api::{ProductSort, ProductStatus};

use super::{
    Entry,
    cursor::{Key, Place},
};

/// Where a product stands among [`Snapshot`](super::Snapshot)'s slots.
pub(super) type Slot = u32;

/// The slots of the products on sale.
#[derive(Debug, Default)]
pub(super) struct Orders {
    newest: Vec<Slot>,
    price: Vec<Slot>,
    price_descending: Vec<Slot>,
    title: Vec<Slot>,
}

impl Orders {
    /// The orders after the products in some slots have changed. What has not changed is in
    /// order already, which makes the sorting cheap.
    pub fn after(&self, slots: &[Arc<Entry>], changed: &[Slot]) -> Self {
        let mut is_changed = vec![false; slots.len()];
        for slot in changed {
            is_changed[*slot as usize] = true;
        }
        let next = |before: &[Slot], sort: ProductSort| {
            let mut next: Vec<Slot> = Vec::with_capacity(before.len() + changed.len());
            let kept = before.iter().copied();
            next.extend(kept.filter(|slot| !is_changed[*slot as usize]));
            let added = changed.iter().copied();
            next.extend(added.filter(|slot| slots[*slot as usize].status == ProductStatus::Active));
            next.sort_by(|a, b| compare(sort, &slots[*a as usize], &slots[*b as usize]));
            next
        };
        Self {
            newest: next(&self.newest, ProductSort::Newest),
            price: next(&self.price, ProductSort::Price),
            price_descending: next(&self.price_descending, ProductSort::PriceDescending),
            title: next(&self.title, ProductSort::Title),
        }
    }

    /// The products on sale in an order; by relevance without a search is the newest first.
    pub fn by(&self, sort: ProductSort) -> &[Slot] {
        match sort {
            ProductSort::Newest | ProductSort::Relevance => &self.newest,
            ProductSort::Price => &self.price,
            ProductSort::PriceDescending => &self.price_descending,
            ProductSort::Title => &self.title,
        }
    }
}

/// What comes first. Of two that are alike the newer comes first: ids grow with time.
pub(super) fn compare(sort: ProductSort, a: &Entry, b: &Entry) -> Ordering {
    let keys = match sort {
        ProductSort::Newest | ProductSort::Relevance => b.created_at.cmp(&a.created_at),
        ProductSort::Price => a.price.cmp(&b.price),
        ProductSort::PriceDescending => b.price.cmp(&a.price),
        ProductSort::Title => a.title_key.cmp(&b.title_key),
    };
    keys.then_with(|| b.id.cmp(&a.id))
}

/// Where a product with a score stands to the end of a page.
pub(super) fn against(sort: ProductSort, entry: &Entry, score: i64, end: &Place) -> Ordering {
    let key = match (sort, &end.key) {
        (ProductSort::Title, Key::Text(title)) => entry.title_key.as_str().cmp(title),
        (ProductSort::Title, Key::Number(_)) => Ordering::Greater,
        (_, key) => number(sort, entry, score).cmp(key),
    };
    key.then_with(|| end.id.cmp(&entry.id))
}

/// The place of a product in a list.
pub(super) fn place(sort: ProductSort, entry: &Entry, score: i64) -> Place {
    let key = match sort {
        ProductSort::Title => Key::Text(entry.title_key.clone()),
        _ => number(sort, entry, score),
    };
    Place { key, id: entry.id }
}

/// What is sorted by, such that smaller comes first.
fn number(sort: ProductSort, entry: &Entry, score: i64) -> Key {
    Key::Number(match sort {
        ProductSort::Relevance => -score,
        ProductSort::PriceDescending => -entry.price,
        ProductSort::Price => entry.price,
        ProductSort::Newest | ProductSort::Title => -entry.created_at.as_micros(),
    })
}
