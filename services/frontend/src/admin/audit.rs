//! `GET /admin/audit`: who changed what, and when. Each service keeps its own log; "all" puts the
//! latest of them together by time, and says whose log cannot be had.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use serde_json::Value;
use techcommerce_contracts::{
    Page,
    audit::{AuditEntry, AuditQuery},
    order_api::DiscountValue,
};
use techcommerce_kernel::{Error, Money, Timestamp, Uuid};

use super::{
    Desk, Frame, Section, discounts,
    form::{Choice, Field, Form, Kind},
    frame::show as answer,
    orders::{Tab, day},
    parts::{Pager, When, address},
    people::People,
};
use crate::{
    failure::Failure,
    forms::{Asked, Sent},
};

const PATH: &str = "/admin/audit";
const AREAS: [&str; 4] = ["orders", "catalogue", "accounts", "images"];
const FILTERS: [&str; 6] = ["area", "who", "object", "from", "to", "before"];
const SHOWN: usize = 40;
/// A value that is longer is cut.
const LONGEST: usize = 160;

#[derive(Template)]
#[template(path = "admin/audit.html")]
struct AuditPage {
    page: Frame,
    tabs: Vec<Tab>,
    form: Form,
    area: String,
    object: String,
    filtered: bool,
    away: Vec<String>,
    rows: Vec<Row>,
    pager: Pager,
}

struct Row {
    at: When,
    who: String,
    what: String,
    object: String,
    href: Option<String>,
    changes: Vec<Change>,
}

struct Change {
    field: String,
    from: Option<String>,
    to: String,
}

/// The log.
///
/// # Errors
/// The one log that is asked for cannot be had.
pub async fn show(desk: Desk, Asked(sent): Asked) -> Result<Response, Failure> {
    let people = People::of(&desk).await;
    let mut form = filters(&desk, &people, &sent).filled(&sent);
    let query = query(&desk, &mut form, &sent);
    let area = AREAS.into_iter().find(|area| *area == sent.text("area"));
    let (entries, pager, away) = match area {
        Some(area) => {
            let found = desk.api().audit(area, &query).await?;
            let pager = Pager::new(PATH, &sent, &FILTERS, found.next_cursor);
            (found.items, pager, Vec::new())
        }
        None => all(&desk, &sent, query).await,
    };
    let page = desk.frame(Section::Audit, desk.t("desk.audit"));
    let row = |entry: &AuditEntry| Row {
        at: page.when(entry.at),
        who: people.name(&desk, &entry.actor),
        what: words_of(&page, &entry.action),
        object: match entry.object_title.as_str() {
            "" => entry.object_id.clone(),
            title => title.to_owned(),
        },
        href: link(entry),
        changes: changes(&page, &entry.change),
    };
    let named = ["who", "object", "from", "to"];
    let view = AuditPage {
        tabs: tabs(&desk, area),
        area: area.unwrap_or_default().to_owned(),
        object: sent.text("object").to_owned(),
        filtered: named.iter().any(|name| !sent.text(name).is_empty()),
        away,
        rows: entries.iter().map(row).collect(),
        pager,
        form,
        page,
    };
    Ok(answer(StatusCode::OK, &view.page, &view))
}

/// The latest of all logs, newest first. The way on is the time of the last one that is shown.
async fn all(
    desk: &Desk,
    sent: &Sent,
    mut query: AuditQuery,
) -> (Vec<AuditEntry>, Pager, Vec<String>) {
    if let Ok(before) = sent.text("before").parse::<Timestamp>() {
        query.to = Some(query.to.map_or(before, |to| to.min(before)));
    }
    query.cursor = None;
    let (api, query) = (desk.api(), &query);
    let [orders, catalogue, accounts, images] =
        AREAS.map(|area| async move { (area, api.audit(area, query).await) });
    let logs: [(&str, Result<Page<AuditEntry>, Error>); 4] =
        tokio::join!(orders, catalogue, accounts, images).into();
    let (mut entries, mut away, mut more) = (Vec::new(), Vec::new(), false);
    for (area, log) in logs {
        match log {
            Ok(log) => {
                more |= log.next_cursor.is_some();
                entries.extend(log.items);
            }
            Err(_) => away.push(desk.t(&format!("audit.area_{area}")).to_owned()),
        }
    }
    entries.sort_by(|a, b| b.at.cmp(&a.at).then(b.id.cmp(&a.id)));
    // What happened in one moment is not torn apart, or the next page would leave some of it out.
    let mut shown = entries.len().min(SHOWN);
    while shown > 0 && shown < entries.len() && entries[shown].at == entries[shown - 1].at {
        shown += 1;
    }
    more |= shown < entries.len();
    entries.truncate(shown);
    let kept: Vec<(&str, String)> = ["who", "object", "from", "to"]
        .into_iter()
        .map(|name| (name, sent.text(name).to_owned()))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let next = entries.last().filter(|_| more).map(|last| {
        let mut fields = kept.clone();
        fields.push(("before", last.at.to_rfc3339()));
        address(PATH, &fields)
    });
    let first = (!sent.text("before").is_empty()).then(|| address(PATH, &kept));
    (entries, Pager { first, next }, away)
}

fn tabs(desk: &Desk, chosen: Option<&str>) -> Vec<Tab> {
    let tab = |area: Option<&'static str>| Tab {
        text: match area {
            Some(area) => desk.t(&format!("audit.area_{area}")).to_owned(),
            None => desk.t("audit.all").to_owned(),
        },
        href: match area {
            Some(area) => address(PATH, &[("area", area)]),
            None => PATH.to_owned(),
        },
        current: area == chosen,
    };
    std::iter::once(None)
        .chain(AREAS.into_iter().map(Some))
        .map(tab)
        .collect()
}

