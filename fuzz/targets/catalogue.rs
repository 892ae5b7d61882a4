//! Catalogue files, as Shopify, WooCommerce and we ourselves write them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use techcommerce_product_api::import::survey::survey;

fuzz_target!(|file: &[u8]| {
    if let Ok(found) = survey(file) {
        // A product needs a row; whatever is in the file is counted once.
        assert!(found.products as u64 <= found.rows, "{found:?}");
        assert_eq!(survey(file), Ok(found), "read twice, it is another file");
    }
});
