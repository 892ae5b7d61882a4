//! `GET /admin/stock/{variant}`: what came and went of a variant, why, by whom and when.

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use techcommerce_contracts::{
    ListQuery,
    product_api::{Product, StockMovement},
};
use techcommerce_kernel::Uuid;

use super::stock;
use crate::{
    admin::{
        Desk, Frame, Section,
        form::Form,
        frame,
        parts::{Pager, When},
        people::People,
    },
    failure::Failure,
    forms::{Asked, Sent},
};

const LIMIT: u32 = 50;
/// What the API calls the reasons of movements.
const REASONS: [&str; 6] = ["set", "adjustment", "import", "sale", "release", "restock"];

#[derive(Template)]
#[template(path = "admin/catalogue/movements.html")]
struct MovementsPage {
    page: Frame,
    product: Option<String>,
    variant: String,
    id: Uuid,
    on_hand: i64,
    reserved: i64,
    available: i64,
    rows: Vec<Row>,
    pager: Pager,
    form: Form,
    back: String,
}

struct Row {
    when: When,
    delta: String,
    came: bool,
    on_hand: i64,
    reason: String,
    note: String,
    order: Option<String>,
    who: String,
}

/// The ledger.
///
/// # Errors
/// There is no such variant, or the catalogue does not answer.
pub async fn show(
    desk: Desk,
    Path(variant): Path<Uuid>,
    Asked(sent): Asked,
) -> Result<Response, Failure> {
    let form = stock::form(&desk, variant);
    page(&desk, variant, &sent, form, StatusCode::OK).await
}

/// The ledger with a change that was refused. `place` is what the form said of its page.
///
/// # Errors
/// There is no such variant, or the catalogue does not answer.
pub async fn refused(
    desk: &Desk,
    variant: Uuid,
    place: &str,
    form: Form,
) -> Result<Response, Failure> {
    let product = place.split_once(':').map_or("", |(_, product)| product);
    let sent = Sent::parse(format!("product={product}").as_bytes()).unwrap_or_default();
    page(desk, variant, &sent, form, StatusCode::UNPROCESSABLE_ENTITY).await
}

async fn page(
    desk: &Desk,
    variant: Uuid,
    sent: &Sent,
    form: Form,
    status: StatusCode,
) -> Result<Response, Failure> {
    let query = ListQuery {
        limit: Some(LIMIT),
        cursor: Some(sent.text("cursor").to_owned()).filter(|cursor| !cursor.is_empty()),
    };
    let api = desk.api();
    let product = async {
        let id = Some(sent.text("product")).filter(|id| !id.is_empty())?;
        api.goods_item(id).await.ok()
    };
    let (level, found, product) = tokio::join!(
        api.stock_level(variant),
        api.movements(variant, &query),
        product
    );
    let (level, found) = (level?, found?);
    let people = People::of(desk).await;
    let known = |product: &Product| product.variants.iter().any(|v| v.id == variant);
    let product = product.filter(known);
    let title = match &product {
        Some(product) => product.title.clone(),
        None => desk.t("goods_stock.title").to_owned(),
    };
    let variant_title = product
        .iter()
        .flat_map(|p| &p.variants)
        .find(|v| v.id == variant);
    let path = format!("{}/{variant}", stock::PATH);
    let page = MovementsPage {
        page: desk.frame(Section::Stock, title),
        variant: variant_title.map(|v| v.title.clone()).unwrap_or_default(),
        id: variant,
        on_hand: level.on_hand,
        reserved: level.reserved,
        available: level.available,
        rows: found.items.iter().map(|m| row(desk, m, &people)).collect(),
        pager: Pager::new(&path, sent, &["product"], found.next_cursor),
        back: format!(
            "movements:{variant}:{}",
            product
                .as_ref()
                .map(|p| p.id.to_string())
                .unwrap_or_default()
        ),
        product: product.map(|product| format!("/admin/products/{}", product.id)),
        form,
    };
    Ok(frame::show(status, &page.page, &page))
}

fn row(desk: &Desk, movement: &StockMovement, people: &People) -> Row {
    let known = REASONS.contains(&movement.reason.as_str());
    let order = movement
        .reference
        .as_deref()
        .and_then(|id| id.parse::<Uuid>().ok());
    Row {
        when: When::of(desk.texts(), &desk.shop.settings.time_zone, movement.at),
        delta: match movement.delta {
            more @ 1.. => format!("+{more}"),
            less => format!("−{}", less.unsigned_abs()),
        },
        came: movement.delta > 0,
        on_hand: movement.on_hand,
        reason: match known {
            true => desk
                .texts()
                .get(&format!("goods_moved.{}", movement.reason))
                .to_owned(),
            false => movement.reason.clone(),
        },
        note: movement.note.clone().unwrap_or_default(),
        order: order.map(|id| format!("/admin/orders/{id}")),
        who: people.name(desk, &movement.actor),
    }
}
