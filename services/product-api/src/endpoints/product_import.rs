//! `POST /products/import`: takes in a catalogue file of another shop system. For staff.
//!
//! Errors: 400 `import_format` for a file of no known kind, 401 `unauthenticated`, 403
//! `forbidden`, 413 `too_large`. What is refused row by row is in the report, which is no error.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{body::Body, extract::State};
use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use serde::Deserialize;
use techcommerce_contracts::{Problem, product_api::ImportReport};
use techcommerce_http::{ApiResult, Json, Query, Staff};
use techcommerce_kernel::{Error, Kind};
use tokio::sync::mpsc;
use utoipa::IntoParams;

use super::App;
use crate::import::{self, Import};

/// The largest file that is taken over HTTP. The command line has no limit.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// How to import.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Only say what would happen.
    #[serde(default)]
    #[param(default = false)]
    pub dry_run: bool,
}

/// Takes in a catalogue file: a product export of Shopify, as CSV.
///
/// The file is read as it comes. Each row that is refused is named with line, column and reason;
/// the rest goes in. The same file again changes nothing.
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
        (status = 413, description = "`too_large`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn import(
    State(app): State<App>,
    Staff(principal): Staff,
    Query(query): Query<ImportQuery>,
    body: Body,
) -> ApiResult<Json<ImportReport>> {
    let (chunks, receiver) = mpsc::channel(4);
    let too_large = Arc::new(AtomicBool::new(false));
    let pump = tokio::spawn(pump(body, chunks, Arc::clone(&too_large)));
    let import = Import {
        dry_run: query.dry_run,
        actor: principal.actor(),
        currency: app.settings.currency,
    };
    let source = Chunks {
        receiver,
        current: Bytes::new(),
    };
    let report = import::run(
        &app.db,
        &app.env,
        Some(&app.notifier),
        import,
        source,
        |_| {},
    )
    .await;
    pump.abort();
    if too_large.load(Ordering::Relaxed) {
        let message = "The file is larger than 256 MiB. Import it with `techcommerce import FILE`.";
        return Err(Error::new(Kind::TooLarge, "too_large", message).into());
    }
    Ok(Json(report?))
}

/// Hands the body on as fast as it is read.
async fn pump(mut body: Body, chunks: mpsc::Sender<io::Result<Bytes>>, too_large: Arc<AtomicBool>) {
    let mut total = 0_usize;
    while let Some(frame) = body.frame().await {
        let chunk = match frame.map(http_body::Frame::into_data) {
            Ok(Ok(data)) => Ok(data),
            Ok(Err(_trailers)) => continue,
            Err(_) => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the upload broke off",
            )),
        };
        total = total.saturating_add(chunk.as_ref().map_or(0, Bytes::len));
        let broken = chunk.is_err();
        if total > MAX_BYTES {
            too_large.store(true, Ordering::Relaxed);
            return;
        }
        if chunks.send(chunk).await.is_err() || broken {
            return;
        }
    }
}

/// The body as the parser's thread reads it.
struct Chunks {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.receiver.blocking_recv() {
                Some(chunk) => self.current = chunk?,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}
