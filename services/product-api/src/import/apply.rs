//! Writing a batch of products.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use techcommerce_contracts::{
    codes,
    product_api::{ImportChange, ImportOutcome},
};
use techcommerce_kernel::{Env, Error, Kind, Uuid};
use techcommerce_store::{Conn, Db, StoreError, dialect::in_list, transact, with};

use super::{
    layout::Parsed,
    merge::{filed, is_so, merged},
    report::Refusal,
    run::Import,
    runs::{Run, Step},
};
use crate::{
    catalogue::{
        draft::ProductDraft,
        read,
        rows::Record,
        write::{Writer, lock_product},
    },
    changes::{self, Change},
    pictures,
    stock::Reason,
};

/// Products in the order of the file, and how far the file was read then.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub parsed: Vec<Parsed>,
    /// Rows from the beginning.
    pub rows: u64,
    pub percent: u32,
}

/// Writes all products in one transaction, and how far the run came with them; if one of them
/// cannot be written, each in its own. Gives the position in the change feed.
///
/// # Errors
/// `import_taken_over`; those of the database.
pub(super) async fn batch(
    db: &Db,
    env: &Env,
    import: &Import,
    run: &mut Run,
    batch: &Batch,
) -> Result<Option<i64>, Error> {
    let all: Vec<&Parsed> = batch.parsed.iter().collect();
    let here = (batch.rows, batch.percent);
    match together(db, env, import, run, &all, here).await {
        Err(error) if is_about_one(&error) => {}
        outcome => return outcome,
    }
    let mut position = None;
    // How far the file was read counts when all of the batch is done.
    let before = (run.counts.rows, run.counts.percent);
    for (place, parsed) in all.iter().enumerate() {
        let here = if place + 1 == all.len() { here } else { before };
        match together(db, env, import, run, &[parsed], here).await {
            Ok(at) => position = at.or(position),
            Err(error) if is_about_one(&error) => {
                let mut step = step_of(&[parsed], here);
                let reason = error.message().to_owned();
                step.refusals.push(Refusal::line(parsed.line, reason));
                let next = transact!(db, |tx| -> Result<Run, Error> {
                    run.record(tx, env, &step).await
                })?;
                *run = next;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(position)
}

fn is_about_one(error: &Error) -> bool {
    let kind = matches!(
        error.kind(),
        Kind::Invalid | Kind::Conflict | Kind::NotFound
    );
    kind && error.code() != codes::IMPORT_TAKEN_OVER
}

/// What is to be told of products, before anything is written.
fn step_of(products: &[&Parsed], (rows, percent): (u64, u32)) -> Step {
    let refusals = products.iter().flat_map(|parsed| &parsed.refusals);
    let warnings = products.iter().flat_map(|parsed| &parsed.warnings);
    Step {
        items: products.len() as u64,
        rows,
        percent,
        refusals: refusals.cloned().collect(),
        warnings: warnings.cloned().collect(),
        ..Step::default()
    }
}

async fn together(
    db: &Db,
    env: &Env,
    import: &Import,
    run: &mut Run,
    products: &[&Parsed],
    here: (u64, u32),
) -> Result<Option<i64>, Error> {
    let looked = if import.dry_run {
        let mut conn = db.read().await?;
        Some(write(&mut conn, env, import, run, products).await?.step)
    } else {
        None
    };
    let (next, position) = transact!(db, |tx| -> Result<(Run, Option<i64>), Error> {
        let mut step = step_of(products, here);
        let written = match &looked {
            Some(looked) => Written {
                step: looked.clone(),
                ..Written::default()
            },
            None => write(tx, env, import, run, products).await?,
        };
        step.unchanged = written.step.unchanged;
        step.changes = written.step.changes;
        let next = run.record(tx, env, &step).await?;
        // Last of all, so that its lock is short.
        let position = changes::record(tx, env.now(), &written.changed).await?;
        Ok((next, position))
    })?;
    *run = next;
    Ok(position)
}

/// What was written, or would have been.
#[derive(Debug, Default)]
struct Written {
    step: Step,
    changed: BTreeSet<Change>,
}

async fn write(
    tx: &mut Conn,
    env: &Env,
    import: &Import,
    run: &Run,
    products: &[&Parsed],
) -> Result<Written, Error> {
    let mut written = Written::default();
    let mut work = Work {
        writer: Writer::new(env, import.currency, &import.actor, Reason::Import),
        run: run.id,
        changed: BTreeSet::new(),
        stock: BTreeMap::new(),
    };
    let drafts = products.iter().filter_map(|parsed| parsed.product.as_ref());
    let handles: Vec<&str> = drafts.map(|draft| draft.handle.as_str()).collect();
    if handles.is_empty() {
        return Ok(written);
    }
    let categories = read::categories(tx).await?;
    let known = by_handle(tx, &handles).await?;
    // By id, so that two that import at once do not wait for each other in a circle.
    let mut changes: BTreeMap<Uuid, (ProductDraft, String, bool)> = BTreeMap::new();
    let mut asked_again: BTreeMap<Uuid, ProductDraft> = BTreeMap::new();
    for parsed in products {
        let Some(draft) = &parsed.product else {
            continue;
        };
        let hash = draft.content_hash();
        let draft = filed(draft, &categories);
        let change = |outcome| ImportChange {
            line: parsed.line,
            outcome,
            handle: draft.handle.clone(),
            title: draft.title.clone(),
        };
        let Some(record) = known.get(&draft.handle) else {
            written.step.changes.push(change(ImportOutcome::Created));
            if !import.dry_run {
                work.create(tx, &draft, &hash).await?;
            }
            continue;
        };
        let same = record.row.source_hash.as_deref() == Some(&hash);
        let merged = merged(record, &draft, parsed.whole)?;
        if same || is_so(record, &merged)? {
            written.step.unchanged += 1;
            if lacks_pictures(record) {
                asked_again.insert(record.row.id, merged);
            }
            continue;
        }
        written.step.changes.push(change(ImportOutcome::Updated));
        changes.insert(record.row.id, (draft, hash, parsed.whole));
    }
    if import.dry_run {
        return Ok(written);
    }
    for (id, (draft, hash, whole)) in &changes {
        work.update(tx, *id, draft, hash, *whole).await?;
    }
    for (id, draft) in &asked_again {
        // Pictures that were given up are tried once more.
        pictures::want_failed(tx, env, work.run, *id, draft).await?;
    }
    work.writer.set_stock(tx, &work.stock).await?;
    written.changed = work.changed;
    Ok(written)
}

fn lacks_pictures(record: &Record) -> bool {
    let images = &mut record.images.iter();
    images.any(|image| image.image_id.is_none() && image.source_url.is_some())
}

/// What one transaction writes, and notes on the way.
struct Work<'a> {
    writer: Writer<'a>,
    run: Uuid,
    changed: BTreeSet<Change>,
    stock: BTreeMap<Uuid, i64>,
}

impl Work<'_> {
    async fn create(
        &mut self,
        tx: &mut Conn,
        draft: &ProductDraft,
        hash: &str,
    ) -> Result<(), Error> {
        let writer = Writer {
            source_hash: Some(hash),
            ..self.writer
        };
        let id = writer.create(tx, draft, &mut self.changed).await?;
        pictures::want(tx, self.writer.env, self.run, id, draft).await
    }

    async fn update(
        &mut self,
        tx: &mut Conn,
        id: Uuid,
        draft: &ProductDraft,
        hash: &str,
        whole: bool,
    ) -> Result<(), Error> {
        lock_product(tx, id).await?;
        // Somebody may have changed it until we had the lock.
        let record = read::product(tx, id).await?;
        let draft = merged(&record, draft, whole)?;
        let writer = Writer {
            source_hash: Some(hash),
            ..self.writer
        };
        let stock = writer
            .update(tx, &record, &draft, &mut self.changed)
            .await?;
        self.stock.extend(stock);
        pictures::want(tx, self.writer.env, self.run, id, &draft).await
    }
}

async fn by_handle(tx: &mut Conn, handles: &[&str]) -> Result<HashMap<String, Record>, StoreError> {
    let mut ids: Vec<Uuid> = Vec::with_capacity(handles.len());
    for chunk in handles.chunks(500) {
        let sql = format!(
            "SELECT id FROM products WHERE handle IN {}",
            in_list(1, chunk.len())
        );
        let found: Vec<Uuid> = with!(tx, |c| {
            let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql.as_str()));
            for handle in chunk {
                query = query.bind(*handle);
            }
            query.fetch_all(c).await
        })?;
        ids.extend(found);
    }
    ids.sort_unstable();
    let records = read::products(tx, &ids).await?;
    Ok(records
        .into_iter()
        .map(|record| (record.row.handle.clone(), record))
        .collect())
}
