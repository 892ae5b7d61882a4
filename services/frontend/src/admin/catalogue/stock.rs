//! `GET /admin/stock`: how many there are of what; counted and corrected in the list itself.

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use techcommerce_contracts::{
    codes,
    product_api::{StockAdjustment, StockInput, StockItem, StockQuery},
};
use techcommerce_kernel::{Error, Kind as ErrorKind, Uuid};

use super::products::choice;
use crate::{
    admin::{
        Desk, Frame, Section,
        form::{Field, Form, Kind},
        frame,
        parts::{Badge, Pager},
    },
    failure::Failure,
    forms::{Asked, Sent},
    i18n::Texts,
    page::see_other,
};

pub const PATH: &str = "/admin/stock";
/// Fewer than these are low.
pub const LOW: i64 = 5;
const LIMIT: u32 = 50;
/// More than any shop holds.
const MOST: i64 = 1_000_000_000;

#[derive(Template)]
#[template(path = "admin/catalogue/stock.html")]
struct StockPage {
    page: Frame,
    query: String,
    /// Only what has fewer than these left.
    below: Option<i64>,
    few: i64,
    filtered: bool,
    rows: Vec<Row>,
    back: String,
    pager: Pager,
    hint_low: String,
}

struct Row {
    id: Uuid,
    href: String,
    product: String,
    title: String,
    variant: String,
    sku: String,
    on_hand: i64,
    reserved: i64,
    available: Option<Badge>,
    form: Form,
    open: bool,
}

/// A change that was refused, to be shown where it was made.
struct Tried {
    variant: Uuid,
    form: Form,
}

/// The list.
///
/// # Errors
/// The catalogue does not answer.
pub async fn show(desk: Desk, Asked(sent): Asked) -> Result<Response, Failure> {
    list(&desk, &sent, None).await
}

/// `POST /admin/stock/{variant}`: what was counted, or what came or went.
///
/// # Errors
/// There is no such variant, or the catalogue does not answer.
pub async fn change(
    desk: Desk,
    Path(variant): Path<Uuid>,
    sent: Sent,
) -> Result<Response, Failure> {
    let mut form = form(&desk, variant).filled(&sent);
    let back = sent.text("back");
    if form.check()
        && let Some(change) = Change::read(&sent)
    {
        match change.carry_out(&desk, variant, form.key()).await {
            Ok(()) => return see_other(&address(back, Some("stock"))),
            Err(error) if error.code() == codes::STOCK_BELOW_ZERO => {
                form.wrong("count", desk.t("goods_stock.below_zero"));
            }
            Err(error) if matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Unprocessable) => {
                form.told(&error);
            }
            Err(error) => return Err(error.into()),
        }
    } else if Change::read(&sent).is_none() {
        form.wrong("count", desk.t("goods_wrong.count"));
    }
    if let Some(page) = back.strip_prefix("movements:") {
        return super::movements::refused(&desk, variant, page, form).await;
    }
    let filters = Sent::parse(back.as_bytes()).unwrap_or_default();
    list(&desk, &filters, Some(Tried { variant, form })).await
}

/// What is done to the stock of a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    Count { on_hand: i64, reason: String },
    Add { delta: i64, reason: String },
}

impl Change {
    /// None if the number is none.
    fn read(sent: &Sent) -> Option<Self> {
        let text = sent.text("count").replace(['−', '–'], "-");
        let number: i64 = text.strip_prefix('+').unwrap_or(&text).parse().ok()?;
        let reason = sent.text("reason").to_owned();
        let bounds = -MOST..=MOST;
        if !bounds.contains(&number) {
            return None;
        }
        match sent.text("mode") {
            "came" if number > 0 => Some(Self::Add {
                delta: number,
                reason,
            }),
            "went" if number > 0 => Some(Self::Add {
                delta: -number,
                reason,
            }),
            "counted" if number >= 0 => Some(Self::Count {
                on_hand: number,
                reason,
            }),
            _ => None,
        }
    }

    async fn carry_out(self, desk: &Desk, variant: Uuid, key: &str) -> Result<(), Error> {
        let api = desk.api();
        match self {
            Self::Count { on_hand, reason } => {
                let reason = Some(reason).filter(|reason| !reason.is_empty());
                let input = StockInput { on_hand, reason };
                api.set_stock(variant, &input).await.map(drop)
            }
            Self::Add { delta, reason } => {
                let reason = match reason.as_str() {
                    "" if delta > 0 => desk.t("goods_stock.came").to_owned(),
                    "" => desk.t("goods_stock.went").to_owned(),
                    _ => reason,
                };
                let input = StockAdjustment { delta, reason };
                api.adjust_stock(variant, key, &input).await.map(drop)
            }
        }
    }
}

/// The form that changes the stock of a variant; a page has many of them.
pub fn form(desk: &Desk, variant: Uuid) -> Form {
    let t = |key| desk.t(key).to_owned();
    let modes = ["counted", "came", "went"];
    let modes = modes.map(|mode| choice(mode, desk.texts().get(&format!("goods_stock.{mode}"))));
    desk.form_once()
        .with(
            Field::text("mode", t("goods_stock.mode"))
                .id(format!("mode-{variant}"))
                .kind(Kind::Select(modes.into())),
        )
        .with(
            Field::text("count", t("goods_stock.count"))
                .id(format!("count-{variant}"))
                .max(12)
                .keyboard("numeric")
                .path("on_hand")
                .path("delta"),
        )
        .with(
            Field::text("reason", t("goods_stock.reason"))
                .id(format!("reason-{variant}"))
                .max(255)
                .optional(),
        )
}

