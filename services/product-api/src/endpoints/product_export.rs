//! `GET /products/export`: the catalogue as a file. For staff.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`.

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header;
use serde::Deserialize;
use techcommerce_contracts::{Problem, context::RequestContext};
use techcommerce_http::{ApiResult, Query, Staff, log_error};
use techcommerce_kernel::Error;
use tokio::sync::mpsc;
use utoipa::{IntoParams, ToSchema};

use super::App;
use crate::{
    Settings,
    export::{self, Format},
};

/// What the file is.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// CSV with Shopify's columns, which the import reads.
    #[default]
    Shopify,
    /// A product as JSON on each line.
    Jsonl,
}

/// How to export.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// `shopify` (CSV) or `jsonl`.
    #[serde(default)]
    #[param(inline)]
    pub format: ExportFormat,
}

/// All products, of whatever status, as a file.
///
/// Imported again, Shopify's format changes nothing. The file is written as it is sent.
#[utoipa::path(
    get, path = "/products/export", tag = "products", operation_id = "export_products",
    params(ExportQuery),
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The file.", content(
            (String = "text/csv"),
            (String = "application/jsonl"),
        )),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn export(
    State(app): State<App>,
    _: Staff,
    Query(query): Query<ExportQuery>,
) -> ApiResult<Response> {
    let (format, media_type, file) = match query.format {
        ExportFormat::Shopify => (Format::Shopify, "text/csv; charset=utf-8", "products.csv"),
        ExportFormat::Jsonl => (Format::JsonLines, "application/jsonl", "products.jsonl"),
    };
    let (pieces, receiver) = mpsc::channel::<Bytes>(2);
    let writing = tokio::spawn(RequestContext::carried(async move {
        let Settings {
            currency,
            public_url,
            ..
        } = &app.settings;
        export::run(&app.db, format, *currency, public_url, &pieces).await
    }));
    // An error in the middle breaks the answer off, so that half a file is not taken for a whole.
    let body = stream::unfold(
        (receiver, Some(writing)),
        |(mut receiver, writing)| async move {
            if let Some(piece) = receiver.recv().await {
                return Some((Ok(piece), (receiver, writing)));
            }
            let outcome = writing?
                .await
                .map_err(Error::internal)
                .and_then(|outcome| outcome);
            let error = outcome.err()?;
            log_error(&error, "an export broke off");
            Some((Err(error), (receiver, None)))
        },
    );
    // Whoever compresses it asks once more after its end.
    let body = body.fuse();
    let head = [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{file}\""),
        ),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((head, Body::from_stream(body)).into_response())
}
