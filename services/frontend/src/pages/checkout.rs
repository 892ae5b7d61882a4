//! `/checkout`: where to, how, and how it is paid, on one page.
//!
//! The idempotency key is made when the form is shown and travels in it, so that a double click, a
//! reload or a retry after a lost answer is the same order. After a definite refusal the form gets
//! a new key, because what is sent next is another order.
//!
//! The form also carries the total that was shown. If it is not the one to be paid (another way of
//! shipping was chosen, a price has changed), the form comes back with the new one first: nobody
//! orders at a total not seen.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use techcommerce_contracts::{
    codes,
    order_api::{
        Address, Cart, OrderInput, PaymentInput, PaymentMethod, ShippingMethod,
    },
};
use techcommerce_kernel::{Error, FieldError, Kind, Money};

use super::{
    cart::{Line, current, forget_cart, lines_of},
    sums::{self, Sum},
};
use crate::{
    failure::Failure,
    forms::{Field, Sent, Wrong, last_part, mark},
    money,
    page::{Page, render, see_other},
    shop::Shop,
    visitor::Visitor,
};

#[derive(Template)]
#[template(path = "checkout.html")]
struct Checkout {
    page: Page,
    cart_id: String,
    key: String,
    form: Form,
    countries: Vec<Choice>,
    country_error: Option<String>,
    methods: Vec<Method>,
    shipping_error: Option<String>,
    seen: String,
    payments: Vec<Way>,
    tokens: Vec<TestToken>,
    lines: Vec<Line>,
    sums: Vec<Sum>,
    problems: Vec<Wrong>,
}

struct Form {
    email: Field,
    name: Field,
    line1: Field,
    line2: Field,
    postal_code: Field,
    city: Field,
    region: Field,
}

struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

struct Method {
    id: String,
    title: String,
    price: String,
    chosen: bool,
}

struct Way {
    value: &'static str,
    label: String,
    hint: String,
    chosen: bool,
}

struct TestToken {
    value: String,
    label: String,
    chosen: bool,
}

/// What the test provider can be told to do, each by a token `tok_…`.
const TEST_TOKENS: [&str; 6] =
    ["success", "decline", "timeout", "twice", "lost_reply", "slow_unknown"];

impl Form {
    fn filled(sent: &Sent) -> Self {
        let text = |name, label, autocomplete| Field::text(name, label, autocomplete).filled(sent);
        Self {
            email: Field::email("checkout.email").hinted("checkout.email_hint").filled(sent),
            name: text("name", "checkout.name", "name"),
            line1: text("line1", "checkout.line1", "address-line1"),
            line2: text("line2", "checkout.line2", "address-line2").optional(),
            postal_code: text("postal_code", "checkout.postal_code", "postal-code").optional(),
            city: text("city", "checkout.city", "address-level2"),
            region: text("region", "checkout.region", "address-level1").optional(),
        }
    }

    fn fields(&mut self) -> [&mut Field; 7] {
        let Self { email, name, line1, line2, postal_code, city, region } = self;
        [email, name, line1, line2, postal_code, city, region]
    }
}

/// What could not be done, and whether the order may have come about all the same.
#[derive(Debug, Default)]
struct Trouble {
    /// What the API said of the input.
    fields: Vec<FieldError>,
    /// What is wrong as a whole.
    whole: Option<String>,
    /// Look for required fields that are empty.
    check_empty: bool,
    /// The outcome is unknown: the same key again.
    keep_key: bool,
}

/// `GET /checkout`
///
/// # Errors
/// The API does not answer.
pub async fn show(State(shop): State<Shop>, visitor: Visitor) -> Result<Response, Failure> {
    let Some(cart) = visitor.cart.clone() else {
        return see_other("/cart");
    };
    let trouble = Trouble::default();
    form(&shop, &visitor, &cart, &Sent::default(), trouble, StatusCode::OK).await
}

