//! The checkout's form as it is shown.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use techcommerce_contracts::order_api::{Cart, ShippingMethod};
use techcommerce_kernel::FieldError;

use super::super::{
    cart::{Line, current, lines_of},
    sums::{self, Sum},
};
use crate::{
    failure::Failure,
    forms::{Field, Sent, Wrong, last_part, mark},
    page::{Page, render, see_other},
    shop::Shop,
    visitor::Visitor,
};

#[derive(Template)]
#[template(path = "checkout.html")]
struct CheckoutPage {
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
    placed: Option<String>,
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
const TEST_TOKENS: [&str; 6] = [
    "success",
    "decline",
    "timeout",
    "twice",
    "lost_reply",
    "slow_unknown",
];

impl Form {
    fn filled(sent: &Sent) -> Self {
        let text = |name, label, autocomplete| Field::text(name, label, autocomplete).filled(sent);
        Self {
            email: Field::email("checkout.email")
                .hinted("checkout.email_hint")
                .filled(sent),
            name: text("name", "checkout.name", "name"),
            line1: text("line1", "checkout.line1", "address-line1"),
            line2: text("line2", "checkout.line2", "address-line2").optional(),
            postal_code: text("postal_code", "checkout.postal_code", "postal-code").optional(),
            city: text("city", "checkout.city", "address-level2"),
            region: text("region", "checkout.region", "address-level1").optional(),
        }
    }

    fn fields(&mut self) -> [&mut Field; 7] {
        let Self {
            email,
            name,
            line1,
            line2,
            postal_code,
            city,
            region,
        } = self;
        [email, name, line1, line2, postal_code, city, region]
    }
}

/// What could not be done, and whether the order may have come about all the same.
#[derive(Debug, Default)]
pub struct Trouble {
    /// What the API said of the input.
    pub fields: Vec<FieldError>,
    /// What is wrong as a whole.
    pub whole: Option<String>,
    /// Look for required fields that are empty.
    pub check_empty: bool,
    /// The outcome is unknown: the same key again.
    pub keep_key: bool,
    /// The page of the order that the cart has become.
    pub placed: Option<String>,
}

/// The form, filled with what was sent and marked with what is wrong.
///
/// # Errors
/// The API does not answer.
pub async fn form(
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
            // What was typed stays; only a form shown for the first time is filled in.
            Some(_) if sent.text("cart").is_empty() => api.me().await.ok(),
            _ => None,
        }
    };
    let (page, cart, methods, me) = tokio::join!(
        shop.page(visitor),
        api.cart(cart_id),
        api.shipping_methods(cart_id),
        me
    );
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
    let filled = Filled {
        cart: &cart,
        methods,
        fields,
        sent,
    };
    let view = view(shop, page, filled, trouble);
    Ok(render(status, &view.page, &view))
}

/// What the form is made of.
struct Filled<'a> {
    cart: &'a Cart,
    methods: Vec<ShippingMethod>,
    fields: Form,
    sent: &'a Sent,
}

fn view(shop: &Shop, page: Page, filled: Filled<'_>, trouble: Trouble) -> CheckoutPage {
    let Filled {
        cart,
        methods,
        fields: mut form,
        sent,
    } = filled;
    let texts = page.texts().clone();
    let told = |name: &str| {
        trouble
            .fields
            .iter()
            .any(|error| last_part(&error.path) == name)
    };
    let mut problems: Vec<Wrong> = trouble.whole.map(Wrong::whole).into_iter().collect();
    problems.extend(mark(
        &mut form.fields(),
        &texts,
        &trouble.fields,
        trouble.check_empty,
    ));
    let mut choose = |name: &str, id: &str, label: &str, key: &str| {
        told(name).then(|| {
            let text = texts.get(key).to_owned();
            let line = format!("{}: {text}", texts.get(label));
            problems.push(Wrong {
                id: id.to_owned(),
                text: line,
            });
            text
        })
    };
    let country_error = choose("country", "country", "checkout.country", "field.country");
    let shipping_error = choose(
        "shipping_method",
        "shipping",
        "checkout.shipping",
        "field.choose",
    );
    choose("payment", "payment", "checkout.payment", "field.choose");
    choose("method", "payment", "checkout.payment", "field.choose");
    if problems.is_empty() && !trouble.fields.is_empty() {
        problems.push(Wrong::whole(texts.get("field.invalid")));
    }

    let chosen = |name: &str, value: &str, first: bool| match sent.text(name) {
        "" => first,
        sent => sent == value,
    };
    let countries = shop
        .settings
        .countries
        .iter()
        .enumerate()
        .map(|(n, code)| Choice {
            label: texts
                .find(&format!("country.{code}"))
                .unwrap_or(code)
                .to_owned(),
            chosen: chosen("country", code, n == 0),
            value: code.clone(),
        });
    let first = methods.first();
    let taken = methods
        .iter()
        .find(|method| method.id == sent.text("shipping"))
        .or(first);
    let (seen, sums) = match taken {
        Some(method) => (
            method
                .total
                .map_or_else(String::new, |total| total.amount.to_string()),
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
    let payments = shop
        .settings
        .payment_methods
        .iter()
        .enumerate()
        .map(|(n, method)| Way {
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
    CheckoutPage {
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
        placed: trouble.placed,
        page,
    }
}
