//! `POST /categories`, `PATCH`/`DELETE /categories/{handle}`: what staff do with categories.
//!
//! Errors: 400 `invalid_input` with each place, 401 `unauthenticated`, 403 `forbidden`, 404
//! `category_not_found`, 409 `handle_taken`.

use std::collections::BTreeSet;

use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use techcommerce_audit::Entry;
use techcommerce_contracts::{
    Principal, Problem,
    product_api::{Category, CategoryInput, CategoryPatch},
};
use techcommerce_http::{ApiResult, Json, Path, Staff};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_once::{Answer, Keyed};
use techcommerce_store::{Conn, transact};

use super::{App, category_list::as_staff_see};
use crate::{
    catalogue::{
        category,
        read::{self, CategoryRow},
        rows::parsed,
    },
    changes,
};

/// Adds a category.
///
/// Without a `handle` one is made from the title. With a `position` those behind it make room.
#[utoipa::path(
    post, path = "/categories", tag = "products", operation_id = "create_category",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters. The same request under the same key within a day is done once and has the same answer; another request under it is refused."),
    ),
    request_body = CategoryInput,
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 201, description = "The category.", body = Category),
        (status = 400, description = "`invalid_json`, `invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`handle_taken`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency_key_reused`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    State(app): State<App>,
    Staff(principal): Staff,
    Keyed { once, input }: Keyed<CategoryInput>,
) -> ApiResult<Answer> {
    type Done = (Answer, Option<i64>);
    let (answer, position) = transact!(app.db, |tx| -> Result<Done, Error> {
        if let Some(answer) = once.begin(tx, &app.env).await? {
            return Ok((answer, None));
        }
        let mut changed = BTreeSet::new();
        let row = category::create(tx, &app.env, &input, &mut changed).await?;
        let what = json!({ "handle": row.handle, "position": row.position });
        let entry = Entry::new(&principal, "category.create").change(&what);
        log(tx, &app, entry, &row).await?;
        let answer = Answer::json(StatusCode::CREATED, &new(row)?)?;
        let answer = once.keep(tx, answer).await?;
        Ok((answer, changes::record(tx, app.env.now(), &changed).await?))
    })?;
    app.notifier.caught_up(position).await;
    Ok(answer)
}

/// Changes a category: what is not given stays.
///
/// With another `handle` its old address leads nowhere. With a `position` the others make room.
#[utoipa::path(
    patch, path = "/categories/{handle}", tag = "products", operation_id = "update_category",
    params(("handle" = String, Path, description = "The category's handle.")),
    request_body = CategoryPatch,
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The category as it is now.", body = Category),
        (status = 400, description = "`invalid_json`, `invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`category_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`handle_taken`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn update(
    State(app): State<App>,
    Staff(principal): Staff,
    Path(handle): Path<String>,
    Json(patch): Json<CategoryPatch>,
) -> ApiResult<Json<Category>> {
    let (id, position) = transact!(app.db, |tx| -> Result<(Uuid, Option<i64>), Error> {
        let mut changed = BTreeSet::new();
        let (before, after) = category::update(tx, &app.env, &handle, &patch, &mut changed).await?;
        let entry = Entry::new(&principal, "category.update");
        if let Some(entry) = entry.difference(&fields(&before), &fields(&after)) {
            log(tx, &app, entry, &after).await?;
        }
        Ok((
            after.id,
            changes::record(tx, app.env.now(), &changed).await?,
        ))
    })?;
    app.notifier.caught_up(position).await;
    Ok(Json(shown(&app, id).await?))
}

/// Deletes a category. Its products stay and stand in none.
#[utoipa::path(
    delete, path = "/categories/{handle}", tag = "products", operation_id = "delete_category",
    params(("handle" = String, Path, description = "The category's handle.")),
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 204, description = "It is gone."),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`category_not_found`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn delete(
    State(app): State<App>,
    Staff(principal): Staff,
    Path(handle): Path<String>,
) -> ApiResult<StatusCode> {
    let mut conn = app.db.read().await?;
    let id = read::category(&mut conn, &handle)
        .await?
        .ok_or_else(category::not_found)?;
    drop(conn);
    let mut emptied = 0_usize;
    loop {
        // Products are taken out some at a time, so that nobody waits long for the database. If
        // that breaks off, the category has fewer products, and is deleted the next time.
        let (gone, products, position) = remove(&app, &principal, id, emptied).await?;
        emptied += products;
        if gone {
            app.notifier.caught_up(position).await;
            return Ok(StatusCode::NO_CONTENT);
        }
        app.notifier.changed(position);
    }
}

type Removed = (bool, usize, Option<i64>);

async fn remove(
    app: &App,
    principal: &Principal,
    id: Uuid,
    emptied: usize,
) -> Result<Removed, Error> {
    transact!(app.db, |tx| -> Result<Removed, Error> {
        let mut changed = BTreeSet::new();
        let gone = category::delete(tx, &app.env, id, &mut changed).await?;
        let products = changed.len() - usize::from(gone.is_some());
        if let Some(row) = &gone {
            let what = json!({
                "handle": row.handle,
                "description": row.description,
                "products_taken_out": emptied + products,
            });
            let entry = Entry::new(principal, "category.delete").change(&what);
            log(tx, app, entry, row).await?;
        }
        let position = changes::record(tx, app.env.now(), &changed).await?;
        Ok((gone.is_some(), products, position))
    })
}

/// A category that was just made: nothing stands in it.
fn new(row: CategoryRow) -> Result<Category, Error> {
    Ok(Category {
        id: row.id,
        handle: parsed(&row.handle)?,
        title: row.title,
        description: row.description,
        position: row.position,
        product_count: 0,
        total_count: Some(0),
        image: None,
    })
}

fn fields(row: &CategoryRow) -> serde_json::Value {
    json!({
        "title": row.title,
        "handle": row.handle,
        "description": row.description,
        "position": row.position,
    })
}

async fn log(tx: &mut Conn, app: &App, entry: Entry, row: &CategoryRow) -> Result<(), Error> {
    let entry = entry.object("category", row.id, &row.title);
    techcommerce_audit::record(tx, &app.env, entry).await
}

async fn shown(app: &App, id: Uuid) -> Result<Category, Error> {
    let all = as_staff_see(app).await?;
    all.into_iter()
        .find(|category| category.id == id)
        .ok_or_else(category::not_found)
}