/// `POST /checkout`: places the order.
///
/// # Errors
/// The API does not answer to anything. What the shopper can mend is shown in the form.
pub async fn place(
    State(shop): State<Shop>,
    visitor: Visitor,
    sent: Sent,
) -> Result<Response, Failure> {
    let cart = sent.text("cart").to_owned();
    if cart.is_empty() {
        return see_other("/cart");
    }
    if sent.text("preview") == "1" {
        let trouble = Trouble { keep_key: true, ..Trouble::default() };
        return form(&shop, &visitor, &cart, &sent, trouble, StatusCode::OK).await;
    }
    let order = match order_of(&cart, &sent) {
        Ok(order) => order,
        Err(fields) => {
            let trouble = Trouble { fields, check_empty: true, ..Trouble::default() };
            return form(&shop, &visitor, &cart, &sent, trouble, StatusCode::BAD_REQUEST).await;
        }
    };
    if let Some(total) = total_unseen(&shop, &visitor, &order, sent.number("seen")).await {
        let total = money::format(total, visitor.texts.language());
        let whole = Some(visitor.texts.with("checkout.total_changed", total));
        let trouble = Trouble { whole, keep_key: true, ..Trouble::default() };
        return form(&shop, &visitor, &cart, &sent, trouble, StatusCode::CONFLICT).await;
    }
    match shop.api(&visitor).place_order(sent.text("key"), &order).await {
        Ok(order) => {
            let access = order.access_token.as_deref().unwrap_or_default();
            let query = serde_urlencoded::to_string([("access_token", access)]).unwrap_or_default();
            let address = format!("/orders/{}?{query}", order.id);
            Ok(forget_cart(&shop, see_other(&address)?)?)
        }
        Err(error) => refused(&shop, &visitor, &cart, &sent, error).await,
    }
}

/// The total to be paid, if it is not the one that was `seen`. A cart that became an order a click
/// ago keeps its total; a total that cannot be known is left to the order itself.
async fn total_unseen(
    shop: &Shop,
    visitor: &Visitor,
    order: &OrderInput,
    seen: Option<i64>,
) -> Option<Money> {
    let seen = seen?;
    let api = shop.api(visitor);
    let (cart, methods) =
        tokio::join!(api.cart(&order.cart_id), api.shipping_methods(&order.cart_id));
    let (cart, methods) = (cart.ok()?, methods.ok()?);
    if cart.order_id.is_some() {
        return None;
    }
    let method = methods.iter().find(|method| method.id == order.shipping_method)?;
    Some(sums::total_with(&cart, method)).filter(|total| total.amount != seen)
}

async fn refused(
    shop: &Shop,
    visitor: &Visitor,
    cart: &str,
    sent: &Sent,
    error: Error,
) -> Result<Response, Failure> {
    tracing::info!(code = error.code(), "an order was refused");
    let whole = match (error.code(), error.kind()) {
        (codes::OUT_OF_STOCK | codes::NOT_FOR_SALE | codes::RESERVATION_EXPIRED, _) => {
            Some("checkout.out_of_stock")
        }
        (codes::CART_ORDERED, _) => Some("checkout.already_ordered"),
        (codes::CART_EMPTY | codes::CART_NOT_FOUND, _) => return see_other("/cart"),
        (codes::SHIPPING_METHOD_UNKNOWN, _) => None,
        // A session that has run out: the visitor may order as a guest or sign in again.
        (_, Kind::Unauthenticated | Kind::Forbidden | Kind::TooMany) => return Err(error.into()),
        (_, Kind::Unavailable | Kind::Internal) => Some("checkout.retry"),
        (_, Kind::Conflict | Kind::Unprocessable) => Some("problem.text_conflict"),
        _ => None,
    };
    let mut fields = error.fields().to_vec();
    if error.code() == codes::SHIPPING_METHOD_UNKNOWN {
        let path = "shipping_method".to_owned();
        fields.push(FieldError { path, message: error.message().to_owned() });
    }
    let keep_key = matches!(error.kind(), Kind::Unavailable | Kind::Internal);
    let status = if keep_key { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::CONFLICT };
    let whole = whole.map(|key: &str| visitor.texts.get(key).to_owned());
    let trouble = Trouble { fields, whole, check_empty: false, keep_key };
    form(shop, visitor, cart, sent, trouble, status).await
}

