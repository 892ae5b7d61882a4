//! `GET /admin/products`: what there is, found and filtered, to open or to choose for a change.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use techcommerce_contracts::product_api::{Category, Product, ProductQuery, ProductStatus};
use techcommerce_kernel::Kind as ErrorKind;

use crate::{
    admin::{
        Desk, Frame, Section,
        form::Choice,
        frame,
        parts::{Badge, Pager, address},
    },
    catalogue::Picture,
    failure::Failure,
    forms::{Asked, Sent},
    i18n::Texts,
    page::see_other,
};

pub const PATH: &str = "/admin/products";
/// Products on a page; as many may be changed at once.
const LIMIT: u32 = 50;
/// Filters that the way to the next page keeps.
const FILTERS: [&str; 3] = ["q", "status", "category"];

#[derive(Template)]
#[template(path = "admin/catalogue/products.html")]
struct ProductsPage {
    page: Frame,
    tabs: Vec<Tab>,
    query: String,
    status: &'static str,
    categories: Vec<Choice>,
    category: String,
    filtered: bool,
    rows: Vec<Row>,
    actions: Vec<Choice>,
    /// The query of this page, to come back to.
    back: String,
    pager: Pager,
}

/// The products of one status.
struct Tab {
    href: String,
    label: &'static str,
    count: Option<i64>,
    current: bool,
}

/// A product as the list shows it.
struct Row {
    id: String,
    href: String,
    title: String,
    picture: Option<Picture>,
    variants: i64,
    price: String,
    stock: Badge,
    category: String,
}

/// What can be done with many products: as it is sent, and the key of its words.
pub const ACTIONS: [(&str, &str); 7] = [
    ("active", "goods_bulk.active"),
    ("draft", "goods_bulk.draft"),
    ("archived", "goods_bulk.archived"),
    ("category", "goods_bulk.category"),
    ("add_tag", "goods_bulk.add_tag"),
    ("remove_tag", "goods_bulk.remove_tag"),
    ("price", "goods_bulk.price"),
];

/// A status, the key of what one product is called then, and that of the list of all.
pub const STATUSES: [(ProductStatus, &str, &str); 3] = [
    (
        ProductStatus::Active,
        "goods.status_active",
        "goods.all_active",
    ),
    (
        ProductStatus::Draft,
        "goods.status_draft",
        "goods.all_draft",
    ),
    (
        ProductStatus::Archived,
        "goods.status_archived",
        "goods.all_archived",
    ),
];

/// Which products a query asks for.
pub fn query_of(sent: &Sent) -> ProductQuery {
    let some = |name| Some(sent.text(name).to_owned()).filter(|text| !text.is_empty());
    ProductQuery {
        q: some("q"),
        category: some("category"),
        status: Some(sent.text("status").parse().unwrap_or_default()),
        limit: Some(LIMIT),
        cursor: some("cursor"),
        ..ProductQuery::default()
    }
}

/// The list.
///
/// # Errors
/// The catalogue does not answer.
pub async fn show(desk: Desk, Asked(sent): Asked) -> Result<Response, Failure> {
    let query = query_of(&sent);
    let api = desk.api();
    let (found, counts, categories) = tokio::join!(
        api.goods(&query),
        api.product_counts(),
        api.all_categories()
    );
    let found = match found {
        // An old bookmark, most likely: the list's beginning is the nearest thing to it.
        Err(error) if error.kind() == ErrorKind::Invalid && query.cursor.is_some() => {
            return see_other(&kept(&sent, None));
        }
        answer => answer?,
    };
    let texts = desk.texts();
    let chosen = query.status.unwrap_or_default();
    let categories = categories.unwrap_or_default();
    let counts = counts.ok();
    let tab = |(status, _, label): (ProductStatus, &'static str, &'static str)| Tab {
        href: kept(&sent, Some(status)),
        label,
        count: counts.map(|counts| match status {
            ProductStatus::Active => counts.active,
            ProductStatus::Draft => counts.draft,
            ProductStatus::Archived => counts.archived,
        }),
        current: status == chosen,
    };
    let frame = desk.frame(Section::Products, desk.t("goods.title"));
    let page = ProductsPage {
        tabs: STATUSES.into_iter().map(tab).collect(),
        query: sent.text("q").to_owned(),
        status: chosen.name(),
        category: sent.text("category").to_owned(),
        filtered: query.q.is_some() || query.category.is_some() || query.cursor.is_some(),
        rows: found
            .items
            .iter()
            .map(|p| row(p, &frame, &categories))
            .collect(),
        categories: choices(&categories, texts.get("goods.any_category")),
        actions: ACTIONS
            .iter()
            .map(|(value, key)| choice(value, texts.get(key)))
            .collect(),
        back: desk
            .visitor
            .address
            .split_once('?')
            .map_or("", |(_, query)| query)
            .to_owned(),
        pager: Pager::new(PATH, &sent, &FILTERS, found.next_cursor),
        page: frame,
    };
    Ok(frame::show(StatusCode::OK, &page.page, &page))
}

