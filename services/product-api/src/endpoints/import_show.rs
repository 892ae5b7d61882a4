//! `GET /products/imports/{id}`: an import, how far it is and what it has to say. For staff.
//!
//! Errors: 401 `unauthenticated`, 403 `forbidden`, 404 `import_not_found`.

use axum::extract::State;
use techcommerce_contracts::{
    Problem,
    product_api::{ImportRun, ImportState},
};
use techcommerce_http::{ApiResult, Json, Path, Staff};
use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::Conn;

use super::App;
use crate::{
    import::{
        kept,
        runs::{self, RunRow},
    },
    pictures,
};

/// An import or dry run with its report, row by row, and its pictures.
#[utoipa::path(
    get, path = "/products/imports/{id}", tag = "products", operation_id = "get_import",
    params(("id" = Uuid, Path, description = "The import's id.")),
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The import.", body = ImportRun),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`import_not_found`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn show(
    State(app): State<App>,
    _: Staff,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<ImportRun>> {
    let mut conn = app.db.read().await?;
    let row = runs::row(&mut conn, id).await?;
    let mut run = shown(&mut conn, app.env.now(), &row).await?;
    run.report = runs::report(&mut conn, &row).await?;
    run.pictures.errors = pictures::failures(&mut conn, id).await?;
    Ok(Json(run))
}

/// A run as it is shown in lists.
pub(super) async fn shown(
    conn: &mut Conn,
    now: Timestamp,
    row: &RunRow,
) -> Result<ImportRun, Error> {
    let state = row.state(now);
    let wants_file = row.dry_run && state == ImportState::Done || state == ImportState::Interrupted;
    let can_apply = wants_file && kept::is_kept(conn, &row.file_hash, row.file_bytes).await?;
    let pictures = match row.dry_run {
        true => Default::default(),
        false => pictures::tally(conn, row.id).await?,
    };
    Ok(ImportRun {
        id: row.id,
        file_name: row.file_name.clone(),
        file_bytes: u64::try_from(row.file_bytes).unwrap_or(0),
        file_hash: row.file_hash.clone(),
        actor: row.actor.clone(),
        state,
        dry_run: row.dry_run,
        can_apply,
        percent: u32::try_from(row.percent).unwrap_or(0),
        error: row.error.clone(),
        started_at: Timestamp::from_micros(row.started_at),
        updated_at: Timestamp::from_micros(row.updated_at),
        finished_at: row.finished_at.map(Timestamp::from_micros),
        report: row.counts(),
        pictures,
    })
}