fn filters(desk: &Desk, people: &People, sent: &Sent) -> Form {
    let mut names = vec![Choice::new("", desk.t("orders.any"))];
    names.extend(
        people
            .all()
            .into_iter()
            .map(|(id, name)| Choice::new(id, name)),
    );
    let who = sent.text("who");
    if !names.iter().any(|choice| choice.value == who) {
        names.push(Choice::new(who, people.name(desk, who)));
    }
    let date = |name: &str, key: &str| {
        Field::text(name, desk.t(key))
            .kind(Kind::Input("date"))
            .optional()
    };
    desk.form()
        .with(
            Field::text("who", desk.t("audit.who"))
                .kind(Kind::Select(names))
                .optional(),
        )
        .with(date("from", "orders.from"))
        .with(date("to", "orders.to"))
}

fn query(desk: &Desk, form: &mut Form, sent: &Sent) -> AuditQuery {
    let text = |name: &str| Some(sent.text(name).to_owned()).filter(|text| !text.is_empty());
    let from = day(desk, form, sent, "from");
    let to = day(desk, form, sent, "to");
    AuditQuery {
        actor: text("who"),
        object_id: text("object"),
        from,
        to,
        limit: u32::try_from(SHOWN).ok(),
        cursor: text("cursor"),
        ..AuditQuery::default()
    }
}

/// `product.update` in words, if there are any.
fn words_of(page: &Frame, action: &str) -> String {
    let key = format!("did.{}", action.replace('.', "_"));
    page.texts().find(&key).unwrap_or(action).to_owned()
}

fn link(entry: &AuditEntry) -> Option<String> {
    let id = &entry.object_id;
    let start = match entry.object_kind.as_str() {
        _ if entry.action.ends_with(".delete") || id.contains(['/', '?', '#', '.']) => return None,
        "order" => "/admin/orders/",
        "account" => "/admin/customers/",
        "product" => "/admin/products/",
        "variant" => "/admin/stock/",
        "discount" => "/admin/discounts/edit/",
        _ => return None,
    };
    Some(format!("{start}{id}"))
}

/// What a reader wants to know: nothing that is empty, no ids.
fn changes(page: &Frame, change: &Value) -> Vec<Change> {
    let Value::Object(fields) = change else {
        return Vec::new();
    };
    let change = |(field, value): (&String, &Value)| {
        let (from, to) = match (value.get("from"), value.get("to")) {
            (Some(from), Some(to)) => (Some(told(page, from)?), told(page, to)?),
            _ if is_empty(value) => return None,
            _ => (None, told(page, value)?),
        };
        let known = page.texts().find(&format!("fact.{field}"));
        Some(Change {
            field: known.map_or_else(|| field.replace('_', " "), str::to_owned),
            from,
            to,
        })
    };
    fields.iter().filter_map(change).collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A value for a person; none if it is an id.
fn told(page: &Frame, value: &Value) -> Option<String> {
    let text = match value {
        _ if is_empty(value) => "–".to_owned(),
        Value::String(text) if text.parse::<Uuid>().is_ok() => return None,
        Value::String(text) => match text.parse::<Timestamp>() {
            Ok(time) => page.when(time).text,
            Err(_) => text.clone(),
        },
        Value::Bool(true) => page.t("fact.yes").to_owned(),
        Value::Bool(false) => page.t("fact.no").to_owned(),
        Value::Object(_) => object(page, value),
        other => other.to_string(),
    };
    Some(match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    })
}

/// Money and discounts as they are written elsewhere.
fn object(page: &Frame, value: &Value) -> String {
    if let Ok(money) = serde_json::from_value::<Money>(value.clone()) {
        return page.money(money);
    }
    match serde_json::from_value::<DiscountValue>(value.clone()) {
        Ok(discount) => discounts::value(page, discount),
        Err(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::testing::{ADMIN, Fake, STAFF, Site};

    #[tokio::test]
    async fn all_logs_in_one_newest_first() {
        let site = Site::new().await;
        let page = site
            .get_as("/admin/audit", STAFF)
            .await
            .expect(StatusCode::OK);
        page.has(&[
            "changed a product",
            "Oak bowl",
            "Grace Hopper",
            "gave money back",
            &format!("href=\"/admin/orders/{}\"", Fake::ORDER),
            "€30.00",
            "€25.00",
        ]);
        let position = |text: &str| page.body.find(text).unwrap();
        assert!(position("gave money back") < position("changed a product"));
        page.is_accessible();
        let site = Site::with(Fake::default().away("/api/audit/catalogue")).await;
        let page = site
            .get_as("/admin/audit", STAFF)
            .await
            .expect(StatusCode::OK);
        page.has(&[
            "gave money back",
            "Catalogue: This part of the page cannot be shown",
        ]);
    }

    #[tokio::test]
    async fn one_log_one_person_one_day() {
        let site = Site::new().await;
        let who = format!("account%3A{}", Fake::ORDER);
        let address = format!("/admin/audit?area=orders&who={who}&from=2027-01-01&object=x");
        let page = site.get_as(&address, ADMIN).await.expect(StatusCode::OK);
        page.has(&["aria-current=\"page\">Orders", "selected>Grace Hopper"]);
        page.lacks(&["changed a product"]);
        let asked = site.asked("/api/audit/orders");
        for part in [&format!("actor={who}"), "from=2027-01-01T00", "object_id=x"] {
            assert!(asked.contains(part), "{part} in {asked}");
        }
        assert!(!site.was_asked_for("/api/audit/catalogue"));
    }
}
