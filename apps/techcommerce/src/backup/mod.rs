//! Backups of a shop on one machine, and bringing one back (docs/decisions/0031).
//!
//! A backup is a folder: copies of the databases as they all were at one instant, the pictures that
//! they name, the rest of the data folder, and `manifest.json`, which says of every file how long it is
//! and what its SHA-256 is, and of the whole what its books are. The manifest is written last, and the
//! folder gets its name when everything is on the disk: what has a name is whole.

mod files;
mod manifest;
pub mod pgbackrest;
mod proof;
mod restore;
mod shelf;
mod take;
mod verify;

pub use manifest::Manifest;
pub use proof::{Books, Proof, differences};
pub use restore::{Asked, restore};
pub use shelf::{Shelf, choose};
pub use take::take;
pub use verify::verify;

/// The copies of the databases.
const DATABASES: &str = "databases";
/// The pictures.
const IMAGES: &str = "images";
/// The rest of the data folder: keys, mails that no server took.
const REST: &str = "rest";
