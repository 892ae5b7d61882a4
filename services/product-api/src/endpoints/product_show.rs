//! `GET /products/{id}`: one product, by its id or its handle.
//!
//! Errors: 404 `product_not_found`, also for products that are not on sale unless staff ask.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use techcommerce_contracts::{Problem, product_api::Product};
use techcommerce_http::{ApiResult, Caller, Json, Path, etag::IfNoneMatch};
use techcommerce_kernel::Uuid;

use super::{App, entity_tag, kept};
use crate::catalogue::read;

/// One product, by its id or its handle.
///
/// Staff see it as the database has it now, also when it is not on sale, with a tag for `If-Match`.
#[utoipa::path(
    get, path = "/products/{id}", tag = "products", operation_id = "get_product",
    params(("id" = String, Path, description = "The product's id or handle.")),
    security((), ("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The product.", body = Product,
            headers(("etag" = String, description = "Names this content; send it as `If-None-Match`, and staff as `If-Match`."))),
        (status = 304, description = "The copy that `If-None-Match` names is still right."),
        (status = 404, description = "`product_not_found`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    IfNoneMatch(known): IfNoneMatch,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    if !caller.is_staff() {
        let snapshot = app.model.snapshot();
        let entry = snapshot.public(&id).ok_or_else(read::not_found)?;
        return Ok(kept(&known, &entry.tag, &entry.json, &entry.packed));
    }
    let mut conn = app.db.read().await?;
    let found = match id.parse::<Uuid>() {
        Ok(id) => read::products(&mut conn, &[id]).await?.pop(),
        Err(_) => None,
    };
    let record = match found {
        Some(record) => record,
        None => {
            let id = read::id_of(&mut conn, &id)
                .await?
                .ok_or_else(read::not_found)?;
            read::product(&mut conn, id).await?
        }
    };
    let tag = entity_tag(record.row.version);
    let head = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((head, Json(record.product()?)).into_response())
}
