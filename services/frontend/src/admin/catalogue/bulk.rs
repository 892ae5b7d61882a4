//! `POST /admin/products/bulk`: the same change of many products, asked about first.
//!
//! The list sends what was chosen; the page asks for what the change needs and tells what it will
//! touch; sent again with `step=do` it is carried out.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use techcommerce_contracts::{
    codes,
    product_api::{
        BulkAction, BulkChange, BulkOutcome, BulkReport, Percent, Product, ProductStatus,
    },
};
use techcommerce_kernel::Uuid;

use super::products::{self, ACTIONS, choices};
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

/// As many as the API takes at once.
const MOST: usize = 100;
/// How many titles are shown.
const SHOWN: usize = 12;

#[derive(Template)]
#[template(path = "admin/catalogue/bulk.html")]
struct BulkPage {
    page: Frame,
    form: Form,
    kind: String,
    label: &'static str,
    hint: &'static str,
    ids: Vec<String>,
    count: i64,
    titles: Vec<String>,
    more: i64,
    danger: bool,
    back: String,
    list: String,
    refused: Vec<Refused>,
    changed: i64,
}

/// A product that was not changed.
struct Refused {
    href: String,
    title: String,
    why: String,
}

/// What was chosen.
struct Chosen {
    kind: String,
    label: &'static str,
    ids: Vec<Uuid>,
    back: String,
    products: Vec<Product>,
}

/// The change.
///
/// # Errors
/// The catalogue does not answer.
pub async fn change(desk: Desk, sent: Sent) -> Result<Response, Failure> {
    let back = sent.text("back").to_owned();
    let mut ids: Vec<Uuid> = sent.all("id").filter_map(|id| id.parse().ok()).collect();
    ids.truncate(MOST);
    let known = ACTIONS.iter().find(|(kind, _)| *kind == sent.text("kind"));
    let Some((kind, label)) = known.filter(|_| !ids.is_empty()) else {
        return see_other(&note(&back, "bulk-nothing"));
    };
    let chosen = Chosen {
        kind: (*kind).to_owned(),
        label,
        products: listed(&desk, &back, &ids).await,
        ids,
        back,
    };
    let mut form = form(&desk, kind).await;
    if sent.text("step") != "do" {
        return Ok(page(
            &desk,
            chosen,
            form,
            BulkReport::default(),
            StatusCode::OK,
        ));
    }
    form = form.filled(&sent);
    let action = action(&desk, kind, &mut form);
    let Some(action) = action.filter(|_| form.check()) else {
        let report = BulkReport::default();
        return Ok(page(
            &desk,
            chosen,
            form,
            report,
            StatusCode::UNPROCESSABLE_ENTITY,
        ));
    };
    let change = BulkChange {
        ids: chosen.ids.clone(),
        action,
    };
    match desk.api().change_products(form.key(), &change).await {
        Ok(report) if report.refused == 0 => see_other(&note(&chosen.back, "bulk")),
        Ok(report) => Ok(page(&desk, chosen, form, report, StatusCode::CONFLICT)),
        Err(error)
            if !error.fields().is_empty() || error.code() == codes::IDEMPOTENCY_KEY_REUSED =>
        {
            form.told(&error);
            let report = BulkReport::default();
            Ok(page(
                &desk,
                chosen,
                form,
                report,
                StatusCode::UNPROCESSABLE_ENTITY,
            ))
        }
        Err(error) => Err(error.into()),
    }
}

/// The products as the list shows them; what it no longer shows is counted all the same.
async fn listed(desk: &Desk, back: &str, ids: &[Uuid]) -> Vec<Product> {
    let sent = Sent::parse(back.as_bytes()).unwrap_or_default();
    let list = desk.api().goods(&products::query_of(&sent)).await;
    let items = list.map(|list| list.items).unwrap_or_default();
    items
        .into_iter()
        .filter(|product| ids.contains(&product.id))
        .collect()
}

/// What the change needs to know.
async fn form(desk: &Desk, kind: &str) -> Form {
    let form = desk.form_once();
    let t = |key| desk.t(key).to_owned();
    match kind {
        "category" => {
            let categories = desk.api().all_categories().await.unwrap_or_default();
            let choices = choices(&categories, desk.t("goods.no_category"));
            let field = Field::text("category", t("goods.category")).optional();
            form.with(field.kind(Kind::Select(choices)))
        }
        "add_tag" | "remove_tag" => form.with(
            Field::text("tag", t("goods_bulk.tag"))
                .max(255)
                .path("action.tag"),
        ),
        "price" => {
            let field = Field::text("percent", t("goods_bulk.percent"))
                .max(10)
                .keyboard("text");
            form.with(
                field
                    .hint(t("goods_bulk.percent_hint"))
                    .path("action.percent"),
            )
        }
        _ => form,
    }
}

