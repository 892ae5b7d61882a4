//! What admins may enter.

use techcommerce_contracts::order_api::WebhookEventType;
use techcommerce_http::outward::guard::HostsAllowed;
use techcommerce_kernel::Error;

use super::send;

/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 200;

/// An address that may be told something.
///
/// # Errors
/// `invalid_input` at `url`.
pub(super) fn url(text: &str, allowed: &HostsAllowed) -> Result<String, Error> {
    let url = send::checked(text, allowed).map_err(|why| Error::invalid_field("url", why))?;
    Ok(url.into())
}

/// A description of one line.
///
/// # Errors
/// `invalid_input` at `description`.
pub(super) fn description(text: &str) -> Result<String, Error> {
    let text = text.trim();
    let wrong = |why: String| Err(Error::invalid_field("description", why));
    if text.chars().count() > MAX_DESCRIPTION {
        return wrong(format!("must have at most {MAX_DESCRIPTION} characters"));
    }
    if text.chars().any(char::is_control) {
        return wrong("must be one line".to_owned());
    }
    Ok(text.to_owned())
}

/// Types as they are stored: each once, with a space around; nothing for all.
///
/// # Errors
/// `invalid_input` at `types`.
pub(super) fn types(chosen: &[WebhookEventType]) -> Result<String, Error> {
    if chosen.contains(&WebhookEventType::WebhookTest) {
        let why = "webhook.test cannot be chosen: it is sent when somebody asks for it";
        return Err(Error::invalid_field("types", why));
    }
    let mut chosen = chosen.to_vec();
    chosen.sort();
    chosen.dedup();
    let names: Vec<&str> = chosen.iter().map(|kind| kind.name()).collect();
    Ok(match names.is_empty() {
        true => String::new(),
        false => format!(" {} ", names.join(" ")),
    })
}

/// Types as they were stored; those that this version does not know are left out.
pub(super) fn stored_types(text: &str) -> Vec<WebhookEventType> {
    text.split(' ')
        .filter_map(|name| name.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_kept_once_and_in_order() {
        use WebhookEventType::{OrderPaid, OrderPlaced, WebhookTest};
        let stored = types(&[OrderPaid, OrderPlaced, OrderPaid]).unwrap();
        assert_eq!(stored, " order.placed order.paid ");
        assert_eq!(stored_types(&stored), [OrderPlaced, OrderPaid]);
        assert_eq!(types(&[]).unwrap(), "");
        assert_eq!(stored_types(""), []);
        assert_eq!(stored_types(" order.unheard order.paid "), [OrderPaid]);
        assert!(types(&[WebhookTest]).is_err());
    }

    #[test]
    fn descriptions_are_a_line() {
        assert_eq!(description(" ERP ").unwrap(), "ERP");
        for wrong in ["a\nb", "a\u{0}", &"x".repeat(201)] {
            let error = description(wrong).unwrap_err();
            assert_eq!(error.fields()[0].path, "description");
        }
    }
}
