//! `POST /products`: adds a product. For staff.
//!
//! Errors: 400 `invalid_input` with each place, 401 `unauthenticated`, 403 `forbidden`, 409
//! `handle_taken`.

use std::collections::BTreeSet;

use axum::extract::State;
use http::{StatusCode, header};
use techcommerce_audit::Entry;
use techcommerce_contracts::{
    Problem, codes,
    product_api::{Product, ProductInput},
};
use techcommerce_http::{ApiResult, Staff};
use techcommerce_kernel::Error;
use techcommerce_once::{Answer, Keyed};
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
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters. The same request under the same key within a day is done once and has the same answer; another request under it is refused."),
    ),
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
        (status = 422, description = "`idempotency_key_reused`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    State(app): State<App>,
    Staff(principal): Staff,
    Keyed { once, input }: Keyed<ProductInput>,
) -> ApiResult<Answer> {
    let own_handle = input.handle.is_some();
    let mut draft = input::create(input, app.settings.currency)?;
    let suggested = draft.handle.clone();
    let actor = principal.actor();
    let writer = Writer::new(&app.env, app.settings.currency, &actor, Reason::Set);
    let mut number = 1;
    type Done = (Answer, Option<i64>);
    let (answer, position) = loop {
        let created = transact!(app.db, |tx| -> Result<Done, Error> {
            if let Some(answer) = once.begin(tx, &app.env).await? {
                return Ok((answer, None));
            }
            known_category(tx, draft.category.as_ref()).await?;
            let mut changed = BTreeSet::new();
            let id = writer.create(tx, &draft, &mut changed).await?;
            let entry = Entry::new(&principal, "product.create")
                .object("product", id, &draft.title)
                .change(&trail::summary(&draft));
            techcommerce_audit::record(tx, &app.env, entry).await?;
            let position = changes::record(tx, app.env.now(), &changed).await?;
            let product = read::product(tx, id).await?.product()?;
            let answer = Answer::json(StatusCode::CREATED, &product)?
                .header(header::LOCATION, &format!("/api/products/{id}"))?;
            Ok((once.keep(tx, answer).await?, position))
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
    Ok(answer)
}
