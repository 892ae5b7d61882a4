//! The built-in catalogue of the demo shop, compiled into the binary.

use include_dir::{Dir, include_dir};
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

/// Stocks the shop if it has no product yet, and gives out a discount code to try.
pub async fn load(ground: &Ground) -> Result<(), Error> {
    if !is_empty(&ground.stores.product_api).await? {
        return Ok(());
    }
    techcommerce_order_api::seed_demo_discounts(&ground.stores.order_api, &ground.env).await?;
    let pictures = pictures()?;
    let describe = |file: &str| {
        let picture = pictures.describe(file).ok().flatten()?;
        Some(Picture {
            id: builtin_id(file),
            width: picture.width,
            height: picture.height,
        })
    };
    let products = load_demo(
        &ground.stores.product_api,
        &ground.env,
        ground.settings.shop.currency,
        CATALOGUE,
        describe,
    )
    .await?;
    tracing::info!(products, "the built-in catalogue is in");
    Ok(())
}
