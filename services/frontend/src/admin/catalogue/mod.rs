//! The pages for goods: products with their variants and pictures, categories, stock, catalogues
//! in and out. One file a page; [`product`] is what the product's form can do by itself.

mod amount;
mod bulk;
mod calls;
mod categories;
mod category;
mod edit;
mod import;
mod import_run;
mod movements;
mod product;
mod products;
mod stock;
mod upload;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

use crate::shop::Shop;

/// The most bytes of a product's form with the pictures in it.
const PRODUCT_BYTES: usize = 300 * 1024 * 1024;
/// The most bytes of a catalogue file; the API has a limit of its own.
const IMPORT_BYTES: usize = 512 * 1024 * 1024;
/// The most bytes of a form that many things are chosen in.
const LIST_BYTES: usize = 256 * 1024;

/// Every page and every form about goods.
pub fn router() -> Router<Shop> {
    let product = Router::new()
        .route("/admin/products/new", get(edit::new).post(edit::create))
        .route("/admin/products/{id}", get(edit::show).post(edit::save))
        .layer(DefaultBodyLimit::max(PRODUCT_BYTES));
    let import = Router::new()
        .route("/admin/import", get(import::show).post(import::take))
        .layer(DefaultBodyLimit::max(IMPORT_BYTES));
    let bulk = Router::new()
        .route("/admin/products/bulk", post(bulk::change))
        .layer(DefaultBodyLimit::max(LIST_BYTES));
    Router::new()
        .route("/admin/products", get(products::show))
        .route("/admin/products/{id}/status", post(edit::status))
        .route("/admin/categories", get(categories::show))
        .route(
            "/admin/categories/new",
            get(category::new).post(category::create),
        )
        .route(
            "/admin/categories/edit/{handle}",
            get(category::show).post(category::save),
        )
        .route(
            "/admin/categories/edit/{handle}/move",
            post(categories::shift),
        )
        .route(
            "/admin/categories/edit/{handle}/delete",
            post(category::delete),
        )
        .route("/admin/stock", get(stock::show))
        .route(
            "/admin/stock/{variant}",
            get(movements::show).post(stock::change),
        )
        .route("/admin/import/{id}", get(import_run::show))
        .route("/admin/import/{id}/apply", post(import_run::apply))
        .merge(product)
        .merge(import)
        .merge(bulk)
}

#[cfg(test)]
pub(super) mod tests;
