//! `GET /admin/categories`: the departments in their order.

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use techcommerce_contracts::product_api::{Category, CategoryPatch};

use crate::{
    admin::{Desk, Frame, Section, frame},
    catalogue::Picture,
    failure::Failure,
    forms::Sent,
    page::see_other,
};

pub const PATH: &str = "/admin/categories";

#[derive(Template)]
#[template(path = "admin/catalogue/categories.html")]
struct CategoriesPage {
    page: Frame,
    rows: Vec<Row>,
}

struct Row {
    href: String,
    title: String,
    description: String,
    picture: Option<Picture>,
    /// Products that the public sees.
    shown: i64,
    /// Products in all.
    all: i64,
    products: String,
    /// From 1 on.
    place: usize,
    is_first: bool,
    is_last: bool,
}

/// The address of a category's form.
pub fn form_of(handle: &str) -> String {
    format!("{PATH}/edit/{handle}")
}

/// The list.
///
/// # Errors
/// The catalogue does not answer.
pub async fn show(desk: Desk) -> Result<Response, Failure> {
    let categories = desk.api().all_categories().await?;
    let last = categories.len().saturating_sub(1);
    let row = |(place, category): (usize, &Category)| Row {
        href: form_of(category.handle.as_str()),
        title: category.title.clone(),
        description: category.description.clone(),
        picture: category
            .image
            .as_ref()
            .and_then(Picture::of)
            .map(|picture| Picture {
                // The title stands beside it.
                alt: String::new(),
                ..picture
            }),
        shown: category.product_count,
        all: category.total_count.unwrap_or(category.product_count),
        products: format!("/admin/products?category={}", category.handle),
        place: place + 1,
        is_first: place == 0,
        is_last: place == last,
    };
    let page = CategoriesPage {
        page: desk.frame(Section::Categories, desk.t("goods_category.list")),
        rows: categories.iter().enumerate().map(row).collect(),
    };
    Ok(frame::show(StatusCode::OK, &page.page, &page))
}

/// `POST /admin/categories/edit/{handle}/move`: to a place, so that twice is once.
///
/// # Errors
/// The catalogue does not answer.
pub async fn shift(
    desk: Desk,
    Path(handle): Path<String>,
    sent: Sent,
) -> Result<Response, Failure> {
    let categories = desk.api().all_categories().await?;
    if !categories.iter().any(|c| c.handle.as_str() == handle) {
        return Err(Failure::not_found());
    }
    let places = 1..=categories.len() as i64;
    if let Some(to) = sent.number("to").filter(|to| places.contains(to)) {
        let patch = CategoryPatch {
            position: Some(to),
            ..CategoryPatch::default()
        };
        desk.api().update_category(&handle, &patch).await?;
    }
    see_other(&format!("{PATH}?note=category-moved"))
}
