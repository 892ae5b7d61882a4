//! The catalogue as a file: Shopify's CSV, or JSON Lines with all of a product on each line. The
//! import reads both back without a change.

pub mod line;
mod shopify;

use bytes::Bytes;
use techcommerce_contracts::product_api::Image;
use techcommerce_kernel::{Currency, Error, Uuid};
use techcommerce_store::Db;
use tokio::sync::mpsc;

use crate::catalogue::{read, rows::ImageRow};

/// How many products are read at once.
const PAGE: i64 = 200;
/// The size of a picture that is exported.
const WIDTH: u32 = 1280;

/// What the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// CSV with Shopify's columns.
    Shopify,
    /// A JSON document on each line.
    JsonLines,
}

/// Writes all products, of whatever status, piece by piece into `to`; ends early when nobody
/// reads any more. `public_url` is what the addresses of pictures begin with.
///
/// # Errors
/// If the database cannot be read.
pub async fn run(
    db: &Db,
    format: Format,
    currency: Currency,
    public_url: &str,
    to: &mpsc::Sender<Bytes>,
) -> Result<(), Error> {
    let categories = read::categories(&mut db.read().await?).await?;
    let mut piece = Vec::new();
    if format == Format::Shopify {
        shopify::header(&mut piece)?;
    }
    let mut after = Uuid::nil();
    loop {
        // No connection is held while a slow reader takes its time.
        let mut conn = db.read_lagging().await?;
        let ids = read::ids_after(&mut conn, after, PAGE).await?;
        let Some(last) = ids.last() else { break };
        after = *last;
        let records = read::products(&mut conn, &ids).await?;
        drop(conn);
        for record in records {
            match format {
                Format::JsonLines => {
                    let line = line::line(&record, &categories, public_url)?;
                    serde_json::to_writer(&mut piece, &line).map_err(Error::internal)?;
                    piece.push(b'\n');
                }
                Format::Shopify => {
                    shopify::product(&mut piece, &record, &categories, currency, public_url)?;
                }
            }
        }
        if to
            .send(Bytes::from(std::mem::take(&mut piece)))
            .await
            .is_err()
        {
            return Ok(());
        }
    }
    if !piece.is_empty() {
        let _ = to.send(Bytes::from(piece)).await;
    }
    Ok(())
}

/// Where a picture can be fetched: from this shop, else from where it is yet to be fetched.
fn address(image: &ImageRow, public_url: &str) -> String {
    match image.image_id {
        Some(id) => format!(
            "{}{}",
            public_url.trim_end_matches('/'),
            Image::url_of(id, WIDTH)
        ),
        None => image.source_url.clone().unwrap_or_default(),
    }
}
