//! The read model: all products in memory, with a search index, for the public's lists, searches
//! and details.
//!
//! A [`Snapshot`] never changes; a new one takes its place when the change feed has something new
//! ([`Follower`]). A request works on the snapshot that it began with, so reads never wait for
//! writes and never see half of a change.

mod cursor;
mod entry;
mod follower;
mod index;
mod listing;
mod notifier;
mod orders;
mod pages;
mod query;
mod snapshot;

use std::sync::Arc;

use arc_swap::ArcSwap;

pub use entry::Entry;
pub use follower::Follower;
pub use listing::{Listed, list};
pub use notifier::Notifier;
pub use pages::{Page, Pages};
pub use snapshot::Snapshot;

/// The newest snapshot. Clones share it; readers take no lock.
#[derive(Clone)]
pub struct Model(Arc<ArcSwap<Snapshot>>);

impl Model {
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(snapshot)))
    }

    /// The newest snapshot.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }

    fn replace(&self, snapshot: Snapshot) {
        self.0.store(Arc::new(snapshot));
    }
}
