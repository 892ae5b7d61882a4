//! WooCommerce's product export.
//!
//! A product is one row; a variable product has a row for each variation too, which names its
//! product by SKU or as `id:123` and may stand anywhere in the file (rows are in the order of
//! ids). So the file is read twice: once to learn which rows belong together, at 12 bytes a row,
//! and once to take the products as they become whole. Rows of products that are not whole yet
//! wait in memory up to a limit; beyond it their product waits for another reading of the file.
//!
//! See <https://woocommerce.com/document/product-csv-importer-exporter/> and the exporter's source.

mod columns;
mod family;
mod offer;
mod text;

use std::collections::{HashMap, HashSet};

use super::{
    columns::Columns,
    layout::{Context, Layout, Parsed},
    records::Row,
    report::Refusal,
    unread::Unread,
};
use crate::catalogue::text::handle_from;
use columns::At;
use family::Family;

/// The most rows of a file.
const MAX_ROWS: usize = 8_000_000;
/// The most rows, and bytes, that one product may have.
const MAX_FAMILY_ROWS: u32 = 5_000;
const MAX_FAMILY_BYTES: u64 = 16 * 1024 * 1024;
/// How many bytes of products that are not whole yet wait in memory.
const MAX_WAITING: u64 = 32 * 1024 * 1024;

/// What the columns mean that are known to be left aside, by the beginnings of their names: what
/// a shop always exports and nobody misses.
const EXPECTED: [&str; 16] = [
    "is featured",
    "tax class",
    "low stock amount",
    "sold individually",
    "allow customer reviews",
    "shipping class",
    "download",
    "button text",
    "attribute",
    "attribut",
    "ist hervorgehoben",
    "steuerklasse",
    "nur einzeln",
    "kundenrezensionen",
    "kundenbewertungen",
    "versandklasse",
];

/// Where a row belongs.
const NOWHERE: u32 = u32::MAX;

/// A product's rows, before they are read.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    rows: u32,
    bytes: u64,
    /// Counts the products of the same name before it, which have its handle.
    copy: u32,
    state: State,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Waiting,
    /// Passed over in this reading, for there is no room.
    Later,
    Open,
    Done,
}

/// What the first reading learns.
#[derive(Debug, Default)]
struct Index {
    /// For each row its product's place in `groups`, or for a variation the place in `parents`.
    rows: Vec<(u32, bool)>,
    groups: Vec<Group>,
    /// The names of variations' products, until all products are known.
    parents: Vec<(u64, u64)>,
    by_id: HashMap<u64, u32>,
    by_sku: HashMap<u64, u32>,
    /// Whether the file has more rows than may be.
    overfull: bool,
}

/// Reads WooCommerce's rows.
pub struct WooCommerce {
    at: At,
    columns: Columns,
    context: Context,
    unread: Unread,
    index: Index,
    /// Which row comes next.
    next: usize,
    open: HashMap<u32, Vec<Row>>,
    waiting: u64,
    again: bool,
    first_reading: bool,
    handles: HashSet<u64>,
}

impl WooCommerce {
    /// If these are the columns of a WooCommerce export.
    pub fn detect(columns: &Columns, context: Context) -> Option<Self> {
        let at = At::find(columns)?;
        let unread = Unread::new(columns, &at.read(), &EXPECTED);
        Some(Self {
            at,
            columns: columns.clone(),
            context,
            unread,
            index: Index::default(),
            next: 0,
            open: HashMap::new(),
            waiting: 0,
            again: false,
            first_reading: true,
            handles: HashSet::new(),
        })
    }

    fn refuse(&self, row: &Row, column: Option<usize>, reason: impl Into<String>) -> Refusal {
        Refusal::new(
            row.line,
            column.and_then(|index| self.columns.name(index)),
            reason,
        )
    }

    fn is_variation(&self, row: &Row) -> bool {
        let kinds = text::list(row.cell(self.at.kind));
        kinds
            .first()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("variation"))
    }

    /// All rows of a product are there.
    fn close(&mut self, place: u32) -> Option<Parsed> {
        let rows = self.open.remove(&place)?;
        let group = self.index.groups.get_mut(place as usize)?;
        group.state = State::Done;
        self.waiting = self.waiting.saturating_sub(group.bytes);
        let copy = group.copy;
        let mut parsed = Family::new(self, &rows)?.read();
        if let Some(product) = &mut parsed.product {
            product.handle = numbered(&product.handle, copy);
        }
        Some(parsed)
    }

    /// Two products may be called the same: the second gets a number, in the order of the file.
    fn free_copy(&mut self, row: &Row) -> u32 {
        let handle = self.handle(row);
        let mut copy = 0;
        while !self.handles.insert(fingerprint(&numbered(&handle, copy))) {
            copy += 1;
        }
        copy
    }

    /// The handle that a product's row asks for.
    fn handle(&self, row: &Row) -> String {
        let slug = text::plain(row.cell(self.at.slug));
        let name = text::plain(row.cell(self.at.name));
        let asked = if slug.is_empty() { name } else { slug };
        // As other shops make addresses: apostrophes vanish.
        let asked: String = asked
            .chars()
            .filter(|c| !matches!(c, '\'' | '’' | '‘'))
            .collect();
        handle_from(&asked, "product")
    }

    fn orphan(&mut self, row: &Row) -> Vec<Parsed> {
        if !self.first_reading {
            return Vec::new();
        }
        let parent = row.cell(self.at.parent);
        let reason = if parent.is_empty() {
            "is empty; a variation names its product by SKU or as id:123".to_owned()
        } else {
            format!("`{parent}` is no product of this file; export its product together with it")
        };
        vec![Parsed::refused(self.refuse(row, self.at.parent, reason))]
    }
}

