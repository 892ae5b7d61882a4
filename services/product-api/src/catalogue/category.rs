//! Categories: what staff write of them, and writing it.

use std::collections::BTreeSet;

use techcommerce_contracts::{
    codes,
    product_api::{CategoryInput, CategoryPatch},
};
use techcommerce_kernel::{Env, Error, Uuid};
use techcommerce_store::{Conn, StoreError, execute, with};

use super::{
    input::Texts,
    limits,
    read::{self, CategoryRow},
    text,
};
use crate::changes::Change;

/// Characters of a category's description.
const DESCRIPTION: usize = 2_000;

/// How many products are taken out of a category in one transaction.
const BATCH: usize = 500;

/// Adds a category at its place.
///
/// # Errors
/// `invalid_input` with each place; `handle_taken`.
pub async fn create(
    tx: &mut Conn,
    env: &Env,
    input: &CategoryInput,
    changes: &mut BTreeSet<Change>,
) -> Result<CategoryRow, Error> {
    let mut texts = Texts::default();
    let title = texts.line("title", &input.title, limits::NAME, true);
    let description = description(&mut texts, &input.description);
    let place = position(&mut texts, input.position);
    texts.check()?;
    let handle = match &input.handle {
        Some(handle) => handle.as_str().to_owned(),
        None => text::handle_from(&title, "category"),
    };
    lock_all(tx).await?;
    let mut all = read::categories(tx).await?;
    let last = all.last().map_or(0, |category| category.position);
    let row = CategoryRow {
        id: env.new_id(),
        handle,
        title,
        description,
        position: last + 1,
    };
    let inserted = execute!(
        tx,
        sqlx::query(
            "INSERT INTO categories
             (id, handle, title, description, position, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $6)"
        )
        .bind(row.id)
        .bind(row.handle.as_str())
        .bind(row.title.as_str())
        .bind(row.description.as_str())
        .bind(row.position)
        .bind(env.now().as_micros())
    );
    inserted.map_err(refused)?;
    changes.insert(Change::category(row.id));
    let id = row.id;
    all.push(row);
    arrange(tx, env, all, id, place, changes).await
}

/// Changes a category; what is not given stays. Gives it as it was and as it is.
///
/// # Errors
/// `invalid_input` with each place; `category_not_found`; `handle_taken`.
pub async fn update(
    tx: &mut Conn,
    env: &Env,
    handle: &str,
    patch: &CategoryPatch,
    changes: &mut BTreeSet<Change>,
) -> Result<(CategoryRow, CategoryRow), Error> {
    let mut texts = Texts::default();
    let given = patch.title.as_deref();
    let title = given.map(|title| texts.line("title", title, limits::NAME, true));
    let given = patch.description.as_deref();
    let description = given.map(|text| description(&mut texts, text));
    let place = position(&mut texts, patch.position);
    texts.check()?;
    lock_all(tx).await?;
    let mut all = read::categories(tx).await?;
    let row = all
        .iter_mut()
        .find(|row| row.handle == handle)
        .ok_or_else(not_found)?;
    let before = row.clone();
    row.title = title.unwrap_or_else(|| before.title.clone());
    row.description = description.unwrap_or_else(|| before.description.clone());
    if let Some(handle) = &patch.handle {
        handle.as_str().clone_into(&mut row.handle);
    }
    if *row != before {
        let updated = execute!(
            tx,
            sqlx::query(
                "UPDATE categories SET handle = $1, title = $2, description = $3, updated_at = $4
                 WHERE id = $5"
            )
            .bind(row.handle.as_str())
            .bind(row.title.as_str())
            .bind(row.description.as_str())
            .bind(env.now().as_micros())
            .bind(row.id)
        );
        updated.map_err(refused)?;
        changes.insert(Change::category(row.id));
    }
    let after = arrange(tx, env, all, before.id, place, changes).await?;
    Ok((before, after))
}

