//! The document of the whole public interface, whichever services run here.
//!
//! A program to work with makes it from the handlers; one that is shipped carries what such a program
//! wrote (`docs/openapi.json`, which every test run holds against the handlers), and so has none of the
//! code that describes.

use techcommerce_api::Document;
use techcommerce_kernel::Error;

/// The document.
///
/// # Errors
/// `internal` if it is no JSON.
#[cfg(not(debug_assertions))]
pub fn whole() -> Result<Document, Error> {
    Document::parse(include_str!("../../../../docs/openapi.json"))
}

/// The document.
///
/// # Errors
/// `internal` if it cannot be written as JSON.
#[cfg(debug_assertions)]
pub fn whole() -> Result<Document, Error> {
    let document = techcommerce_api::openapi::merge(
        "TechCommerce",
        env!("CARGO_PKG_VERSION"),
        [
            techcommerce_product_api::openapi(),
            techcommerce_order_api::openapi(),
            techcommerce_auth::openapi(),
            techcommerce_images::openapi(),
            techcommerce_worker::openapi(),
            techcommerce_api::own_openapi(),
        ],
    );
    let text = document.to_pretty_json().map_err(Error::internal)?;
    Document::parse(text + "\n")
}
