//! All products and categories at one position of the change feed.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tantivy::Searcher;
use techcommerce_contracts::product_api::{Category, ProductStatus};
use techcommerce_kernel::{Error, Uuid};

use super::{Entry, index::Index};
use crate::catalogue::{
    read::CategoryRow,
    rows::{Record, parsed},
};

/// The catalogue at one moment.
#[derive(Clone)]
pub struct Snapshot {
    /// The position of the last change that it shows.
    pub position: i64,
    pub(super) entries: HashMap<Uuid, Arc<Entry>>,
    handles: Arc<HashMap<String, Uuid>>,
    categories: Arc<[Category]>,
    pub(super) index: Index,
    pub(super) searcher: Searcher,
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
            entries: HashMap::new(),
            handles: Arc::default(),
            categories: Arc::new([]),
            searcher: index.searcher(),
            index,
        })
    }

    /// The next snapshot. Takes its time: run it where it may block.
    pub(super) fn with(&self, changes: Changes) -> Result<Self, Error> {
        let mut entries = self.entries.clone();
        let mut reindexed = Vec::new();
        for record in &changes.records {
            let entry = Arc::new(Entry::new(record.product()?));
            if changes.changed.contains(&entry.product.id) {
                reindexed.push(Arc::clone(&entry));
            }
            entries.insert(entry.product.id, entry);
        }
        let searcher = if reindexed.is_empty() {
            self.searcher.clone()
        } else {
            self.index.update(&reindexed)?
        };
        let (handles, categories) = match changes.categories {
            None => (Arc::clone(&self.handles), Arc::clone(&self.categories)),
            Some(rows) => (Arc::new(handles(&entries)), categories(&rows, &entries)?),
        };
        Ok(Self {
            position: changes.position,
            entries,
            handles,
            categories,
            index: self.index.clone(),
            searcher,
        })
    }

    /// The product with an id or a handle, if the public may see it.
    pub fn public(&self, id_or_handle: &str) -> Option<&Arc<Entry>> {
        let by_id = id_or_handle
            .parse()
            .ok()
            .and_then(|id: Uuid| self.entries.get(&id));
        by_id
            .or_else(|| self.entries.get(self.handles.get(id_or_handle)?))
            .filter(|entry| entry.product.status == ProductStatus::Active)
    }

    /// The product with an id, whoever may see it.
    pub fn get(&self, id: Uuid) -> Option<&Arc<Entry>> {
        self.entries.get(&id)
    }

    /// All categories in their order.
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// How many products it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds no product.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn handles(entries: &HashMap<Uuid, Arc<Entry>>) -> HashMap<String, Uuid> {
    entries
        .values()
        .map(|entry| (entry.product.handle.as_str().to_owned(), entry.product.id))
        .collect()
}

/// The newest product that has a picture gives its category one.
fn categories(
    rows: &[CategoryRow],
    entries: &HashMap<Uuid, Arc<Entry>>,
) -> Result<Arc<[Category]>, Error> {
    let mut counts: HashMap<&str, i64> = HashMap::new();
    let mut pictured: HashMap<&str, &Entry> = HashMap::new();
    for entry in entries
        .values()
        .filter(|e| e.product.status == ProductStatus::Active)
    {
        let Some(category) = entry.product.category.as_deref() else {
            continue;
        };
        *counts.entry(category).or_insert(0) += 1;
        if entry.product.images.is_empty() {
            continue;
        }
        let age = |entry: &Entry| (entry.product.created_at, entry.product.id);
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
                .and_then(|entry| entry.product.images.first());
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
