//! `GET /admin/discounts`: all discount codes.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use techcommerce_contracts::order_api::{Discount, DiscountQuery, DiscountState, DiscountValue};

use super::{
    Desk, Frame, Section,
    form::{Choice, Field, Form, Kind},
    frame::show as answer,
    parts::{Badge, Pager, When},
};
use crate::{failure::Failure, forms::Asked};

/// The list's address.
pub const PATH: &str = "/admin/discounts";
const FILTERS: [&str; 2] = ["q", "active"];

#[derive(Template)]
#[template(path = "admin/discounts.html")]
struct DiscountsPage {
    page: Frame,
    form: Form,
    filtered: bool,
    rows: Vec<Row>,
    pager: Pager,
}

struct Row {
    href: String,
    code: String,
    value: String,
    conditions: Vec<String>,
    badge: Badge,
    from: Option<When>,
    until: Option<When>,
    used: String,
}

/// The list.
///
/// # Errors
/// Orders do not answer.
pub async fn show(desk: Desk, Asked(sent): Asked) -> Result<Response, Failure> {
    let text = |name: &str| Some(sent.text(name).to_owned()).filter(|text| !text.is_empty());
    let query = DiscountQuery {
        q: text("q"),
        active: match sent.text("active") {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        },
        limit: Some(50),
        cursor: text("cursor"),
    };
    let found = desk.api().discounts(&query).await?;
    let page = desk.frame(Section::Discounts, desk.t("desk.discounts"));
    let choices = vec![
        Choice::new("", desk.t("orders.any")),
        Choice::new("yes", desk.t("discount.only_active")),
        Choice::new("no", desk.t("discount.only_inactive")),
    ];
    let view = DiscountsPage {
        form: desk
            .form()
            .with(
                Field::text("q", desk.t("discount.find"))
                    .kind(Kind::Input("search"))
                    .optional(),
            )
            .with(
                Field::text("active", desk.t("discount.state"))
                    .kind(Kind::Select(choices))
                    .optional(),
            )
            .filled(&sent),
        filtered: FILTERS.iter().any(|name| !sent.text(name).is_empty()),
        rows: found
            .items
            .iter()
            .map(|discount| row(&page, discount))
            .collect(),
        pager: Pager::new(PATH, &sent, &FILTERS, found.next_cursor),
        page,
    };
    Ok(answer(StatusCode::OK, &view.page, &view))
}

fn row(page: &Frame, discount: &Discount) -> Row {
    let mut conditions = Vec::new();
    if let Some(minimum) = discount.minimum {
        conditions.push(page.tv("discount.from_minimum", page.money(minimum)));
    }
    if discount.once_per_customer {
        conditions.push(page.t("discount.once").to_owned());
    }
    Row {
        href: format!("{PATH}/edit/{}", discount.code),
        code: discount.code.clone(),
        value: value(page, discount.value),
        conditions,
        badge: state(page, discount.state),
        from: discount.starts_at.map(|at| page.when(at)),
        until: discount.ends_at.map(|at| page.when(at)),
        used: match discount.usage_limit {
            Some(limit) => format!("{} / {limit}", discount.used),
            None => discount.used.to_string(),
        },
    }
}

/// Whether it can be used now.
pub fn state(page: &Frame, state: DiscountState) -> Badge {
    let tone = match state {
        DiscountState::Active => "good",
        DiscountState::Scheduled => "warn",
        DiscountState::Expired | DiscountState::UsedUp | DiscountState::Inactive => "",
    };
    Badge::new(page.texts(), &format!("discount.is_{}", state.name()), tone)
}

/// What it takes off.
pub fn value(page: &Frame, value: DiscountValue) -> String {
    match value {
        DiscountValue::Percent { basis_points } => {
            format!("{}\u{a0}%", percent(basis_points, page.language()))
        }
        DiscountValue::Amount { amount } => page.money(amount),
    }
}

/// Hundredths of a percent as people write percents.
pub fn percent(basis_points: i64, language: &str) -> String {
    let point = if language == "de" { ',' } else { '.' };
    let (whole, part) = (basis_points / 100, basis_points.rem_euclid(100));
    match part {
        0 => whole.to_string(),
        _ if part % 10 == 0 => format!("{whole}{point}{}", part / 10),
        _ => format!("{whole}{point}{part:02}"),
    }
}

/// What people write as hundredths of a percent; none if it is no share between 0.01 and 100.
pub fn basis_points(text: &str) -> Option<i64> {
    let text = text.trim().trim_end_matches('%').trim().replace(',', ".");
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if part.len() > 2 || whole.is_empty() || whole.len() > 3 || !digits(whole) || !digits(part) {
        return None;
    }
    let points = format!("{whole}{part:0<2}").parse().ok()?;
    (1..=10_000).contains(&points).then_some(points)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;

    use super::*;
    use crate::testing::{Fake, STAFF, Site};

    #[test]
    fn percents_are_read_and_written() {
        assert_eq!(basis_points("10"), Some(1000));
        assert_eq!(basis_points("7,5 %"), Some(750));
        assert_eq!(basis_points("0.25"), Some(25));
        for bad in ["0", "101", "-1", "1.234", "", ".", "many", "1.-2"] {
            assert_eq!(basis_points(bad), None, "{bad}");
        }
        assert_eq!(percent(1000, "en"), "10");
        assert_eq!(percent(750, "de"), "7,5");
        assert_eq!(percent(25, "en"), "0.25");
    }

    #[tokio::test]
    async fn codes_are_listed_with_what_they_do() {
        let site = Site::new().await;
        let page = site.get_as("/admin/discounts?active=yes", STAFF).await;
        let page = page.expect(StatusCode::OK);
        page.has(&[
            "HELLO10",
            "10\u{a0}%",
            "Active",
            "3 / 100",
            "from €20.00",
            "once per customer",
        ]);
        page.has(&["href=\"/admin/discounts/edit/HELLO10\""]);
        assert!(site.asked("/api/discounts").contains("active=true"));
        page.is_accessible();
        let none = json!({"items": [], "next_cursor": null});
        let site = Site::with(Fake::default().answers("GET", "/api/discounts", 200, none)).await;
        let page = site.get_as("/admin/discounts", STAFF).await;
        page.has(&["No discount codes yet", "href=\"/admin/discounts/new\""]);
        page.is_accessible();
    }
}
