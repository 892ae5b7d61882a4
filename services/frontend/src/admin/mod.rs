//! The pages for staff, under `/admin`.
//!
//! Like the shop's pages they show what the public interface answers and send what the visitor
//! wants, in the visitor's name: they decide no permission. That a page is for staff is said by
//! its extractor, [`Desk`] (staff and admins) or [`AdminDesk`] (admins), which also gives what
//! the page is made with. A test tries every route of this folder as a stranger and as a customer.
//!
//! What the pages share: [`desk`] (who is at it), [`frame`] (navigation and header), [`form`]
//! (fields with errors), [`parts`] (badges, pages of lists, times).

pub mod catalogue;
pub mod desk;
pub mod form;
pub mod frame;
pub mod parts;
pub mod problem;

use axum::{Router, routing::get};

pub use desk::{AdminDesk, Desk};
pub use frame::{Frame, Section};

use crate::{failure::Failure, shop::Shop};

/// Every page and every form for staff.
pub fn router() -> Router<Shop> {
    Router::new()
        .route("/admin/{*rest}", get(nowhere))
        .merge(catalogue::router())
}

/// What is not there is not there for staff either; others learn nothing of what is.
async fn nowhere(_: Desk) -> Failure {
    Failure::not_found()
}

#[cfg(test)]
mod tests;