/// What was asked for; none if a field is wrong, which is marked then.
fn action(desk: &Desk, kind: &str, form: &mut Form) -> Option<BulkAction> {
    let value = |name| {
        form.field(name)
            .map(|field| field.value.clone())
            .unwrap_or_default()
    };
    Some(match kind {
        "category" => BulkAction::SetCategory {
            category: value("category"),
        },
        "add_tag" => BulkAction::AddTag { tag: value("tag") },
        "remove_tag" => BulkAction::RemoveTag { tag: value("tag") },
        "price" => match percent(&value("percent")) {
            Some(percent) => BulkAction::ChangePrice { percent },
            None => {
                form.wrong("percent", desk.t("goods_bulk.percent_wrong"));
                return None;
            }
        },
        status => BulkAction::SetStatus {
            status: status.parse::<ProductStatus>().ok()?,
        },
    })
}

/// `-10`, `+2,5 %`, `−10`: a change by nothing is none.
fn percent(text: &str) -> Option<Percent> {
    let plain = text.trim().trim_end_matches('%').trim_end();
    let plain = plain.replace(',', ".").replace(['−', '–'], "-");
    let percent: Percent = plain.parse().ok()?;
    (percent.hundredths() != 0).then_some(percent)
}

fn page(
    desk: &Desk,
    chosen: Chosen,
    form: Form,
    report: BulkReport,
    status: StatusCode,
) -> Response {
    let title = |id: Uuid| {
        let known = chosen.products.iter().find(|product| product.id == id);
        known.map_or_else(|| id.to_string(), |product| product.title.clone())
    };
    let refused = report
        .items
        .iter()
        .filter(|item| item.outcome == BulkOutcome::Refused);
    let refused = refused.map(|item| {
        let error = item.error.as_ref();
        let known = error.and_then(|e| desk.texts().find(&format!("trouble.{}", e.code)));
        let why = known
            .map(str::to_owned)
            .or_else(|| error.map(|e| e.message.clone()));
        Refused {
            href: format!("{}/{}", products::PATH, item.id),
            title: title(item.id),
            why: why.unwrap_or_default(),
        }
    });
    let refused: Vec<Refused> = refused.collect();
    let titles: Vec<String> = chosen
        .products
        .iter()
        .take(SHOWN)
        .map(|p| p.title.clone())
        .collect();
    let page = BulkPage {
        page: desk.frame(Section::Products, desk.t(chosen.label)),
        hint: match chosen.kind.as_str() {
            "archived" => "goods_bulk.archived_hint",
            "active" => "goods_bulk.active_hint",
            "draft" => "goods_bulk.draft_hint",
            "price" => "goods_bulk.price_hint",
            _ => "goods_bulk.plain_hint",
        },
        danger: matches!(chosen.kind.as_str(), "archived" | "price"),
        label: chosen.label,
        count: chosen.ids.len() as i64,
        more: chosen.ids.len() as i64 - titles.len() as i64,
        titles,
        ids: chosen.ids.iter().map(Uuid::to_string).collect(),
        kind: chosen.kind,
        list: list(&chosen.back),
        back: chosen.back,
        refused,
        changed: i64::from(report.changed),
        form,
    };
    frame::show(status, &page.page, &page)
}

/// The list that the choice was made in.
fn list(back: &str) -> String {
    match back {
        "" => products::PATH.to_owned(),
        query => format!("{}?{query}", products::PATH),
    }
}

/// The list with a word on what was done; a note of before is not said again.
fn note(back: &str, code: &str) -> String {
    let kept = back
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("note="));
    let note = format!("note={code}");
    let query: Vec<&str> = kept.chain([note.as_str()]).collect();
    list(&query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_as_people_write_them() {
        let read = |text| percent(text).map(Percent::hundredths);
        assert_eq!(read("-10"), Some(-1_000));
        assert_eq!(read("−2,5 %"), Some(-250));
        assert_eq!(read("+12.25%"), Some(1_225));
        for text in ["", "0", "ten", "-101", "1.234"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_way_back_keeps_the_filters() {
        assert_eq!(
            note("q=a&note=bulk", "bulk"),
            "/admin/products?q=a&note=bulk"
        );
        assert_eq!(note("", "bulk"), "/admin/products?note=bulk");
        assert_eq!(list(""), "/admin/products");
    }
}
