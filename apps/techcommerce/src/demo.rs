//! The built-in catalogue of the demo shop, compiled into the binary.

use include_dir::{Dir, include_dir};

static PICTURES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/demo/images");

/// The catalogue, in the shape that product-api's demo loader reads.
pub const CATALOGUE: &[u8] = include_bytes!("../demo/catalogue.json");

/// All picture files by name, as `stoneware-mug-640.webp`, in their final sizes.
pub fn pictures() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    PICTURES
        .files()
        .filter_map(|file| Some((file.path().to_str()?, file.contents())))
}