/// The list with the same filters, from its beginning.
fn kept(sent: &Sent, status: Option<ProductStatus>) -> String {
    let filter = |name: &'static str| match (name, status) {
        ("status", Some(status)) => (name, status.name()),
        _ => (name, sent.text(name)),
    };
    let filters = FILTERS
        .map(filter)
        .into_iter()
        .filter(|(_, value)| !value.is_empty());
    address(PATH, &filters.collect::<Vec<_>>())
}

pub fn choice(value: &str, text: &str) -> Choice {
    Choice {
        value: value.to_owned(),
        text: text.to_owned(),
    }
}

/// The categories to choose from, after `none`.
pub fn choices(categories: &[Category], none: &str) -> Vec<Choice> {
    let known = categories
        .iter()
        .map(|c| choice(c.handle.as_str(), &c.title));
    std::iter::once(choice("", none)).chain(known).collect()
}

fn row(product: &Product, frame: &Frame, categories: &[Category]) -> Row {
    let category = product.category.as_deref().unwrap_or_default();
    let known = categories.iter().find(|c| c.handle.as_str() == category);
    let picture = product.images.iter().find_map(Picture::of);
    Row {
        id: product.id.to_string(),
        href: format!("{PATH}/{}", product.id),
        title: product.title.clone(),
        picture: picture.map(|picture| Picture {
            // The title stands beside it.
            alt: String::new(),
            ..picture
        }),
        variants: product.variants.len() as i64,
        price: prices(product, frame),
        stock: stock(product, frame.texts()),
        category: known.map_or(category, |c| &c.title).to_owned(),
    }
}

/// What the variants cost: one price, or from the lowest to the highest.
fn prices(product: &Product, frame: &Frame) -> String {
    let by_amount = |variant: &&techcommerce_contracts::product_api::Variant| variant.price.amount;
    let lowest = product.variants.iter().min_by_key(by_amount);
    let highest = product.variants.iter().max_by_key(by_amount);
    match (lowest, highest) {
        (Some(low), Some(high)) if low.price == high.price => frame.money(low.price),
        (Some(low), Some(high)) => {
            format!("{} – {}", frame.money(low.price), frame.money(high.price))
        }
        _ => String::new(),
    }
}

/// How many can be sold, over all variants that are counted.
fn stock(product: &Product, texts: &Texts) -> Badge {
    let counted: Vec<i64> = product
        .variants
        .iter()
        .filter_map(|v| v.available)
        .collect();
    if counted.is_empty() {
        return Badge::new(texts, "goods.not_counted", "");
    }
    let sum: i64 = counted.iter().sum();
    let few = counted.iter().filter(|count| **count < super::stock::LOW);
    let few = few.count() as i64;
    let left = texts.count("goods.available", sum);
    if !product.variants.iter().any(|v| v.can_sell(1)) {
        return Badge {
            text: left,
            tone: "bad",
        };
    }
    Badge {
        text: match few {
            0 => left,
            _ if counted.len() == 1 => left,
            few => format!("{left}, {}", texts.count("goods.few", few)),
        },
        tone: if few > 0 { "warn" } else { "" },
    }
}
