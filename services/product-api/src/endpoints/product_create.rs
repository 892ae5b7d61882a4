//! `POST /products`: adds a product. For staff.
//!
//! Errors: 400 `invalid_input` with each place, 401 `unauthenticated`, 403 `forbidden`, 409
//! `handle_taken`.

use std::collections::BTreeSet;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use techcommerce_audit::Entry;
use techcommerce_contracts::{
    Problem, codes,
    product_api::{Product, ProductInput},
};
use techcommerce_http::{ApiResult, Json, Staff};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::transact;

use super::{App, known_category};
use crate::{
    catalogue::{input, read, trail, write::Writer},
    changes,
    stock::Reason,
};

/// How many handles are tried when the one that the title suggests is taken.
const TRIES: u32 = 50;

/// Adds a product.
///
/// Without a `handle` one is made from the title, with a number if it is taken.
#[utoipa::path(
    post, path = "/products", tag = "products", operation_id = "create_product",
    request_body = ProductInput,
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 201, description = "The product.", body = Product,
            headers(("location" = String, description = "Its address."))),
        (status = 400, description = "`invalid_json`, `invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`handle_taken`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    State(app): State<App>,
    Staff(principal): Staff,
    Json(input): Json<ProductInput>,
) -> ApiResult<Response> {
    let own_handle = input.handle.is_some();
    let mut draft = input::create(input, app.settings.currency)?;
    let suggested = draft.handle.clone();
    let actor = principal.actor();
    let writer = Writer::new(&app.env, app.settings.currency, &actor, Reason::Set);
    let mut number = 1;
    let (id, position) = loop {
        let created = transact!(app.db, |tx| -> Result<(Uuid, Option<i64>), Error> {
            known_category(tx, draft.category.as_ref()).await?;
            let mut changed = BTreeSet::new();
            let id = writer.create(tx, &draft, &mut changed).await?;
            let entry = Entry::new(&principal, "product.create")
                .object("product", id, &draft.title)
                .change(&trail::summary(&draft));
            techcommerce_audit::record(tx, &app.env, entry).await?;
            Ok((id, changes::record(tx, app.env.now(), &changed).await?))
        });
        match created {
            Err(error) if error.code() == codes::HANDLE_TAKEN && !own_handle && number < TRIES => {
                number += 1;
                match input::numbered(&suggested, number) {
                    Some(handle) => handle.as_str().clone_into(&mut draft.handle),
                    None => return Err(error.into()),
                }
            }
            created => break created?,
        }
    };
    app.notifier.caught_up(position).await;
    let mut conn = app.db.read().await?;
    let product = read::product(&mut conn, id).await?.product()?;
    let location = [(header::LOCATION, format!("/api/products/{id}"))];
    Ok((StatusCode::CREATED, location, Json(product)).into_response())
}
