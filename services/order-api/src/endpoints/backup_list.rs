//! `GET /backups`: the backups that are known of.
//!
//! Errors: 401 `unauthenticated`, 403 `forbidden`, 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{
    Problem,
    system::{BackupList, BackupReport},
};
use techcommerce_http::{ApiResult, Staff};

use super::{Private, private};
use crate::{app::App, backups};

/// How many are shown.
const SHOWN: u32 = 20;

/// The backups that whoever takes them told of (`techcommerce backup record`), the latest first.
#[utoipa::path(
    get, path = "/backups", tag = "system", operation_id = "list_backups",
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The last twenty.", body = BackupList),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(State(app): State<App>, Staff(_): Staff) -> ApiResult<Private<BackupList>> {
    let known = backups::list(&app.db, SHOWN).await?;
    let items = known.into_iter().map(|backup| BackupReport {
        taken_at: backup.taken_at,
        bytes: backup.bytes,
        verified_at: backup.verified_at,
    });
    Ok(private(BackupList {
        items: items.collect(),
        next_cursor: None,
    }))
}