async fn list(desk: &Desk, sent: &Sent, tried: Option<Tried>) -> Result<Response, Failure> {
    let some = |name| Some(sent.text(name).to_owned()).filter(|text| !text.is_empty());
    let below = sent
        .number("below")
        .filter(|count| (1..=MOST).contains(count));
    let query = StockQuery {
        q: some("q"),
        below,
        limit: Some(LIMIT),
        cursor: some("cursor"),
    };
    let found = match desk.api().stock(&query).await {
        Err(error) if error.kind() == ErrorKind::Invalid && query.cursor.is_some() => {
            return see_other(PATH);
        }
        answer => answer?,
    };
    let refused = tried.is_some();
    let mut tried = tried;
    let mut row = |item: &StockItem| {
        let mine = tried.take_if(|tried| tried.variant == item.variant_id);
        let open = mine.is_some();
        let form = mine.map_or_else(|| form(desk, item.variant_id), |tried| tried.form);
        row(item, desk.texts(), form, open)
    };
    let mut page = desk.frame(Section::Stock, desk.t("goods_stock.title"));
    let rows: Vec<Row> = found.items.iter().map(&mut row).collect();
    if let Some(tried) = tried {
        // The list has moved on under the change; what is wrong is told all the same.
        for problem in tried.form.problems {
            page = page.warn(problem.text);
        }
    }
    let fields: Vec<(&str, &str)> = ["q", "below", "cursor"]
        .into_iter()
        .map(|name| (name, sent.text(name)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let page = StockPage {
        query: sent.text("q").to_owned(),
        below,
        few: below.unwrap_or(LOW),
        filtered: below.is_some() || query.q.is_some() || query.cursor.is_some(),
        rows,
        back: serde_urlencoded::to_string(&fields).map_err(Error::internal)?,
        pager: Pager::new(PATH, sent, &["q", "below"], found.next_cursor),
        hint_low: desk.texts().with("goods_stock.low", below.unwrap_or(LOW)),
        page,
    };
    let status = match refused {
        true => StatusCode::UNPROCESSABLE_ENTITY,
        false => StatusCode::OK,
    };
    Ok(frame::show(status, &page.page, &page))
}

fn row(item: &StockItem, texts: &Texts, form: Form, open: bool) -> Row {
    Row {
        id: item.variant_id,
        href: format!("{PATH}/{}?product={}", item.variant_id, item.product_id),
        product: format!("/admin/products/{}", item.product_id),
        title: item.product_title.clone(),
        variant: item.variant_title.clone(),
        sku: item.sku.clone().unwrap_or_default(),
        on_hand: item.on_hand,
        reserved: item.reserved,
        available: item
            .track_inventory
            .then(|| available(item.available, texts)),
        form,
        open,
    }
}

/// How many can be sold, coloured by how urgent it is.
pub fn available(count: i64, texts: &Texts) -> Badge {
    let tone = match count {
        ..=0 => "bad",
        count if count < LOW => "warn",
        _ => "",
    };
    Badge {
        text: texts.count("goods.available", count),
        tone,
    }
}

/// The list, or the page of movements, that the form stood on.
fn address(back: &str, note: Option<&str>) -> String {
    let (path, query) = match back.strip_prefix("movements:") {
        Some(rest) => {
            let plain = |text: &str| text.parse::<Uuid>().is_ok();
            let (variant, product) = rest.split_once(':').unwrap_or((rest, ""));
            if !plain(variant) {
                return PATH.to_owned();
            }
            let query = if plain(product) {
                format!("product={product}")
            } else {
                String::new()
            };
            (format!("{PATH}/{variant}"), query)
        }
        None => (PATH.to_owned(), back.to_owned()),
    };
    let kept = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("note="));
    let note = note.map(|note| format!("note={note}"));
    let query: Vec<&str> = kept.chain(note.as_deref()).collect();
    match query.is_empty() {
        true => path,
        false => format!("{path}?{}", query.join("&")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Option<Change> {
        Change::read(&Sent::parse(query.as_bytes()).unwrap())
    }

    #[test]
    fn numbers_mean_what_the_mode_says() {
        let reason = String::new;
        assert_eq!(
            read("mode=counted&count=0"),
            Some(Change::Count {
                on_hand: 0,
                reason: reason()
            })
        );
        assert_eq!(
            read("mode=came&count=%2B5"),
            Some(Change::Add {
                delta: 5,
                reason: reason()
            })
        );
        assert_eq!(
            read("mode=went&count=5"),
            Some(Change::Add {
                delta: -5,
                reason: reason()
            })
        );
        for wrong in [
            "mode=came&count=0",
            "mode=went&count=-1",
            "mode=counted&count=x",
            "count=1",
            "mode=counted&count=-1",
            "mode=counted&count=9999999999",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_way_back_leads_nowhere_else() {
        let id = "0193a1b2-0000-7000-8000-000000000001";
        assert_eq!(
            address("q=a&note=stock", Some("stock")),
            "/admin/stock?q=a&note=stock"
        );
        let there = format!("/admin/stock/{id}?product={id}&note=stock");
        assert_eq!(
            address(&format!("movements:{id}:{id}"), Some("stock")),
            there
        );
        assert_eq!(
            address("movements:../../evil", Some("stock")),
            "/admin/stock"
        );
    }
}
