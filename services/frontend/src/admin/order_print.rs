//! `GET /admin/orders/{id}/print?what=slip|invoice`: a page for paper. The slip goes into the
//! parcel and names no prices; the invoice has them all.

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;

use super::{
    Desk, Frame, Section,
    frame::show as answer,
    order::{Line, find, line_of},
    parts::address,
};
use crate::{
    failure::Failure,
    forms::Asked,
    pages::{
        order::{address_of, shipping_of},
        sums::{self, Sum},
    },
};

#[derive(Template)]
#[template(path = "admin/order_print.html")]
struct PrintPage {
    page: Frame,
    invoice: bool,
    back: String,
    other: String,
    heading: String,
    number: String,
    day: String,
    address: Vec<String>,
    shipping: String,
    method: String,
    paid: bool,
    lines: Vec<Line>,
    sums: Vec<Sum>,
}

/// The page.
///
/// # Errors
/// There is no such order, or orders do not answer.
pub async fn show(
    desk: Desk,
    Path(id): Path<String>,
    Asked(sent): Asked,
) -> Result<Response, Failure> {
    let order = find(&desk, &id).await?;
    let invoice = sent.text("what") == "invoice";
    let texts = desk.texts();
    let key = if invoice {
        "print.invoice"
    } else {
        "print.slip"
    };
    let heading = texts.with(key, &order.number);
    let page = desk.frame(Section::Orders, heading.clone());
    let back = format!("/admin/orders/{}", order.id);
    let other = if invoice { "slip" } else { "invoice" };
    let owed = order.payment.captured.amount < order.total.amount;
    let view = PrintPage {
        invoice,
        other: address(&format!("{back}/print"), &[("what", other)]),
        back,
        heading,
        number: order.number.clone(),
        day: texts.day(order.placed_at),
        address: address_of(texts, &order),
        shipping: shipping_of(&order),
        method: desk
            .t(&format!("checkout.pay_{}", order.payment.method.name()))
            .to_owned(),
        paid: !owed,
        lines: order
            .lines
            .iter()
            .map(|line| line_of(&page, line))
            .collect(),
        sums: sums::of_order(texts, &order),
        page,
    };
    Ok(answer(StatusCode::OK, &view.page, &view))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::testing::{Fake, STAFF, Site};

    #[tokio::test]
    async fn a_slip_names_no_prices_and_an_invoice_all() {
        let site = Site::new().await;
        let address = format!("/admin/orders/{}/print", Fake::ORDER);
        let slip = site.get_as(&address, STAFF).await.expect(StatusCode::OK);
        slip.has(&[
            "<h1>Packing slip 1042</h1>",
            "Ada Lovelace",
            "Quay 1",
            "3 ×",
            "Oak bowl",
        ]);
        slip.lacks(&["€"]);
        slip.is_accessible();
        let invoice = site.get_as(&format!("{address}?what=invoice"), STAFF).await;
        let invoice = invoice.expect(StatusCode::OK);
        invoice.has(&[
            "<h1>Invoice 1042</h1>",
            "€90.00",
            "24103 Kiel",
            "Including tax",
        ]);
        invoice.is_accessible();
    }
}