impl Layout for WooCommerce {
    fn name(&self) -> &'static str {
        "woocommerce"
    }

    fn wants_index(&self) -> bool {
        true
    }

    fn index(&mut self, row: &Row) {
        let bytes = row.size() as u64;
        if self.index.rows.len() >= MAX_ROWS {
            self.index.overfull = true;
            return;
        }
        if self.is_variation(row) {
            let parent = text::plain(row.cell(self.at.parent));
            let place = u32::try_from(self.index.parents.len()).unwrap_or(NOWHERE);
            self.index.parents.push((parent_key(&parent), bytes));
            self.index.rows.push((place, true));
            return;
        }
        let place = u32::try_from(self.index.groups.len()).unwrap_or(NOWHERE);
        let copy = self.free_copy(row);
        self.index.groups.push(Group {
            rows: 1,
            bytes,
            copy,
            state: State::Waiting,
        });
        self.index.rows.push((place, false));
        let id = row.cell(self.at.id);
        if !id.is_empty() {
            self.index
                .by_id
                .entry(parent_key(&format!("id:{id}")))
                .or_insert(place);
        }
        let sku = text::plain(row.cell(self.at.sku));
        if !sku.is_empty() {
            self.index.by_sku.entry(parent_key(&sku)).or_insert(place);
        }
    }

    fn indexed(&mut self) {
        let index = &mut self.index;
        for (place, is_variation) in &mut index.rows {
            if !std::mem::take(is_variation) {
                continue;
            }
            let Some((key, bytes)) = index.parents.get(*place as usize) else {
                *place = NOWHERE;
                continue;
            };
            let found = index.by_id.get(key).or_else(|| index.by_sku.get(key));
            *place = found.copied().unwrap_or(NOWHERE);
            if let Some(group) = index.groups.get_mut(*place as usize) {
                group.rows += 1;
                group.bytes += bytes;
            }
        }
        index.parents = Vec::new();
        index.by_id = HashMap::new();
        index.by_sku = HashMap::new();
    }

    fn push(&mut self, row: Row) -> Vec<Parsed> {
        let next = self.next;
        self.next += 1;
        if self.first_reading {
            self.unread.note(&row);
        }
        let place = self
            .index
            .rows
            .get(next)
            .map_or(NOWHERE, |(place, _)| *place);
        let Some(group) = self.index.groups.get_mut(place as usize) else {
            if self.index.overfull && self.first_reading && self.next > MAX_ROWS {
                let reason = format!("The file has more than {MAX_ROWS} rows; split it.");
                return vec![Parsed::refused(Refusal::line(row.line, reason))];
            }
            return self.orphan(&row);
        };
        match group.state {
            State::Done => return Vec::new(),
            State::Later => return Vec::new(),
            State::Waiting if group.rows > MAX_FAMILY_ROWS || group.bytes > MAX_FAMILY_BYTES => {
                group.state = State::Done;
                let reason = format!(
                    "The product has more than {MAX_FAMILY_ROWS} rows or {MAX_FAMILY_BYTES} bytes."
                );
                return vec![Parsed::refused(Refusal::line(row.line, reason))];
            }
            State::Waiting if self.open.is_empty() || self.waiting + group.bytes <= MAX_WAITING => {
                group.state = State::Open;
                self.waiting += group.bytes;
                self.open.insert(place, Vec::new());
            }
            State::Waiting => {
                group.state = State::Later;
                self.again = true;
                return Vec::new();
            }
            State::Open => {}
        }
        let whole = group.rows as usize;
        let Some(rows) = self.open.get_mut(&place) else {
            return Vec::new();
        };
        rows.push(row);
        if rows.len() < whole {
            return Vec::new();
        }
        self.close(place).into_iter().collect()
    }

    fn finish(&mut self) -> Vec<Parsed> {
        let mut last = Vec::new();
        if self.again {
            for group in &mut self.index.groups {
                if group.state == State::Later {
                    group.state = State::Waiting;
                }
            }
        } else {
            // Whole they are not only if the file changed while it was read.
            let open: Vec<u32> = self.open.keys().copied().collect();
            last.extend(open.into_iter().filter_map(|place| self.close(place)));
            last.extend(self.unread.warning());
        }
        self.next = 0;
        self.first_reading = false;
        last
    }

    fn again(&mut self) -> bool {
        std::mem::take(&mut self.again)
    }
}

/// `id:44` or a SKU, in little memory. SKUs are told apart by case in few shops and confused by
/// it in many; WooCommerce's own database does not tell them apart.
fn parent_key(name: &str) -> u64 {
    let name = name.trim().to_lowercase();
    fingerprint(&name.replace("id: ", "id:"))
}

/// Enough of a text to know it again.
fn fingerprint(text: &str) -> u64 {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(text);
    digest
        .iter()
        .take(8)
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// The handle of the product that has `copy` of the same name before it.
fn numbered(handle: &str, copy: u32) -> String {
    if copy == 0 {
        return handle.to_owned();
    }
    let suffix = format!("-{copy}");
    let room = techcommerce_kernel::Handle::MAX_LEN - suffix.len();
    // A handle is ASCII.
    format!("{}{suffix}", handle.get(..room).unwrap_or(handle))
}
