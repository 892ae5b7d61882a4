//! `GET /products`: lists and searches products.
//!
//! Errors: 400 `invalid_input` (also for a cursor that is none), 403 `forbidden` if somebody who
//! is not staff asks for products that are not on sale.

use axum::{
    extract::{FromRequestParts, Request, State},
    response::Response,
};
use techcommerce_contracts::{
    Page, Problem,
    product_api::{Product, ProductQuery},
};
use techcommerce_http::{ApiResult, Caller, Packed, Query, etag::IfNoneMatch};

use super::{App, cached, kept};
use crate::{catalogue::find, model};

/// Lists and searches products.
///
/// Typing errors are forgiven. The order is the same on every replica, so that cursors hold. Staff
/// may ask by `status`, also for products that are not on sale, and see them as the database has
/// them now.
#[utoipa::path(
    get, path = "/products", tag = "products", operation_id = "list_products",
    params(ProductQuery),
    security((), ("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "A page of products.", body = Page<Product>,
            headers(("etag" = String, description = "Names this content; send it as `If-None-Match`."))),
        (status = 304, description = "The copy that `If-None-Match` names is still right."),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    IfNoneMatch(known): IfNoneMatch,
    request: Request,
) -> ApiResult<Response> {
    let (mut parts, _) = request.into_parts();
    let snapshot = app.model.snapshot();
    let asked = parts.uri.query().unwrap_or_default();
    if !caller.is_staff()
        && let Some(page) = snapshot.pages.get(asked)
    {
        return Ok(kept(&known, &page.tag, &page.json, &page.packed));
    }
    let Query(query) = Query::<ProductQuery>::from_request_parts(&mut parts, &()).await?;
    if let Some(status) = query.status.filter(|_| caller.is_staff()) {
        let mut conn = app.db.read().await?;
        let page = find::page(&mut conn, &query, status).await?;
        return cached(&known, false, &page);
    }
    let listed = model::list(&snapshot, &query)?;
    let page = model::Page {
        tag: listed.tag()?,
        json: listed.json(),
        packed: Packed::default(),
    };
    snapshot
        .pages
        .keep(parts.uri.query().unwrap_or_default(), &page);
    Ok(kept(&known, &page.tag, &page.json, &page.packed))
}