/// Takes some products out of a category and, when none is left in it, deletes it. Gives the
/// category when it is gone; until then call it again, each time in a transaction of its own.
///
/// # Errors
/// `category_not_found`.
pub async fn delete(
    tx: &mut Conn,
    env: &Env,
    id: Uuid,
    changes: &mut BTreeSet<Change>,
) -> Result<Option<CategoryRow>, Error> {
    // Products first, as whoever files a product takes them.
    let sql = format!(
        "SELECT id FROM products WHERE category_id = $1 ORDER BY id LIMIT $2{}",
        tx.dialect().for_update()
    );
    let most = i64::try_from(BATCH).unwrap_or(i64::MAX);
    let products: Vec<Uuid> = with!(tx, |c| sqlx::query_scalar(sqlx::AssertSqlSafe(
        sql.as_str()
    ))
    .bind(id)
    .bind(most)
    .fetch_all(c)
    .await)?;
    for product in &products {
        execute!(
            tx,
            sqlx::query(
                "UPDATE products SET category_id = NULL, version = version + 1, updated_at = $1
                 WHERE id = $2"
            )
            .bind(env.now().as_micros())
            .bind(*product)
        )?;
        changes.insert(Change::product(*product));
    }
    if products.len() == BATCH {
        return Ok(None);
    }
    // Whoever files a product in it holds its key until the commit, and is waited for.
    let sql = format!(
        "SELECT id FROM categories WHERE id = $1{}",
        tx.dialect().for_update()
    );
    let locked: Option<Uuid> = with!(tx, |c| sqlx::query_scalar(sqlx::AssertSqlSafe(
        sql.as_str()
    ))
    .bind(id)
    .fetch_optional(c)
    .await)?;
    locked.ok_or_else(not_found)?;
    // Somebody may have filed a product until we had the lock.
    let left: Option<Uuid> = with!(tx, |c| sqlx::query_scalar(
        "SELECT id FROM products WHERE category_id = $1 LIMIT 1"
    )
    .bind(id)
    .fetch_optional(c)
    .await)?;
    if left.is_some() {
        return Ok(None);
    }
    let gone: Option<CategoryRow> = with!(tx, |c| {
        sqlx::query_as(
        "DELETE FROM categories WHERE id = $1 RETURNING id, handle, title, description, position"
    )
    .bind(id)
    .fetch_optional(c)
    .await
    })?;
    changes.insert(Change::category(id));
    gone.map(Some).ok_or_else(not_found)
}

/// `category_not_found`.
pub fn not_found() -> Error {
    Error::not_found(codes::CATEGORY_NOT_FOUND, "There is no such category.")
}

/// How many products each category holds, whoever sees them.
pub async fn counts(conn: &mut Conn) -> Result<Vec<(Uuid, i64)>, StoreError> {
    with!(conn, |c| sqlx::query_as(
        "SELECT category_id, COUNT(*) FROM products WHERE category_id IS NOT NULL
         GROUP BY category_id"
    )
    .fetch_all(c)
    .await)
}

/// Nobody else arranges categories until the commit.
async fn lock_all(tx: &mut Conn) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT id FROM categories ORDER BY id{}",
        tx.dialect().for_update()
    );
    let _: Vec<Uuid> = with!(tx, |c| sqlx::query_scalar(sqlx::AssertSqlSafe(
        sql.as_str()
    ))
    .fetch_all(c)
    .await)?;
    Ok(())
}

/// Puts one category at its place, from 1, and lets the others make room.
async fn arrange(
    tx: &mut Conn,
    env: &Env,
    mut all: Vec<CategoryRow>,
    id: Uuid,
    place: Option<usize>,
    changes: &mut BTreeSet<Change>,
) -> Result<CategoryRow, Error> {
    let at = all
        .iter()
        .position(|row| row.id == id)
        .ok_or_else(not_found)?;
    let Some(place) = place else {
        return Ok(all.swap_remove(at));
    };
    let row = all.remove(at);
    let place = place.saturating_sub(1).min(all.len());
    all.insert(place, row);
    for (position, row) in (1_i64..).zip(&mut all) {
        if row.position == position {
            continue;
        }
        row.position = position;
        execute!(
            tx,
            sqlx::query("UPDATE categories SET position = $1, updated_at = $2 WHERE id = $3")
                .bind(position)
                .bind(env.now().as_micros())
                .bind(row.id)
        )?;
        changes.insert(Change::category(row.id));
    }
    Ok(all.swap_remove(place))
}

/// Plain text of a line or some.
fn description(texts: &mut Texts, text: &str) -> String {
    let lines: Vec<&str> = text.split_whitespace().collect();
    texts.line("description", &lines.join(" "), DESCRIPTION, false)
}

fn position(texts: &mut Texts, position: Option<i64>) -> Option<usize> {
    let position = position?;
    match usize::try_from(position) {
        Ok(place) if place > 0 => Some(place),
        _ => {
            texts.say("position", "counts from 1");
            None
        }
    }
}

fn refused(error: StoreError) -> Error {
    if error.is_unique_violation() {
        return Error::conflict(codes::HANDLE_TAKEN, "Another category has this handle.")
            .field("handle", "is taken; choose another");
    }
    error.into()
}
