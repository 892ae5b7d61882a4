//! A category's form: new, changed, deleted.

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use techcommerce_contracts::{
    codes,
    product_api::{Category, CategoryInput, CategoryPatch},
};
use techcommerce_kernel::{Error, Handle, Kind as ErrorKind};

use super::categories::{PATH, form_of};
use crate::{
    admin::{
        Desk, Frame, Section,
        form::{Field, Form, Kind},
        frame,
    },
    failure::Failure,
    forms::Sent,
    page::see_other,
};

#[derive(Template)]
#[template(path = "admin/catalogue/category.html")]
struct CategoryPage {
    page: Frame,
    form: Form,
    action: String,
    there: Option<There>,
}

/// The category that is there.
struct There {
    href: String,
    delete: String,
    /// What becomes of its products.
    consequence: String,
}

/// `GET /admin/categories/new`
///
/// # Errors
/// Nobody may see it.
pub async fn new(desk: Desk) -> Result<Response, Failure> {
    Ok(page(&desk, new_form(&desk), None, StatusCode::OK))
}

/// `POST /admin/categories/new`
///
/// # Errors
/// The catalogue does not answer.
pub async fn create(desk: Desk, sent: Sent) -> Result<Response, Failure> {
    let mut form = new_form(&desk).filled(&sent);
    let handle = handle(&desk, &mut form);
    if form.check() {
        let input = CategoryInput {
            title: sent.text("title").to_owned(),
            handle,
            description: sent.text("description").to_owned(),
            position: None,
        };
        match desk.api().create_category(form.key(), &input).await {
            Ok(_) => return see_other(&format!("{PATH}?note=category-created")),
            Err(error) => refused(&desk, &mut form, error)?,
        }
    }
    Ok(page(&desk, form, None, StatusCode::UNPROCESSABLE_ENTITY))
}

/// `GET /admin/categories/edit/{handle}`
///
/// # Errors
/// There is no such category, or the catalogue does not answer.
pub async fn show(desk: Desk, Path(handle): Path<String>) -> Result<Response, Failure> {
    let category = find(&desk, &handle).await?;
    let mut form = form(&desk);
    for field in &mut form.fields {
        field.value = match field.name.as_str() {
            "title" => category.title.clone(),
            "handle" => category.handle.to_string(),
            _ => category.description.clone(),
        };
    }
    Ok(page(&desk, form, Some(&category), StatusCode::OK))
}

/// `POST /admin/categories/edit/{handle}`
///
/// # Errors
/// There is no such category, or the catalogue does not answer.
pub async fn save(desk: Desk, Path(old): Path<String>, sent: Sent) -> Result<Response, Failure> {
    let mut form = form(&desk).filled(&sent);
    let handle = handle(&desk, &mut form);
    if form.check() {
        let patch = CategoryPatch {
            title: Some(sent.text("title").to_owned()),
            handle: handle.filter(|handle| handle.as_str() != old),
            description: Some(sent.text("description").to_owned()),
            position: None,
        };
        match desk.api().update_category(&old, &patch).await {
            Ok(_) => return see_other(&format!("{PATH}?note=category-saved")),
            Err(error) => refused(&desk, &mut form, error)?,
        }
    }
    let category = find(&desk, &old).await?;
    Ok(page(
        &desk,
        form,
        Some(&category),
        StatusCode::UNPROCESSABLE_ENTITY,
    ))
}

/// `POST /admin/categories/edit/{handle}/delete`
///
/// # Errors
/// The catalogue does not answer.
pub async fn delete(desk: Desk, Path(handle): Path<String>) -> Result<Response, Failure> {
    match desk.api().delete_category(&handle).await {
        // Somebody was faster: it is gone, which is what was wanted.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        answer => answer?,
    }
    see_other(&format!("{PATH}?note=category-deleted"))
}

async fn find(desk: &Desk, handle: &str) -> Result<Category, Failure> {
    let categories = desk.api().all_categories().await?;
    let found = categories.into_iter().find(|c| c.handle.as_str() == handle);
    found.ok_or_else(Failure::not_found)
}

/// The form of one that is to be made: once.
fn new_form(desk: &Desk) -> Form {
    form(desk).once(desk.key())
}

fn form(desk: &Desk) -> Form {
    let t = |key| desk.t(key).to_owned();
    desk.form()
        .with(Field::text("title", t("goods_category.name")).max(255))
        .with(
            Field::text("handle", t("goods_form.handle"))
                .optional()
                .hint(t("goods_category.handle_hint")),
        )
        .with(
            Field::text("description", t("goods_category.description"))
                .kind(Kind::Area(3))
                .max(5_000)
                .optional()
                .hint(t("goods_category.description_hint")),
        )
}

/// The handle that was typed; what is none is marked.
fn handle(desk: &Desk, form: &mut Form) -> Option<Handle> {
    let text = form.field("handle").map(|field| field.value.clone())?;
    if text.is_empty() {
        return None;
    }
    let handle = text.parse().ok();
    if handle.is_none() {
        form.wrong("handle", desk.t("goods_wrong.handle"));
    }
    handle
}

fn refused(desk: &Desk, form: &mut Form, error: Error) -> Result<(), Failure> {
    match error.kind() {
        _ if error.code() == codes::HANDLE_TAKEN => {
            form.wrong("handle", desk.t("goods_category.handle_taken"));
        }
        ErrorKind::Invalid | ErrorKind::Unprocessable | ErrorKind::Conflict => {
            form.told(&error);
        }
        _ => return Err(error.into()),
    }
    Ok(())
}

fn page(desk: &Desk, form: Form, category: Option<&Category>, status: StatusCode) -> Response {
    let title = category.map_or_else(|| desk.t("goods_category.new"), |c| c.title.as_str());
    let there = category.map(|category| There {
        href: format!("/categories/{}", category.handle),
        delete: format!("{}/delete", form_of(category.handle.as_str())),
        consequence: match category.total_count.unwrap_or(category.product_count) {
            0 => desk.t("goods_category.consequence_none").to_owned(),
            count => desk.texts().count("goods_category.consequence", count),
        },
    });
    let page = CategoryPage {
        page: desk.frame(Section::Categories, title),
        action: match category {
            Some(category) => form_of(category.handle.as_str()),
            None => format!("{PATH}/new"),
        },
        form,
        there,
    };
    frame::show(status, &page.page, &page)
}
