//! The built-in catalogue of the demo shop, compiled into the binary.

use include_dir::{Dir, include_dir};
use techcommerce_contracts::Service;
use techcommerce_images::{Builtin, builtin_id};
use techcommerce_kernel::Error;
use techcommerce_product_api::demo::{Picture, is_empty, load_demo};

use crate::ground::Ground;

static PICTURES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/demo/images");

/// The catalogue, in the shape that product-api's demo loader reads.
const CATALOGUE: &[u8] = include_bytes!("../demo/catalogue.json");

/// All pictures, in their final sizes, served from the binary itself.
pub fn pictures() -> Result<Builtin, Error> {
    Builtin::new(
        PICTURES
            .files()
            .filter_map(|file| Some((file.path().to_str()?, file.contents()))),
    )
}

/// Stocks the shop if it is new: each service that runs here does its own part, and leaves what
/// it finds alone.
pub async fn load(ground: &Ground) -> Result<(), Error> {
    let mut new = None;
    if ground.here.has(Service::ProductApi) {
        new = Some(load_products(ground).await?);
    }
    if ground.here.has(Service::OrderApi) {
        let db = ground.db(Service::OrderApi)?;
        // Apart, order-api sees only its own books.
        let new = match new {
            Some(new) => new,
            None => techcommerce_order_api::is_new(&db).await?,
        };
        if new {
            techcommerce_order_api::seed_demo_discounts(&db, &ground.env).await?;
        }
    }
    Ok(())
}

/// Puts the products in if there is none yet, and gives whether there was none.
async fn load_products(ground: &Ground) -> Result<bool, Error> {
    let db = ground.db(Service::ProductApi)?;
    if !is_empty(&db).await? {
        return Ok(false);
    }
    let pictures = pictures()?;
    let describe = |file: &str| {
        let picture = pictures.describe(file).ok().flatten()?;
        Some(Picture {
            id: builtin_id(file),
            width: picture.width,
            height: picture.height,
        })
    };
    let currency = ground.settings.shop.currency;
    match load_demo(&db, &ground.env, currency, CATALOGUE, describe).await {
        Ok(products) => tracing::info!(products, "the built-in catalogue is in"),
        // It is one transaction: when two replicas start at once, one of them puts it in whole.
        Err(error) if is_empty(&db).await? => return Err(error),
        Err(_) => tracing::info!("another replica put the built-in catalogue in"),
    }
    Ok(true)
}
