//! Writing a batch of products.

use std::collections::{BTreeSet, HashMap};

use techcommerce_kernel::{Env, Error, Kind, Uuid};
use techcommerce_store::{Conn, Db, StoreError, dialect::in_list, transact, with};

use super::{layout::Parsed, report::Refusal, run::Import};
use crate::{
    catalogue::{
        draft::{ProductDraft, VariantDraft},
        input::{current, options},
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
    let mut changed: BTreeSet<Change> = BTreeSet::new();
    let handles: Vec<&str> = products
        .iter()
        .filter_map(|parsed| parsed.product.as_ref())
        .map(|draft| draft.handle.as_str())
        .collect();
    let known = by_handle(tx, &handles).await?;
    for parsed in products {
        let Some(draft) = &parsed.product else {
            continue;
        };
        let hash = draft.content_hash();
        let writer = Writer {
            source_hash: Some(&hash),
            ..Writer::new(env, import.currency, &import.actor, Reason::Import)
        };
        match known.get(&draft.handle) {
            None => {
                applied.created += 1;
                if !import.dry_run {
                    writer.create(tx, draft, &mut changed).await?;
                }
            }
            Some(record) if record.row.source_hash.as_deref() == Some(&hash) => {
                applied.unchanged += 1;
            }
            Some(record) => {
                applied.updated += 1;
                if !import.dry_run {
                    lock_product(tx, record.row.id).await?;
                    // Somebody may have changed it until we had the lock.
                    let record = read::product(tx, record.row.id).await?;
                    let draft = merged(&record, draft, parsed.whole)?;
                    writer.update(tx, &record, &draft, &mut changed).await?;
                }
            }
        }
    }
    if !import.dry_run {
        applied.position = changes::record(tx, env.now(), &changed).await?;
    }
    Ok(applied)
}

/// What the file says, on the product that there is: its variants are known again by the values
/// of their options, its pictures by their addresses.
fn merged(record: &Record, draft: &ProductDraft, whole: bool) -> Result<ProductDraft, Error> {
    let mut merged = draft.clone();
    let before = current(record)?;
    let mut left: Vec<VariantDraft> = before.variants;
    for variant in &mut merged.variants {
        let place = left
            .iter()
            .position(|known| values(known) == values(variant));
        let Some(known) = place.map(|place| left.remove(place)) else {
            continue;
        };
        variant.id = known.id;
        if variant.source_on_hand == known.source_on_hand {
            // The file says what it said before. What was sold or counted since is right.
            variant.on_hand = None;
        }
    }
    if !whole {
        // A row that was refused takes nothing off sale.
        merged.variants.append(&mut left);
        merged.options = options(&merged.variants);
    }
    for image in &mut merged.images {
        let fetched = before
            .images
            .iter()
            .find(|known| known.source_url == image.source_url);
        if let Some(fetched) = fetched {
            image.image_id = fetched.image_id;
            image.size = fetched.size;
        }
    }
    Ok(merged)
}

fn values(variant: &VariantDraft) -> Vec<&str> {
    variant
        .options
        .iter()
        .map(|option| option.value.as_str())
        .collect()
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