/// The order in the form, or the places where it is none.
fn order_of(cart: &str, sent: &Sent) -> Result<OrderInput, Vec<FieldError>> {
    let mut wrong = Vec::new();
    let mut miss = |path: &str, message: String| {
        wrong.push(FieldError { path: path.to_owned(), message });
    };
    let email = sent.text("email").parse().map_err(|error| miss("email", format!("{error}")));
    for name in ["name", "line1", "city", "country"] {
        if sent.text(name).is_empty() {
            miss(name, "is missing".into());
        }
    }
    let method = sent.text("payment").parse().map_err(|error| miss("payment", error));
    if sent.text("shipping").is_empty() {
        miss("shipping_method", "is missing".into());
    }
    let (Ok(email), Ok(method), true) = (email, method, wrong.is_empty()) else {
        return Err(wrong);
    };
    let token = Some(sent.text("token").to_owned())
        .filter(|token| method == PaymentMethod::Test && !token.is_empty());
    Ok(OrderInput {
        cart_id: cart.to_owned(),
        email,
        shipping_address: Address {
            name: sent.text("name").to_owned(),
            line1: sent.text("line1").to_owned(),
            line2: sent.text("line2").to_owned(),
            city: sent.text("city").to_owned(),
            region: sent.text("region").to_owned(),
            postal_code: sent.text("postal_code").to_owned(),
            country: sent.text("country").to_owned(),
        },
        shipping_method: sent.text("shipping").to_owned(),
        payment: PaymentInput { method, token },
    })
}

