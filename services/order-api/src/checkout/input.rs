//! Whether a request to order makes sense.

use techcommerce_contracts::order_api::{Address, OrderInput, PaymentMethod};
use techcommerce_kernel::{Error, FieldError};

use crate::{app::App, payment::TestProvider};

/// The longest line of an address, in characters.
const MAX_LINE: usize = 200;

/// Checks everything that can be told from the request alone.
///
/// # Errors
/// `invalid_input` with every place that is wrong.
pub(super) fn check(app: &App, input: &OrderInput) -> Result<(), Error> {
    let mut fields = address(&input.shipping_address);
    let mut wrong = |path: &str, message: String| {
        fields.push(FieldError {
            path: path.to_owned(),
            message,
        });
    };
    if app
        .settings
        .shipping_method(&input.shipping_method)
        .is_none()
    {
        let known: Vec<_> = app
            .settings
            .shipping
            .iter()
            .map(|m| m.id.as_str())
            .collect();
        wrong(
            "shipping_method",
            format!("must be one of {}", known.join(", ")),
        );
    }
    let offered = app.settings.payment_methods.contains(&input.payment.method);
    if !offered {
        let known: Vec<_> = app
            .settings
            .payment_methods
            .iter()
            .map(|m| m.name())
            .collect();
        wrong(
            "payment.method",
            format!("must be one of {}", known.join(", ")),
        );
    }
    let token = input.payment.token.as_deref();
    match input.payment.method {
        PaymentMethod::Test if !TestProvider::knows(token) => {
            wrong(
                "payment.token",
                "is none that the test provider knows".to_owned(),
            );
        }
        PaymentMethod::Stripe if offered && app.providers.stripe().is_none() => {
            wrong("payment.method", "is not set up in this shop".to_owned());
        }
        PaymentMethod::Stripe if token.is_some_and(|token| !is_payment_method(token)) => {
            wrong(
                "payment.token",
                "must be a PaymentMethod of Stripe, as pm_1Nv…; leave it out for the customer to \
                 confirm the payment"
                    .to_owned(),
            );
        }
        PaymentMethod::Invoice if token.is_some() => {
            wrong(
                "payment.token",
                "must not be given for an invoice".to_owned(),
            );
        }
        _ => {}
    }
    // The longest tag that RFC 5646 (4.4.1) says must be taken.
    if input.locale.as_ref().is_some_and(|tag| tag.len() > 35) {
        wrong("locale", "must be a language, as de or de-AT".to_owned());
    }
    Error::check(fields)
}

/// Whether it can be what Stripe's library made of a card. A card's number is none, so that none is
/// taken by mistake.
fn is_payment_method(token: &str) -> bool {
    let ours = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    token.starts_with("pm_") && token.len() <= 255 && token.bytes().all(ours)
}

fn address(address: &Address) -> Vec<FieldError> {
    let lines = [
        ("name", &address.name, true),
        ("line1", &address.line1, true),
        ("line2", &address.line2, false),
        ("city", &address.city, true),
        ("region", &address.region, false),
        ("postal_code", &address.postal_code, false),
    ];
    let mut fields = Vec::new();
    let mut wrong = |name: &str, message: &str| {
        fields.push(FieldError {
            path: format!("shipping_address.{name}"),
            message: message.to_owned(),
        });
    };
    for (name, text, required) in lines {
        if required && text.trim().is_empty() {
            wrong(name, "must not be empty");
        } else if text.chars().count() > MAX_LINE {
            wrong(name, "must have at most 200 characters");
        } else if text.chars().any(char::is_control) {
            wrong(name, "must not hold control characters");
        }
    }
    let country = address.country.as_bytes();
    if country.len() != 2 || !country.iter().all(u8::is_ascii_uppercase) {
        wrong("country", "must be two capitals by ISO 3166-1, as DE");
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(change: impl FnOnce(&mut Address)) -> Vec<String> {
        let mut it = Address {
            name: "Ada".into(),
            line1: "Kai 1".into(),
            line2: String::new(),
            city: "Kiel".into(),
            region: String::new(),
            postal_code: "24103".into(),
            country: "DE".into(),
        };
        change(&mut it);
        address(&it).into_iter().map(|field| field.path).collect()
    }

    #[test]
    fn an_address_is_checked_line_by_line() {
        assert_eq!(paths(|_| {}), [""; 0]);
        assert_eq!(paths(|a| a.name = " ".into()), ["shipping_address.name"]);
        assert_eq!(
            paths(|a| a.line2 = "a\nb".into()),
            ["shipping_address.line2"]
        );
        assert_eq!(
            paths(|a| a.country = "de".into()),
            ["shipping_address.country"]
        );
        assert_eq!(
            paths(|a| a.city = "x".repeat(201)),
            ["shipping_address.city"]
        );
    }
}
