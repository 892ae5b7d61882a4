//! The built-in catalogue of the demo shop, compiled into the binary.

use include_dir::{Dir, include_dir};

static PICTURES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/demo/images");

/// The catalogue, in the shape that product-api's demo loader reads.
pub const CATALOGUE: &[u8] = include_bytes!("../demo/catalogue.json");

/// The bytes of a picture in one of its final sizes, by its file's name as `stoneware-mug-640.webp`.
pub fn picture(file: &str) -> Option<&'static [u8]> {
    PICTURES.get_file(file).map(|file| file.contents())
}

/// The names of all picture files.
pub fn pictures() -> impl Iterator<Item = &'static str> {
    PICTURES
        .files()
        .filter_map(|file| file.path().to_str())
}