async fn form(
    shop: &Shop,
    visitor: &Visitor,
    cart_id: &str,
    sent: &Sent,
    trouble: Trouble,
    status: StatusCode,
) -> Result<Response, Failure> {
    let api = shop.api(visitor);
    let me = async {
        match visitor.session {
            Some(_) if sent.text("key").is_empty() => api.me().await.ok(),
            _ => None,
        }
    };
    let (page, cart, methods, me) =
        tokio::join!(shop.page(visitor), api.cart(cart_id), api.shipping_methods(cart_id), me);
    let page = page.private();
    let page = page.titled(visitor.texts.get("checkout.title"));
    let cart = match cart {
        // Placed already, by a click before this one: the sums are still worth showing.
        Ok(cart) if trouble.whole.is_some() => cart,
        other => match current(other)? {
            Some(cart) if !cart.lines.is_empty() => cart,
            _ => return see_other("/cart"),
        },
    };
    let methods = match methods {
        Ok(methods) => methods,
        Err(_) if trouble.whole.is_some() => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let mut fields = Form::filled(sent);
    if let Some(me) = me {
        fields.email.value = me.email.as_str().to_owned();
        fields.name.value = me.name;
    }
    let view = view(shop, page, &cart, methods, fields, sent, trouble);
    Ok(render(status, &view.page, &view))
}

fn view(
    shop: &Shop,
    page: Page,
    cart: &Cart,
    methods: Vec<ShippingMethod>,
    mut form: Form,
    sent: &Sent,
    trouble: Trouble,
) -> Checkout {
    let texts = page.texts().clone();
    let told = |name: &str| trouble.fields.iter().any(|error| last_part(&error.path) == name);
    let mut problems: Vec<Wrong> = trouble.whole.map(Wrong::whole).into_iter().collect();
    problems.extend(mark(&mut form.fields(), &texts, &trouble.fields, trouble.check_empty));
    let mut choose = |name: &str, id: &str, label: &str, key: &str| {
        told(name).then(|| {
            let text = texts.get(key).to_owned();
            let line = format!("{}: {text}", texts.get(label));
            problems.push(Wrong { id: id.to_owned(), text: line });
            text
        })
    };
    let country_error = choose("country", "country", "checkout.country", "field.country");
    let shipping_error =
        choose("shipping_method", "shipping", "checkout.shipping", "field.choose");
    choose("payment", "payment", "checkout.payment", "field.choose");
    choose("method", "payment", "checkout.payment", "field.choose");
    if problems.is_empty() && !trouble.fields.is_empty() {
        problems.push(Wrong::whole(texts.get("field.invalid")));
    }

    let chosen = |name: &str, value: &str, first: bool| match sent.text(name) {
        "" => first,
        sent => sent == value,
    };
    let countries = shop.settings.countries.iter().enumerate().map(|(n, code)| Choice {
        label: texts.find(&format!("country.{code}")).unwrap_or(code).to_owned(),
        chosen: chosen("country", code, n == 0),
        value: code.clone(),
    });
    let first = methods.first();
    let taken = methods.iter().find(|method| method.id == sent.text("shipping")).or(first);
    let (seen, sums) = match taken {
        Some(method) => (
            sums::total_with(cart, method).amount.to_string(),
            sums::of_checkout(&page, cart, method),
        ),
        None => (String::new(), sums::of_cart(&page, cart)),
    };
    let methods = methods.into_iter().enumerate().map(|(n, method)| Method {
        price: sums::price_or_free(&page, method.price),
        chosen: chosen("shipping", &method.id, n == 0),
        title: if method.description.is_empty() {
            method.title
        } else {
            format!("{} · {}", method.title, method.description)
        },
        id: method.id,
    });
    let payments = shop.settings.payment_methods.iter().enumerate().map(|(n, method)| Way {
        value: method.name(),
        label: format!("checkout.pay_{}", method.name()),
        hint: format!("checkout.pay_{}_hint", method.name()),
        chosen: chosen("payment", method.name(), n == 0),
    });
    let tokens = TEST_TOKENS.iter().enumerate().map(|(n, token)| TestToken {
        value: format!("tok_{token}"),
        label: format!("checkout.tok_{token}"),
        chosen: chosen("token", &format!("tok_{token}"), n == 0),
    });
    let key = match sent.text("key") {
        key if trouble.keep_key && !key.is_empty() => key.to_owned(),
        _ => shop.env.token(),
    };
    Checkout {
        cart_id: cart.id.clone(),
        key,
        form,
        countries: countries.collect(),
        country_error,
        methods: methods.collect(),
        shipping_error,
        payments: payments.collect(),
        tokens: tokens.collect(),
        lines: lines_of(&page, cart),
        seen,
        sums,
        problems,
        page,
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::testing::{Fake, Site};

    const CART: &str = "tc_cart=cart-1";

    fn good() -> Vec<(&'static str, &'static str)> {
        vec![
            ("cart", "cart-1"),
            ("key", "key-1"),
            ("email", "ada@example.org"),
            ("name", "Ada"),
            ("line1", "Quay 1"),
            ("city", "Kiel"),
            ("postal_code", "24103"),
            ("country", "DE"),
            ("shipping", "standard"),
            ("payment", "test"),
            ("token", "tok_decline"),
        ]
    }

    fn with(name: &'static str, value: &'static str) -> Vec<(&'static str, &'static str)> {
        good().into_iter().map(|(n, v)| if n == name { (n, value) } else { (n, v) }).collect()
    }

    #[tokio::test]
    async fn the_form_helps_to_fill_itself_in() {
        let site = Site::new().await;
        let page = site.get_as("/checkout", CART).await.expect(StatusCode::OK);
        page.has(&["autocomplete=\"email\"", "autocomplete=\"address-line1\"", "Test card"]);
        page.has(&["name=\"key\" value=\"", "<option value=\"DE\" selected>Germany", "Standard"]);
        page.is_accessible();
    }

    #[tokio::test]
    async fn without_a_cart_there_is_nothing_to_check_out() {
        let site = Site::new().await;
        let page = site.get("/checkout").await.expect(StatusCode::SEE_OTHER);
        assert_eq!(page.header("location"), "/cart");
    }

    #[tokio::test]
    async fn a_good_form_becomes_an_order_and_the_cart_is_forgotten() {
        let site = Site::new().await;
        let page = site.post_as("/checkout", CART, &good()).await.expect(StatusCode::SEE_OTHER);
        let address = format!("/orders/{}?access_token=secret-1", Fake::ORDER);
        assert_eq!(page.header("location"), address);
        assert!(page.header("set-cookie").starts_with("tc_cart=; Path=/; Max-Age=0"));
        let sent = site.sent("POST", "/api/orders");
        assert!(sent.contains("\"token\":\"tok_decline\"") && sent.contains("\"city\":\"Kiel\""));
        assert_eq!(site.key(), "key-1");
    }

    #[tokio::test]
    async fn nobody_orders_at_a_total_not_seen() {
        let site = Site::new().await;
        let mut form = with("shipping", "express");
        form.push(("seen", "9000"));
        let page = site.post_as("/checkout", CART, &form).await.expect(StatusCode::CONFLICT);
        page.has(&["The total is now €102.90", "name=\"seen\" value=\"10290\""]);
        page.has(&["name=\"key\" value=\"key-1\"", "value=\"express\" data-preview=\"checkout-sums\" checked"]);
        assert!(!site.was_asked("POST"));
        form.pop();
        form.push(("seen", "10290"));
        site.post_as("/checkout", CART, &form).await.expect(StatusCode::SEE_OTHER);
    }

    #[tokio::test]
    async fn the_total_of_a_choice_is_shown_without_ordering() {
        let site = Site::new().await;
        let form = [("cart", "cart-1"), ("shipping", "express"), ("preview", "1")];
        let page = site.post_as("/checkout", CART, &form).await.expect(StatusCode::OK);
        page.has(&["€102.90"]);
        assert!(!site.was_asked("POST"));
    }

    #[tokio::test]
    async fn what_is_missing_is_said_at_its_field_and_above() {
        let site = Site::new().await;
        let form = with("city", " ");
        let page = site.post_as("/checkout", CART, &form).await.expect(StatusCode::BAD_REQUEST);
        page.has(&["id=\"problems\"", "<a href=\"#city\">City: Please fill this in.</a>"]);
        page.has(&["aria-describedby=\"city-error\"", "value=\"ada@example.org\""]);
        page.has(&["<option value=\"tok_decline\" selected>"]);
        page.is_accessible();
        assert!(!site.was_asked("POST"));
    }

    #[tokio::test]
    async fn what_the_api_refuses_is_said_at_its_field() {
        let fake = Fake::default().refuses_orders(
            400,
            serde_json::json!({"code": "invalid_input", "errors": [
                {"path": "shipping_address.postal_code", "message": "is none"}]}),
        );
        let site = Site::with(fake).await;
        let page = site.post_as("/checkout", CART, &good()).await.expect(StatusCode::CONFLICT);
        page.has(&["Postal code: Please check the postal code."]);
        page.lacks(&["value=\"key-1\""]);
    }

    #[tokio::test]
    async fn sold_out_meanwhile_is_said_in_words() {
        let fake = Fake::default().refuses_orders(409, serde_json::json!({"code": "out_of_stock"}));
        let site = Site::with(fake).await;
        let page = site.post_as("/checkout", CART, &good()).await.expect(StatusCode::CONFLICT);
        page.has(&["not in stock any more"]);
    }

    #[tokio::test]
    async fn an_unknown_outcome_keeps_the_key() {
        let fake = Fake::default().refuses_orders(503, serde_json::json!({"code": "unavailable"}));
        let site = Site::with(fake).await;
        let page = site.post_as("/checkout", CART, &good()).await;
        let page = page.expect(StatusCode::SERVICE_UNAVAILABLE);
        page.has(&["you will not be charged twice", "name=\"key\" value=\"key-1\""]);
        page.is_accessible();
    }
}
