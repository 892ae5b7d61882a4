//! `POST /products/import`: takes in a catalogue file. For staff.
//!
//! Errors: 400 `import_format` for a file of no known kind, 401 `unauthenticated`, 403
//! `forbidden`, 409 `import_taken_over`, 413 `too_large`. What is refused row by row is in the
//! report, which is no error.

use std::{
    fs::File,
    io::{self, BufReader, Seek, Write},
};

use axum::{body::Body, extract::State};
use http_body_util::BodyExt;
use serde::Deserialize;
use techcommerce_contracts::{Problem, product_api::ImportReport};
use techcommerce_http::{ApiResult, Json, Query, Staff};
use techcommerce_kernel::{Error, Kind};
use tokio::sync::mpsc;
use utoipa::IntoParams;

use super::App;
use crate::import::{Begun, Import, Opened, kept};

/// The largest file that is taken over HTTP. The command line has no limit.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// How to import.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Only say what would happen. The file is kept for a day, see `POST
    /// /products/imports/{id}/apply`.
    #[serde(default)]
    #[param(default = false)]
    pub dry_run: bool,
    /// What the file is called, for the list of imports.
    #[serde(default)]
    pub file_name: Option<String>,
}

/// Takes in a catalogue file: a product export of Shopify or WooCommerce as CSV, or our own as JSON
/// Lines. Which one it is is found out.
///
/// Each row that is refused is named with line, column and reason; the rest goes in. The same file
/// again changes nothing, and after a crash it goes on where it was. Pictures are fetched from
/// their addresses afterwards.
#[utoipa::path(
    post, path = "/products/import", tag = "products", operation_id = "import_products",
    params(ImportQuery),
    request_body(content = String, content_type = "text/csv", description = "The file."),
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "What was done, or would be.", body = ImportReport),
        (status = 400, description = "`import_format`, `invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`import_taken_over`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn import(
    State(app): State<App>,
    Staff(principal): Staff,
    Query(query): Query<ImportQuery>,
    body: Body,
) -> ApiResult<Json<ImportReport>> {
    let file_name = query.file_name.as_deref().map(file_name);
    let mut opened = spool(&app, body).await?;
    let copy = opened.file().get_ref().try_clone()?;
    kept::keep(&app.db, app.env.now(), &opened.hash, BufReader::new(copy)).await?;
    opened.file().rewind()?;
    let import = Import {
        dry_run: query.dry_run,
        actor: principal.actor(),
        currency: app.settings.currency,
        file_name: file_name.filter(|name| !name.is_empty()),
    };
    let begun = Begun::new(&app.db, &app.env, import, opened).await?;
    Ok(Json(carry_out(&app, begun).await?))
}

/// Imports, and wakes those who fetch its pictures.
pub(super) async fn carry_out(
    app: &App,
    begun: Begun<BufReader<File>>,
) -> Result<ImportReport, Error> {
    let report = begun
        .finish(&app.db, &app.env, Some(&app.notifier), |_| {})
        .await;
    app.wake.wake();
    report
}

/// The last part of a path, without what no list should show.
fn file_name(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown = name.chars().filter(|c| !c.is_control());
    shown.take(200).collect::<String>().trim().to_owned()
}

/// A file without a name, which goes when it is closed.
pub(super) fn unnamed(app: &App) -> io::Result<File> {
    std::fs::create_dir_all(&app.spool)?;
    tempfile::tempfile_in(&app.spool)
}

/// Writes the body into a file of this machine's.
async fn spool(app: &App, mut body: Body) -> Result<Opened<BufReader<File>>, Error> {
    let mut file = unnamed(app)?;
    let (chunks, mut received) = mpsc::channel::<bytes::Bytes>(4);
    let writing = tokio::task::spawn_blocking(move || {
        while let Some(chunk) = received.blocking_recv() {
            file.write_all(&chunk)?;
        }
        file.flush()?;
        Opened::new(BufReader::new(file))
    });
    let mut total = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Error::invalid("invalid_body", "The upload broke off.").caused_by(error)
        })?;
        let Ok(chunk) = frame.into_data() else {
            continue;
        };
        total = total.saturating_add(chunk.len());
        if total > MAX_BYTES {
            let message =
                "The file is larger than 256 MiB. Import it with `techcommerce import FILE`.";
            return Err(Error::new(Kind::TooLarge, "too_large", message));
        }
        // If the file cannot be written, the thread has ended and says why.
        if chunks.send(chunk).await.is_err() {
            break;
        }
    }
    drop(chunks);
    Ok(writing.await.map_err(Error::internal)??)
}
