//! All products and categories at one position of the change feed.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tantivy::Searcher;
use techcommerce_contracts::product_api::{Category, Product, ProductStatus};
use techcommerce_kernel::{Error, Uuid};

use super::{
    Entry, Pages,
    index::Index,
    orders::{Orders, Slot},
};
use crate::catalogue::{
    read::CategoryRow,
    rows::{Record, parsed},
};

/// The catalogue at one moment.
#[derive(Clone)]
pub struct Snapshot {
    /// The position of the last change that it shows.
    pub position: i64,
    /// All products, each for ever at its place. Products are never deleted.
    pub(super) slots: Vec<Arc<Entry>>,
    ids: Arc<HashMap<Uuid, Slot>>,
    handles: Arc<HashMap<String, Slot>>,
    pub(super) orders: Arc<Orders>,
    /// The slots that changed since [`Snapshot::orders`] was made.
    unordered: Vec<Slot>,
    categories: Arc<[Category]>,
    pub(super) index: Index,
    pub(super) searcher: Searcher,
    /// Never of another snapshot than this one.
    pub(crate) pages: Arc<Pages>,
}

/// What the feed told to be new.
pub(super) struct Changes {
    /// Its last position.
    pub position: i64,
    /// The products that were named, as they are now.
    pub records: Vec<Record>,
    /// Those of them of which more than the stock changed.
    pub changed: HashSet<Uuid>,
    /// All categories, if anything but stock changed.
    pub categories: Option<Vec<CategoryRow>>,
}

impl Snapshot {
    /// Of a catalogue without products, to which all are added by [`Snapshot::with`].
    pub(super) fn empty() -> Result<Self, Error> {
        let index = Index::new()?;
        Ok(Self {
            position: -1,
            slots: Vec::new(),
            ids: Arc::default(),
            handles: Arc::default(),
            orders: Arc::default(),
            unordered: Vec::new(),
            categories: Arc::new([]),
            searcher: index.searcher(),
            index,
            pages: Arc::default(),
        })
    }

    /// The next snapshot. Takes its time: run it where it may block.
    pub(super) fn with(mut self, changes: Changes) -> Result<Self, Error> {
        self.position = changes.position;
        self.pages = Arc::default();
        let mut reindexed: Vec<(Slot, Arc<Entry>, Product)> = Vec::new();
        for record in &changes.records {
            let mut product = record.product()?;
            let entry = Arc::new(Entry::new(&mut product)?);
            let slot = self.put(&entry)?;
            if changes.changed.contains(&entry.id) {
                self.unordered.push(slot);
                reindexed.push((slot, entry, product));
            }
        }
        if !reindexed.is_empty() {
            self.searcher = self.index.update(&reindexed)?;
        }
        // What follows goes through all products, so the last page of a load does it for all.
        if let Some(rows) = changes.categories {
            self.unordered.sort_unstable();
            self.unordered.dedup();
            if !self.unordered.is_empty() {
                let changed = std::mem::take(&mut self.unordered);
                self.orders = Arc::new(self.orders.after(&self.slots, &changed));
                self.handles = Arc::new(handles(&self.slots));
            }
            self.categories = categories(&rows, &self.slots)?;
        }
        Ok(self)
    }

    fn put(&mut self, entry: &Arc<Entry>) -> Result<Slot, Error> {
        if let Some(slot) = self.ids.get(&entry.id) {
            self.slots[*slot as usize] = Arc::clone(entry);
            return Ok(*slot);
        }
        let slot = Slot::try_from(self.slots.len()).map_err(Error::internal)?;
        self.slots.push(Arc::clone(entry));
        Arc::make_mut(&mut self.ids).insert(entry.id, slot);
        Ok(slot)
    }

    /// The product with an id or a handle, if the public may see it.
    pub fn public(&self, id_or_handle: &str) -> Option<&Arc<Entry>> {
        let by_id = id_or_handle.parse().ok().and_then(|id: Uuid| self.get(id));
        by_id
            .or_else(|| {
                let slot = self.handles.get(id_or_handle)?;
                self.slots.get(*slot as usize)
            })
            .filter(|entry| entry.status == ProductStatus::Active)
    }

    /// The product with an id, whoever may see it.
    pub fn get(&self, id: Uuid) -> Option<&Arc<Entry>> {
        self.slots.get(*self.ids.get(&id)? as usize)
    }

    /// All categories in their order.
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// How many products it holds.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether it holds no product.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

fn handles(slots: &[Arc<Entry>]) -> HashMap<String, Slot> {
    (0..)
        .zip(slots)
        .map(|(slot, entry)| (entry.handle.clone(), slot))
        .collect()
}

/// The newest product that has a picture gives its category one.
fn categories(rows: &[CategoryRow], slots: &[Arc<Entry>]) -> Result<Arc<[Category]>, Error> {
    let mut counts: HashMap<&str, i64> = HashMap::new();
    let mut pictured: HashMap<&str, &Entry> = HashMap::new();
    for entry in slots.iter().filter(|e| e.status == ProductStatus::Active) {
        let Some(category) = entry.category.as_deref() else {
            continue;
        };
        *counts.entry(category).or_insert(0) += 1;
        if entry.picture.is_none() {
            continue;
        }
        let age = |entry: &Entry| (entry.created_at, entry.id);
        let newest = pictured.entry(category).or_insert(entry);
        if age(entry) > age(newest) {
            *newest = entry;
        }
    }
    rows.iter()
        .map(|row| {
            let handle = row.handle.as_str();
            let image = pictured
                .get(handle)
                .and_then(|entry| entry.picture.as_ref());
            Ok(Category {
                id: row.id,
                handle: parsed(handle)?,
                title: row.title.clone(),
                description: row.description.clone(),
                position: row.position,
                product_count: counts.get(handle).copied().unwrap_or(0),
                total_count: None,
                image: image.cloned(),
            })
        })
        .collect()
}
