//! A failure on a page for staff: staff stay where they were, with the navigation at hand.

use askama::Template;
use axum::response::Response;
use techcommerce_contracts::Role;
use techcommerce_kernel::Kind;

use super::frame::{Frame, Section, show};
use crate::{failure::Told, shop::Shop, visitor::Visitor};

#[derive(Template)]
#[template(path = "admin/problem.html")]
struct ProblemPage {
    page: Frame,
    heading: &'static str,
    text: &'static str,
    again: bool,
    reference: Option<String>,
}

/// The failure in the frame of the admin, where its visitor is known to be staff; else as a page
/// of the shop.
pub async fn page(shop: &Shop, visitor: &Visitor, told: Told) -> Response {
    let me = match visitor.session {
        Some(_) => shop.api(visitor).me().await.ok(),
        None => None,
    };
    let Some(me) = me.filter(|me| me.role != Role::Customer) else {
        return told.page(shop, visitor).await;
    };
    let (heading, text) = match told.kind {
        Kind::NotFound | Kind::MethodNotAllowed => ("desk.not_found", "desk.not_found_text"),
        Kind::Forbidden if told.words.0 == "problem.title_staff" => {
            ("desk.admins_only", "desk.admins_only_text")
        }
        _ => told.words,
    };
    let title = visitor.texts.get(heading);
    let view = ProblemPage {
        page: Frame::new(shop, visitor, &me, Section::Nowhere, title.to_owned()),
        heading,
        text,
        again: told.again,
        reference: told.reference,
    };
    show(told.status, &view.page, &view)
}
