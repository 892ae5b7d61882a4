//! A discount code: made, changed, switched off, deleted.

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use techcommerce_contracts::order_api::{Discount, DiscountEdit, DiscountValue, NewDiscountInput};
use techcommerce_kernel::{Error, Kind as ErrorKind, Money, Timestamp};

use super::{
    Desk, Frame, Section,
    discounts::{PATH, basis_points, percent, state},
    form::{Choice, Field, Form, Kind},
    frame::show as answer,
    order_forms::decimal,
    parts::Badge,
};
use crate::{failure::Failure, forms::Sent, money, page::see_other};

#[derive(Template)]
#[template(path = "admin/discount.html")]
struct DiscountPage {
    page: Frame,
    form: Form,
    action: String,
    known: Option<Known>,
}

/// What stands of a code that there is already.
struct Known {
    href: String,
    active: bool,
    badge: Badge,
    used: i64,
    orders: String,
}

/// What a form asks for.
struct Wanted {
    value: DiscountValue,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    minimum: Option<Money>,
    usage_limit: Option<i64>,
    once_per_customer: bool,
}

/// `GET /admin/discounts/new`
pub async fn new(desk: Desk) -> Response {
    let form = form(&desk, None);
    page(&desk, None, form, StatusCode::OK)
}

/// `POST /admin/discounts/new`
///
/// # Errors
/// None that can happen: what goes wrong is said on the page.
pub async fn create(desk: Desk, sent: Sent) -> Result<Response, Failure> {
    let mut form = form(&desk, None).filled(&sent);
    let Some(wanted) = read(&desk, &mut form, &sent) else {
        return Ok(page(&desk, None, form, StatusCode::BAD_REQUEST));
    };
    let input = NewDiscountInput {
        code: sent.text("code").to_owned(),
        value: wanted.value,
        active: true,
        starts_at: wanted.starts_at,
        ends_at: wanted.ends_at,
        minimum: wanted.minimum,
        usage_limit: wanted.usage_limit,
        once_per_customer: wanted.once_per_customer,
    };
    match desk.api().create_discount(form.key(), &input).await {
        Ok(_) => see_other(&format!("{PATH}?note=discount-made")),
        Err(error) => Ok(refused(&desk, None, form, &error)),
    }
}

/// `GET /admin/discounts/edit/{code}`
///
/// # Errors
/// There is no such code, or orders do not answer.
pub async fn show(desk: Desk, Path(code): Path<String>) -> Result<Response, Failure> {
    let known = find(&desk, &code).await?;
    let form = form(&desk, Some(&known));
    Ok(page(&desk, Some(&known), form, StatusCode::OK))
}

/// `POST /admin/discounts/edit/{code}`
///
/// # Errors
/// There is no such code, or orders do not answer.
pub async fn save(desk: Desk, Path(code): Path<String>, sent: Sent) -> Result<Response, Failure> {
    let known = find(&desk, &code).await?;
    let mut form = form(&desk, Some(&known)).filled(&sent);
    let Some(wanted) = read(&desk, &mut form, &sent) else {
        return Ok(page(&desk, Some(&known), form, StatusCode::BAD_REQUEST));
    };
    let edit = DiscountEdit {
        value: Some(wanted.value),
        active: None,
        starts_at: Some(wanted.starts_at),
        ends_at: Some(wanted.ends_at),
        minimum: Some(wanted.minimum),
        usage_limit: Some(wanted.usage_limit),
        once_per_customer: Some(wanted.once_per_customer),
    };
    match desk.api().edit_discount(&known.code, &edit).await {
        Ok(_) => see_other(&format!("{PATH}?note=saved")),
        Err(error) => Ok(refused(&desk, Some(&known), form, &error)),
    }
}

