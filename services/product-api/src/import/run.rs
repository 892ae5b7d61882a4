//! One import from its first byte to its report.

use std::io::Read;

use techcommerce_contracts::{codes, product_api::ImportReport};
use techcommerce_kernel::{Currency, Env, Error};
use techcommerce_store::Db;
use tokio::sync::mpsc;

use super::{
    apply::{self, Applied},
    columns::Columns,
    layout::{Context, Layout, Parsed, detect},
    records::{Next, Records},
    report::Refusal,
};
use crate::model::Notifier;

/// How many products, or rows if they come first, are written in one transaction.
const BATCH_PRODUCTS: usize = 50;
const BATCH_ROWS: u64 = 2_000;
/// How many rows a report names.
const MAX_REPORTED: usize = 1_000;

/// What is imported, and how.
#[derive(Debug, Clone)]
pub struct Import {
    /// Only say what would happen.
    pub dry_run: bool,
    /// Who imports, as `account:0193…`.
    pub actor: String,
    /// The currency of the prices.
    pub currency: Currency,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file that were read.
    pub bytes: u64,
    /// Records that were read, without the header.
    pub rows: u64,
    /// Products that were dealt with.
    pub products: u64,
}

/// What the reading thread says.
enum Message {
    Format(&'static str),
    Batch(Batch),
    Failed(Error),
}

#[derive(Default)]
struct Batch {
    products: Vec<Parsed>,
    rows: u64,
    bytes: u64,
}

/// Imports a catalogue file; `progress` is told after each batch.
///
/// # Errors
/// 400 `import_format` if the file is of no known kind. Errors of the database end the import;
/// what was written before stays, and the same file again goes on where it stopped.
pub async fn run(
    db: &Db,
    env: &Env,
    notifier: Option<&Notifier>,
    import: Import,
    source: impl Read + Send + 'static,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<ImportReport, Error> {
    let context = Context {
        currency: import.currency,
    };
    let (sender, mut receiver) = mpsc::channel(2);
    let reading = tokio::task::spawn_blocking(move || read(source, context, &sender));
    let mut report = ImportReport {
        dry_run: import.dry_run,
        ..ImportReport::default()
    };
    let mut far = Progress {
        bytes: 0,
        rows: 0,
        products: 0,
    };
    let mut position = None;
    while let Some(message) = receiver.recv().await {
        let batch = match message {
            Message::Format(name) => {
                name.clone_into(&mut report.format);
                continue;
            }
            Message::Failed(error) => return Err(error),
            Message::Batch(batch) => batch,
        };
        far.rows += batch.rows;
        far.bytes = batch.bytes;
        far.products += batch
            .products
            .iter()
            .filter(|p| p.product.is_some())
            .count() as u64;
        let applied = apply::batch(db, env, &import, &batch.products).await?;
        position = applied.position.or(position);
        add(&mut report, &batch, applied);
        if let Some(notifier) = notifier {
            notifier.changed(position);
        }
        progress(far);
    }
    reading.await.map_err(Error::internal)?;
    report.rows = far.rows;
    if let Some(notifier) = notifier {
        notifier.caught_up(position).await;
    }
    Ok(report)
}

fn add(report: &mut ImportReport, batch: &Batch, applied: Applied) {
    report.created += applied.created;
    report.updated += applied.updated;
    report.unchanged += applied.unchanged;
    let refusals = batch.products.iter().flat_map(|parsed| &parsed.refusals);
    for refusal in refusals.chain(&applied.refusals) {
        report.refused += 1;
        if report.errors.len() < MAX_REPORTED {
            report.errors.push(refusal.into());
        }
    }
    for warning in batch.products.iter().flat_map(|parsed| &parsed.warnings) {
        if report.warnings.len() < MAX_REPORTED {
            report.warnings.push(warning.into());
        }
    }
}

/// Reads the file on a thread that may block, and stops when nobody listens any more.
fn read(source: impl Read, context: Context, to: &mpsc::Sender<Message>) {
    let mut records = match Records::open(source) {
        Ok(records) => records,
        Err(refusal) => {
            let _ = to.blocking_send(Message::Failed(unknown(refusal.reason)));
            return;
        }
    };
    let Some(mut layout) = detect(&Columns::new(records.header()), context) else {
        let message = "The header is of no known kind. A Shopify product export has the columns \
             Handle, Title and Variant Price.";
        let _ = to.blocking_send(Message::Failed(unknown(message.to_owned())));
        return;
    };
    if to.blocking_send(Message::Format(layout.name())).is_err() {
        return;
    }
    let mut batch = Batch::default();
    let mut open = true;
    while open {
        open = step(&mut records, layout.as_mut(), &mut batch);
        if !open {
            batch.products.extend(layout.finish());
        }
        batch.bytes = records.bytes();
        let full = batch.products.len() >= BATCH_PRODUCTS || batch.rows >= BATCH_ROWS;
        if (full || !open)
            && to
                .blocking_send(Message::Batch(std::mem::take(&mut batch)))
                .is_err()
        {
            return;
        }
    }
}

/// Takes one record; `false` at the end.
fn step<R: Read>(records: &mut Records<R>, layout: &mut dyn Layout, batch: &mut Batch) -> bool {
    match records.next_row() {
        Next::End => return false,
        Next::Broken(refusal) => {
            batch.products.push(Parsed::refused(refusal));
            return false;
        }
        Next::Refused(refusal) => batch.products.push(Parsed::refused(refusal)),
        Next::Row(row) => batch.products.extend(layout.push(row)),
    }
    batch.rows += 1;
    true
}

fn unknown(reason: String) -> Error {
    Error::invalid(codes::IMPORT_FORMAT, reason)
}

impl From<&Refusal> for techcommerce_contracts::product_api::ImportError {
    fn from(refusal: &Refusal) -> Self {
        Self {
            line: refusal.line,
            column: refusal.column.clone().unwrap_or_default(),
            reason: refusal.reason.clone(),
            mend: String::new(),
        }
    }
}
