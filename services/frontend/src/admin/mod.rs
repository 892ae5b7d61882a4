//! The pages for staff, under `/admin`.
//!
//! Like the shop's pages they show what the public interface answers and send what the visitor
//! wants, in the visitor's name: they decide no permission. That a page is for staff is said by
//! its extractor, [`Desk`] (staff and admins) or [`AdminDesk`] (admins), which also gives what
//! the page is made with. A test tries every route of this folder as a stranger and as a customer.
//!
//! What the pages share: [`desk`] (who is at it), [`frame`] (navigation and header), [`form`]
//! (fields with errors), [`parts`] (badges, pages of lists, times), [`words`] and [`people`] (what
//! stands for states, and who for ids).

pub mod api_keys;
pub mod audit;
mod calls;
pub mod catalogue;
pub mod chart;
pub mod customer;
pub mod customers;
pub mod dashboard;
pub mod desk;
pub mod discount;
pub mod discounts;
pub mod form;
pub mod frame;
pub mod job;
pub mod jobs;
pub mod order;
pub mod order_actions;
pub mod order_forms;
pub mod order_print;
pub mod orders;
pub mod parts;
pub mod payments;
pub mod people;
pub mod problem;
pub mod system;
pub mod webhook;
pub mod webhook_delivery;
pub mod webhooks;
pub mod words;

use axum::{
    Router,
    routing::{get, post},
};

pub use desk::{AdminDesk, Desk};
pub use frame::{Frame, Section};

use crate::{failure::Failure, shop::Shop};

/// Every page and every form for staff.
pub fn router() -> Router<Shop> {
    Router::new()
        .route("/admin", get(dashboard::show))
        .route("/admin/orders", get(orders::show))
        .route("/admin/orders/{id}", get(order::show))
        .route("/admin/orders/{id}/print", get(order_print::show))
        .route("/admin/orders/{id}/shipments", post(order_actions::ship))
        .route("/admin/orders/{id}/refunds", post(order_actions::refund))
        .route("/admin/orders/{id}/cancel", post(order_actions::cancel))
        .route(
            "/admin/orders/{id}/mark-paid",
            post(order_actions::mark_paid),
        )
        .route("/admin/orders/{id}/notes", post(order_actions::note))
        .route("/admin/payments", get(payments::show))
        .route(
            "/admin/payments/{id}/refund-again",
            post(payments::refund_again),
        )
        .route("/admin/payments/{id}/settle", post(payments::settle))
        .route("/admin/discounts", get(discounts::show))
        .route(
            "/admin/discounts/new",
            get(discount::new).post(discount::create),
        )
        .route(
            "/admin/discounts/edit/{code}",
            get(discount::show).post(discount::save),
        )
        .route(
            "/admin/discounts/edit/{code}/switch",
            post(discount::switch),
        )
        .route(
            "/admin/discounts/edit/{code}/delete",
            post(discount::delete),
        )
        .route("/admin/customers", get(customers::show))
        .route(
            "/admin/customers/invite",
            get(customers::ask).post(customers::invite),
        )
        .route(
            "/admin/customers/{id}",
            get(customer::show).post(customer::save),
        )
        .route("/admin/customers/{id}/disabled", post(customer::disable))
        .route(
            "/admin/customers/{id}/end-sessions",
            post(customer::end_sessions),
        )
        .route(
            "/admin/api-keys",
            get(api_keys::show).post(api_keys::create),
        )
        .route("/admin/api-keys/{id}/end", post(api_keys::end))
        .route(
            "/admin/webhooks",
            get(webhooks::show).post(webhooks::create),
        )
        .route(
            "/admin/webhooks/{id}",
            get(webhook::show).post(webhook::save),
        )
        .route("/admin/webhooks/{id}/switch", post(webhook::switch))
        .route("/admin/webhooks/{id}/rotate", post(webhook::rotate))
        .route("/admin/webhooks/{id}/test", post(webhook::test))
        .route(
            "/admin/webhooks/{id}/resend-failed",
            post(webhook::resend_failed),
        )
        .route("/admin/webhooks/{id}/delete", post(webhook::delete))
        .route(
            "/admin/webhooks/{id}/deliveries/{delivery}",
            get(webhook_delivery::show),
        )
        .route(
            "/admin/webhooks/{id}/deliveries/{delivery}/resend",
            post(webhook_delivery::resend),
        )
        .route("/admin/audit", get(audit::show))
        .route("/admin/jobs", get(jobs::show))
        .route("/admin/jobs/retry-kind", post(jobs::retry_kind))
        .route("/admin/jobs/{service}/{id}", get(job::show))
        .route("/admin/system", get(system::show))
        .route("/admin/jobs/{service}/{id}/retry", post(jobs::retry))
        .route("/admin/jobs/{service}/{id}/discard", post(jobs::discard))
        .route("/admin/{*rest}", get(nowhere))
        .merge(catalogue::router())
}

/// What is not there is not there for staff either; others learn nothing of what is.
async fn nowhere(_: Desk) -> Failure {
    Failure::not_found()
}

#[cfg(test)]
mod tests;