/// `POST /admin/discounts/edit/{code}/switch`: on or off.
///
/// # Errors
/// There is no such code, or orders do not answer.
pub async fn switch(desk: Desk, Path(code): Path<String>, sent: Sent) -> Result<Response, Failure> {
    let known = find(&desk, &code).await?;
    let active = sent.text("active") == "yes";
    let edit = DiscountEdit {
        active: Some(active),
        ..DiscountEdit::default()
    };
    match desk.api().edit_discount(&known.code, &edit).await {
        Ok(_) => {
            let note = if active {
                "discount-on"
            } else {
                "discount-off"
            };
            see_other(&format!("{PATH}/edit/{}?note={note}", known.code))
        }
        Err(error) => {
            let form = form(&desk, Some(&known));
            Ok(refused(&desk, Some(&known), form, &error))
        }
    }
}

/// `POST /admin/discounts/edit/{code}/delete`
///
/// # Errors
/// Orders do not answer.
pub async fn delete(desk: Desk, Path(code): Path<String>) -> Result<Response, Failure> {
    match desk.api().delete_discount(&code).await {
        Ok(()) => see_other(&format!("{PATH}?note=discount-gone")),
        // It is gone already: what was wanted.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            see_other(&format!("{PATH}?note=discount-gone"))
        }
        Err(error) => {
            let known = find(&desk, &code).await?;
            let form = form(&desk, Some(&known));
            Ok(refused(&desk, Some(&known), form, &error))
        }
    }
}

async fn find(desk: &Desk, code: &str) -> Result<Discount, Failure> {
    match desk.api().discount(code).await {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Invalid) => {
            Err(Failure::not_found())
        }
        found => Ok(found?),
    }
}

fn refused(desk: &Desk, known: Option<&Discount>, mut form: Form, error: &Error) -> Response {
    let status = form.told(error);
    page(desk, known, form, status)
}

fn page(desk: &Desk, known: Option<&Discount>, form: Form, status: StatusCode) -> Response {
    let title = match known {
        Some(known) => desk.texts().with("discount.title", &known.code),
        None => desk.t("discount.new").to_owned(),
    };
    let page = desk.frame(Section::Discounts, title);
    let view = DiscountPage {
        action: match known {
            Some(known) => format!("{PATH}/edit/{}", known.code),
            None => format!("{PATH}/new"),
        },
        known: known.map(|known| Known {
            href: format!("{PATH}/edit/{}", known.code),
            active: known.active,
            badge: state(&page, known.state),
            used: known.used,
            orders: page.n("dash.orders", &known.used),
        }),
        form,
        page,
    };
    answer(status, &view.page, &view)
}

fn form(desk: &Desk, known: Option<&Discount>) -> Form {
    let language = desk.texts().language();
    let currency = desk.shop.settings.currency;
    let zone = &desk.shop.settings.time_zone;
    let (kind, value) = match known.map(|known| known.value) {
        Some(DiscountValue::Percent { basis_points }) => {
            ("percent", percent(basis_points, language))
        }
        Some(DiscountValue::Amount { amount }) => ("amount", decimal(amount, language)),
        None => ("percent", String::new()),
    };
    let kinds = vec![
        Choice::new("percent", desk.t("discount.percent")),
        Choice::new(
            "amount",
            desk.texts().with("discount.amount", currency.code()),
        ),
    ];
    let clock = |time: Option<Timestamp>| time.map(|at| zone.clock(at)).unwrap_or_default();
    let time = |name: &str, key: &str, value: String| {
        Field::text(name, desk.t(key))
            .kind(Kind::Input("datetime-local"))
            .optional()
            .value(value)
    };
    let form = match known {
        Some(_) => desk.form(),
        None => {
            let code = Field::text("code", desk.t("discount.code")).max(64);
            let code = code.hint(desk.t("discount.code_hint"));
            desk.form_once().with(code)
        }
    };
    form.with(
        Field::text("kind", desk.t("discount.kind"))
            .kind(Kind::Select(kinds))
            .value(kind),
    )
    .with(
        Field::text("value", desk.t("discount.value"))
            .keyboard("decimal")
            .max(20)
            .path("value.basis_points")
            .path("value.amount.amount")
            .value(value),
    )
    .with(
        Field::text(
            "minimum",
            desk.texts().with("discount.minimum", currency.code()),
        )
        .keyboard("decimal")
        .max(20)
        .optional()
        .path("minimum.amount")
        .value(
            known
                .and_then(|k| k.minimum)
                .map(|m| decimal(m, language))
                .unwrap_or_default(),
        ),
    )
    .with(time(
        "starts_at",
        "discount.starts_at",
        clock(known.and_then(|k| k.starts_at)),
    ))
    .with(time(
        "ends_at",
        "discount.ends_at",
        clock(known.and_then(|k| k.ends_at)),
    ))
    .with(
        Field::text("usage_limit", desk.t("discount.usage_limit"))
            .keyboard("numeric")
            .max(9)
            .optional()
            .value(
                known
                    .and_then(|k| k.usage_limit)
                    .map(|n| n.to_string())
                    .unwrap_or_default(),
            ),
    )
    .with(
        Field::text("once_per_customer", desk.t("discount.once_per_customer"))
            .kind(Kind::Check)
            .optional()
            .value(if known.is_some_and(|k| k.once_per_customer) {
                "on"
            } else {
                ""
            }),
    )
}

