//! How large the parts of a product may be, wherever it comes from.

/// Characters of a title, and of a picture's description.
pub const TITLE: usize = 500;
/// Characters of a description in HTML.
pub const DESCRIPTION: usize = 200_000;
/// Characters of a vendor, a category, an option's name or value, a barcode.
pub const NAME: usize = 255;
/// Tags of a product.
pub const TAGS: usize = 250;
/// Options of a product; as many as the exchange format knows.
pub const OPTIONS: usize = 3;
/// Variants of a product.
pub const VARIANTS: usize = 2_048;
/// Pictures of a product.
pub const IMAGES: usize = 250;
/// Bytes of an address outside.
pub const ADDRESS: usize = 2_048;
/// Minor units: a price above is a mistake, and sums stay far from the end of 64 bits.
pub const PRICE: i64 = 100_000_000_000;
/// Pieces of a variant on hand, and the most that one movement changes.
pub const STOCK: i64 = 1_000_000_000;
/// Grams of a variant.
pub const GRAMS: i64 = 100_000_000;
