//! `POST /products/imports/{id}/apply`: imports the file of a dry run for good, or goes on with an
//! import that broke off. For staff.
//!
//! Errors: 401 `unauthenticated`, 403 `forbidden`, 404 `import_not_found`, 409 `import_file_gone`.

use std::io::BufReader;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use techcommerce_contracts::{Problem, codes, context::RequestContext, product_api::ImportRun};
use techcommerce_http::{ApiResult, Json, Path, Staff, log_error};
use techcommerce_kernel::{Error, Uuid};

use super::{
    App,
    import_show::shown,
    product_import::{carry_out, unnamed},
};
use crate::import::{Begun, Import, Opened, kept, runs};

/// Imports the file of a dry run without another upload, or goes on with an import that broke off.
///
/// It answers as soon as it has begun; the import that it gives tells how far it is.
#[utoipa::path(
    post, path = "/products/imports/{id}/apply", tag = "products", operation_id = "apply_import",
    params(("id" = Uuid, Path, description = "The id of the dry run, or of the import.")),
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 202, description = "The import.", body = ImportRun),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`import_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`import_file_gone`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn apply(
    State(app): State<App>,
    Staff(principal): Staff,
    Path(id): Path<Uuid>,
) -> ApiResult<Response> {
    let mut conn = app.db.read().await?;
    let row = runs::row(&mut conn, id).await?;
    let is_kept = kept::is_kept(&mut conn, &row.file_hash, row.file_bytes).await?;
    drop(conn);
    if !is_kept {
        return Err(Error::conflict(
            codes::IMPORT_FILE_GONE,
            "The file is no longer kept. Please upload it again.",
        )
        .into());
    }
    let mut file = unnamed(&app)?;
    kept::restore(&app.db, &row.file_hash, &mut file).await?;
    let opened = tokio::task::spawn_blocking(move || Opened::new(BufReader::new(file)));
    let opened = opened.await.map_err(Error::internal)??;
    let import = Import {
        dry_run: false,
        actor: principal.actor(),
        currency: app.settings.currency,
        file_name: row.file_name,
    };
    let begun = Begun::new(&app.db, &app.env, import, opened).await?;
    let id = begun.id();
    let worker = app.clone();
    tokio::spawn(RequestContext::carried(async move {
        if let Err(error) = carry_out(&worker, begun).await {
            log_error(&error, "an import ended early");
        }
    }));
    let mut conn = app.db.read().await?;
    let row = runs::row(&mut conn, id).await?;
    let run = shown(&mut conn, app.env.now(), &row).await?;
    Ok((StatusCode::ACCEPTED, Json(run)).into_response())
}