fn read(desk: &Desk, form: &mut Form, sent: &Sent) -> Option<Wanted> {
    form.check();
    let currency = desk.shop.settings.currency;
    let zone = &desk.shop.settings.time_zone;
    let value = match sent.text("kind") {
        "amount" => money::from_form(sent.text("value"), currency)
            .filter(|amount| *amount > 0)
            .map(|amount| DiscountValue::Amount {
                amount: Money::new(amount, currency),
            }),
        _ => basis_points(sent.text("value"))
            .map(|basis_points| DiscountValue::Percent { basis_points }),
    };
    if value.is_none() {
        form.wrong("value", desk.t("discount.bad_value"));
    }
    let mut optional = |name: &str, read: &dyn Fn(&str) -> Option<i64>, key: &str| {
        let text = sent.text(name);
        let number = read(text);
        if !text.is_empty() && number.is_none() {
            form.wrong(name, desk.t(key));
        }
        number
    };
    let amount = |text: &str| money::from_form(text, currency).filter(|amount| *amount > 0);
    let minimum = optional("minimum", &amount, "orders.bad_amount");
    let count = |text: &str| text.parse().ok().filter(|count| *count > 0);
    let usage_limit = optional("usage_limit", &count, "discount.bad_limit");
    let time = |text: &str| zone.moment(text).map(Timestamp::as_micros);
    let starts_at = optional("starts_at", &time, "field.invalid").map(Timestamp::from_micros);
    let ends_at = optional("ends_at", &time, "field.invalid").map(Timestamp::from_micros);
    if let (Some(from), Some(until)) = (starts_at, ends_at)
        && until <= from
    {
        form.wrong("ends_at", desk.t("discount.ends_before"));
    }
    value
        .filter(|_| form.problems.is_empty())
        .map(|value| Wanted {
            value,
            starts_at,
            ends_at,
            minimum: minimum.map(|amount| Money::new(amount, currency)),
            usage_limit,
            once_per_customer: sent.text("once_per_customer") == "on",
        })
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::{Value, json};

    use crate::testing::{Fake, STAFF, Site};

    const NEW: &str = "/admin/discounts/new";
    const HELLO: &str = "/admin/discounts/edit/HELLO10";

    #[tokio::test]
    async fn a_code_is_made() {
        let site = Site::new().await;
        site.get_as(NEW, STAFF)
            .await
            .expect(StatusCode::OK)
            .is_accessible();
        let form = [
            ("code", "SPRING"),
            ("kind", "percent"),
            ("value", "12,5"),
            ("minimum", "20"),
            ("starts_at", "2027-03-01T00:00"),
            ("ends_at", ""),
            ("usage_limit", "50"),
            ("once_per_customer", "on"),
        ];
        let answer = site
            .post_as(NEW, STAFF, &form)
            .await
            .expect(StatusCode::SEE_OTHER);
        assert_eq!(
            answer.header("location"),
            "/admin/discounts?note=discount-made"
        );
        let sent: Value = serde_json::from_str(&site.sent("POST", "/discounts")).unwrap();
        let wanted = json!({"code": "SPRING", "value": {"kind": "percent", "basis_points": 1250},
            "active": true, "starts_at": "2027-03-01T00:00:00Z", "ends_at": null,
            "minimum": {"amount": 2000, "currency": "EUR"}, "usage_limit": 50,
            "once_per_customer": true});
        assert_eq!(sent, wanted);
    }

    #[tokio::test]
    async fn nonsense_is_marked_at_its_field() {
        let site = Site::new().await;
        let form = [
            ("code", ""),
            ("kind", "percent"),
            ("value", "120"),
            ("usage_limit", "none"),
            ("starts_at", "2027-03-02T00:00"),
            ("ends_at", "2027-03-01T00:00"),
        ];
        let page = site
            .post_as(NEW, STAFF, &form)
            .await
            .expect(StatusCode::BAD_REQUEST);
        for field in ["code", "value", "usage_limit", "ends_at"] {
            page.has(&[&format!("id=\"{field}-error\"")]);
        }
        page.has(&["value=\"120\""]);
        page.is_accessible();
        assert!(!site.was_asked("POST"));
    }

    #[tokio::test]
    async fn what_the_api_refuses_is_said() {
        let refusal = json!({"code": "discount_code_taken"});
        let fake = Fake::default().answers("POST", "/api/discounts", 409, refusal);
        let site = Site::with(fake).await;
        let form = [("code", "HELLO10"), ("kind", "amount"), ("value", "5")];
        let page = site
            .post_as(NEW, STAFF, &form)
            .await
            .expect(StatusCode::CONFLICT);
        page.has(&["There is such a code already", "value=\"HELLO10\""]);
    }

    #[tokio::test]
    async fn a_code_is_changed_switched_off_and_deleted() {
        let site = Site::new().await;
        let page = site.get_as(HELLO, STAFF).await.expect(StatusCode::OK);
        page.has(&[
            "<h1>Discount HELLO10</h1>",
            "value=\"10\"",
            "value=\"20.00\"",
            "Switch off",
        ]);
        page.is_accessible();
        let form = [("kind", "amount"), ("value", "5.00"), ("minimum", "")];
        let answer = site
            .post_as(HELLO, STAFF, &form)
            .await
            .expect(StatusCode::SEE_OTHER);
        assert_eq!(answer.header("location"), "/admin/discounts?note=saved");
        let sent: Value = serde_json::from_str(&site.sent("PATCH", "/HELLO10")).unwrap();
        assert_eq!(
            sent["minimum"],
            Value::Null,
            "a limit is taken away: {sent}"
        );
        assert_eq!(sent["value"]["amount"]["amount"], 500);
        let off = format!("{HELLO}/switch");
        site.post_as(&off, STAFF, &[("active", "no")])
            .await
            .expect(StatusCode::SEE_OTHER);
        assert_eq!(site.sent("PATCH", "/HELLO10"), "{\"active\":false}");
        let gone = site.post_as(&format!("{HELLO}/delete"), STAFF, &[]).await;
        let gone = gone.expect(StatusCode::SEE_OTHER);
        assert_eq!(
            gone.header("location"),
            "/admin/discounts?note=discount-gone"
        );
        let page = site.get_as("/admin/discounts/edit/NONE", STAFF).await;
        page.expect(StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn a_code_that_orders_name_stays() {
        let refusal = json!({"code": "discount_in_use"});
        let fake = Fake::default().answers("DELETE", "/api/discounts/HELLO10", 409, refusal);
        let site = Site::with(fake).await;
        let page = site.post_as(&format!("{HELLO}/delete"), STAFF, &[]).await;
        page.expect(StatusCode::CONFLICT).has(&["switch it off"]);
    }
}
