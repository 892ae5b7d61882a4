//! The pages, one file each: view model, handlers, tests.

pub mod account;
pub mod cart;
pub mod category;
pub mod checkout;
pub mod crawlers;
pub mod home;
pub mod info;
pub mod language;
pub mod listing;
pub mod login;
pub mod order;
mod password;
pub mod password_change;
pub mod pay;
pub mod product;
pub mod products;
pub mod register;
pub mod search;
pub mod sign;
pub mod status;
pub mod sums;

use axum::{
    Router,
    routing::{get, post},
};

use crate::shop::Shop;

/// Every page and every form.
pub fn router() -> Router<Shop> {
    Router::new()
        .route("/", get(home::show))
        .route("/products", get(products::show))
        .route("/products/{handle}", get(product::show))
        .route("/categories/{handle}", get(category::show))
        .route("/search", get(search::show))
        .route("/cart", get(cart::show))
        .route("/cart/lines", post(cart::add))
        .route("/cart/lines/{variant}", post(cart::change))
        .route("/cart/discount", post(cart::discount))
        .route("/checkout", get(checkout::show).post(checkout::place))
        .route("/orders/{id}", get(order::show))
        .route("/orders/{id}/pay", get(pay::show))
        .route("/account", get(account::show))
        .route("/account/sessions/{id}", post(account::revoke))
        .route(
            "/account/password",
            get(password_change::show).post(password_change::change),
        )
        .route("/login", get(login::show).post(login::sign_in))
        .route("/logout", post(login::sign_out))
        .route("/register", get(register::show).post(register::register))
        .route("/forgot-password", get(password::ask).post(password::send))
        .route(
            "/reset-password",
            get(password::choose).post(password::save),
        )
        .route("/language", post(language::choose))
        .route("/contact", get(info::contact))
        .route("/imprint", get(info::imprint))
        .route("/status", get(status::show))
        .route("/robots.txt", get(crawlers::robots))
        .route("/sitemap.xml", get(crawlers::sitemap))
}
