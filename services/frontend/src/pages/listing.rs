//! What all lists of products have in common: filters, order, pages.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use techcommerce_contracts::product_api::{ProductQuery, ProductSort};
use techcommerce_kernel::Kind;

use crate::{
    catalogue::Card,
    failure::Failure,
    forms::Sent,
    money,
    page::{Note, Page, render, see_other},
    shop::Shop,
    visitor::Visitor,
};

/// Products on a page of a list.
const LIMIT: u32 = 24;

#[derive(Template)]
#[template(path = "list.html")]
struct List {
    page: Page,
    heading: String,
    lead: Option<String>,
    filters: Option<Filters>,
    cards: Vec<Card>,
    first: Option<String>,
    next: Option<String>,
    empty: Option<Empty>,
}

/// What a list says when it is empty.
#[derive(Debug, Clone)]
pub struct Empty {
    /// In large.
    pub title: String,
    /// What to do.
    pub text: String,
}

/// The filters as the form shows them.
struct Filters {
    action: String,
    query: Option<String>,
    sorts: Vec<SortChoice>,
    from: String,
    to: String,
    in_stock: bool,
    on_sale: bool,
    active: bool,
    clear: String,
}

struct SortChoice {
    value: &'static str,
    label: &'static str,
    chosen: bool,
}

/// Which list it is.
#[derive(Debug)]
pub struct Subject {
    /// The list's path, as `/products`.
    pub path: String,
    /// The words searched for.
    pub query: Option<String>,
    /// The category's handle.
    pub category: Option<String>,
    /// The large heading.
    pub heading: String,
    /// A sentence below it.
    pub lead: Option<String>,
    /// What to say when there is nothing and no filter is to blame.
    pub empty: Empty,
}

/// The filters in an address. Prices are whole units as people write them.
#[derive(Debug, Clone, Default, Serialize)]
struct Chosen {
    #[serde(skip_serializing_if = "String::is_empty")]
    q: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    sort: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    from: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_stock: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_sale: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Chosen {
    fn address(&self, path: &str) -> String {
        match serde_urlencoded::to_string(self) {
            Ok(query) if !query.is_empty() => format!("{path}?{query}"),
            _ => path.to_owned(),
        }
    }

    fn is_active(&self) -> bool {
        let texts = [&self.sort, &self.from, &self.to];
        texts.iter().any(|text| !text.is_empty())
            || self.in_stock.is_some()
            || self.on_sale.is_some()
    }
}

const SORTS: [(&str, &str, ProductSort); 5] = [
    ("relevance", "list.sort_relevance", ProductSort::Relevance),
    ("newest", "list.sort_newest", ProductSort::Newest),
    ("price", "list.sort_price_up", ProductSort::Price),
    (
        "-price",
        "list.sort_price_down",
        ProductSort::PriceDescending,
    ),
    ("title", "list.sort_title", ProductSort::Title),
];

/// The list that `subject` and the filters in `sent` ask for.
///
/// # Errors
/// The catalogue does not answer.
pub async fn list(
    shop: &Shop,
    visitor: &Visitor,
    subject: Subject,
    sent: &Sent,
) -> Result<Response, Failure> {
    let searching = subject.query.is_some();
    let sorts = SORTS
        .iter()
        .filter(|(value, ..)| searching || *value != "relevance");
    let usual = if searching { "relevance" } else { "newest" };
    let wanted = sorts
        .clone()
        .find(|(value, ..)| *value == sent.text("sort"));
    let price = |name| match sent.text(name) {
        "" => Ok(None),
        text => money::from_form(text, shop.settings.currency)
            .map(Some)
            .ok_or(()),
    };
    let (min_price, max_price) = (price("from"), price("to"));
    let misread = min_price.is_err()
        || max_price.is_err()
        || (wanted.is_none() && !sent.text("sort").is_empty());
    let flag = |name| (sent.text(name) == "true").then_some(true);
    let keep = |name, good: bool| {
        if good {
            sent.text(name).to_owned()
        } else {
            String::new()
        }
    };
    let chosen = Chosen {
        q: subject.query.clone().unwrap_or_default(),
        sort: wanted
            .filter(|w| w.0 != usual)
            .map_or_else(String::new, |w| w.0.to_owned()),
        from: keep("from", min_price.is_ok()),
        to: keep("to", max_price.is_ok()),
        in_stock: flag("in_stock"),
        on_sale: flag("on_sale"),
        cursor: Some(sent.text("cursor").to_owned()).filter(|cursor| !cursor.is_empty()),
    };
    let query = ProductQuery {
        q: subject.query.clone(),
        category: subject.category.clone(),
        min_price: min_price.unwrap_or_default(),
        max_price: max_price.unwrap_or_default(),
        in_stock: chosen.in_stock,
        on_sale: chosen.on_sale,
        sort: wanted.map(|(_, _, sort)| *sort),
        limit: Some(LIMIT),
        cursor: chosen.cursor.clone(),
        ..ProductQuery::default()
    };
    let api = shop.api(visitor);
    let (page, found) = tokio::join!(shop.page(visitor), api.products(&query));
    let found = match found {
        // An old bookmark, most likely: the list's beginning is the nearest thing to it.
        Err(error) if error.kind() == Kind::Invalid && chosen.cursor.is_some() => {
            let beginning = Chosen {
                cursor: None,
                ..chosen
            };
            return see_other(&beginning.address(&subject.path));
        }
        answer => answer?,
    };

    let active = chosen.is_active();
    let plain = Chosen {
        q: chosen.q.clone(),
        ..Chosen::default()
    };
    let beginning = Chosen {
        cursor: None,
        ..chosen.clone()
    };
    let further = found.next_cursor.map(|cursor| Chosen {
        cursor: Some(cursor),
        ..chosen.clone()
    });
    let empty = match active || chosen.cursor.is_some() {
        true => Empty {
            title: page.t("list.empty_title").to_owned(),
            text: page.t("list.empty_text").to_owned(),
        },
        false => subject.empty,
    };
    let cards: Vec<Card> = found
        .items
        .iter()
        .map(|p| Card::of(p, page.texts()))
        .collect();
    let mut page = page.titled(&subject.heading);
    page.here = subject.category.clone().unwrap_or_else(|| {
        if searching {
            String::new()
        } else {
            "products".to_owned()
        }
    });
    page.query = chosen.q.clone();
    page.description = subject.lead.clone();
    if !searching && !active && chosen.cursor.is_none() {
        page = page.found_at(&subject.path);
    }
    if misread {
        page.notes.push(Note {
            text: page.t("list.bad_filter").to_owned(),
            bad: true,
        });
    }
    let list = List {
        heading: subject.heading,
        lead: subject.lead,
        filters: (active || !cards.is_empty()).then(|| Filters {
            action: subject.path.clone(),
            query: subject.query,
            sorts: sorts
                .map(|(value, label, _)| SortChoice {
                    value,
                    label,
                    chosen: *value == wanted.map_or(usual, |w| w.0),
                })
                .collect(),
            from: chosen.from.clone(),
            to: chosen.to.clone(),
            in_stock: chosen.in_stock.is_some(),
            on_sale: chosen.on_sale.is_some(),
            active,
            clear: plain.address(&subject.path),
        }),
        first: chosen
            .cursor
            .is_some()
            .then(|| beginning.address(&subject.path)),
        next: further.map(|further| further.address(&subject.path)),
        empty: cards.is_empty().then_some(empty),
        cards,
        page,
    };
    Ok(render(StatusCode::OK, &list.page, &list))
}
