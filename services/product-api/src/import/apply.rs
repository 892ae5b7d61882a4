//! Writing a batch of products.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use techcommerce_kernel::{Env, Error, Kind, Uuid};
use techcommerce_store::{Conn, Db, StoreError, dialect::in_list, transact, with};

use super::{
    layout::Parsed,
    merge::{filed, is_so, merged},
    report::Refusal,
    run::Import,
};
use crate::{
    catalogue::{
        draft::ProductDraft,
        read,
        rows::Record,
        write::{Writer, lock_product},
    },
    changes::{self, Change},
    stock::Reason,
};

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Applied {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub refusals: Vec<Refusal>,
    pub position: Option<i64>,
}

/// Writes all products in one transaction; if one of them cannot be written, each in its own.
pub(super) async fn batch(
    db: &Db,
    env: &Env,
    import: &Import,
    products: &[Parsed],
) -> Result<Applied, Error> {
    let whole: Vec<&Parsed> = products.iter().filter(|p| p.product.is_some()).collect();
    if whole.is_empty() {
        return Ok(Applied::default());
    }
    match together(db, env, import, &whole).await {
        Err(error) if is_about_one(&error) => {}
        outcome => return outcome,
    }
    let mut all = Applied::default();
    for parsed in whole {
        match together(db, env, import, &[parsed]).await {
            Ok(one) => {
                all.created += one.created;
                all.updated += one.updated;
                all.unchanged += one.unchanged;
                all.position = one.position.or(all.position);
            }
            Err(error) if is_about_one(&error) => {
                all.refusals
                    .push(Refusal::line(parsed.line, error.message().to_owned()));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

fn is_about_one(error: &Error) -> bool {
    matches!(
        error.kind(),
        Kind::Invalid | Kind::Conflict | Kind::NotFound
    )
}

async fn together(
    db: &Db,
    env: &Env,
    import: &Import,
    products: &[&Parsed],
) -> Result<Applied, Error> {
    if import.dry_run {
        let mut conn = db.read().await?;
        return write(&mut conn, env, import, products).await;
    }
    transact!(db, |tx| -> Result<Applied, Error> {
        write(tx, env, import, products).await
    })
}

async fn write(
    tx: &mut Conn,
    env: &Env,
    import: &Import,
    products: &[&Parsed],
) -> Result<Applied, Error> {
    let mut applied = Applied::default();
    let mut work = Work {
        writer: Writer::new(env, import.currency, &import.actor, Reason::Import),
        changed: BTreeSet::new(),
        stock: BTreeMap::new(),
    };
    let categories = read::categories(tx).await?;
    let drafts = products.iter().filter_map(|parsed| parsed.product.as_ref());
    let handles: Vec<&str> = drafts.map(|draft| draft.handle.as_str()).collect();
    let known = by_handle(tx, &handles).await?;
    // By id, so that two that import at once do not wait for each other in a circle.
    let mut changes: BTreeMap<Uuid, (ProductDraft, String, bool)> = BTreeMap::new();
    for parsed in products {
        let Some(draft) = &parsed.product else {
            continue;
        };
        let hash = draft.content_hash();
        let draft = filed(draft, &categories);
        match known.get(&draft.handle) {
            None => {
                applied.created += 1;
                if !import.dry_run {
                    work.create(tx, &draft, &hash).await?;
                }
            }
            Some(record) if record.row.source_hash.as_deref() == Some(&hash) => {
                applied.unchanged += 1;
            }
            Some(record) if is_so(record, &merged(record, &draft, parsed.whole)?)? => {
                applied.unchanged += 1;
            }
            Some(record) => {
                applied.updated += 1;
                changes.insert(record.row.id, (draft, hash, parsed.whole));
            }
        }
    }
    if import.dry_run {
        return Ok(applied);
    }
    for (id, (draft, hash, whole)) in &changes {
        work.update(tx, *id, draft, hash, *whole).await?;
    }
    work.writer.set_stock(tx, &work.stock).await?;
    applied.position = changes::record(tx, env.now(), &work.changed).await?;
    Ok(applied)
}

/// What one transaction writes, and notes on the way.
struct Work<'a> {
    writer: Writer<'a>,
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
        writer.create(tx, draft, &mut self.changed).await?;
        Ok(())
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
        Ok(())
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
