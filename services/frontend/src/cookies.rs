//! The storefront's three cookies. None of them follows anybody anywhere.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use techcommerce_kernel::Error;

/// The session's secret; opaque to us.
pub const SESSION: &str = "tc_session";
/// The cart's id, which is its key.
pub const CART: &str = "tc_cart";
/// The language that the visitor chose.
pub const LANGUAGE: &str = "tc_language";

/// How long a session's secret is kept: as long as browsers keep a cookie at most. The session
/// itself ends on the server, and slides on while it is used.
pub const SESSION_AGE: Duration = Duration::from_secs(400 * 24 * 3600);
/// How long a cart is remembered.
pub const CART_AGE: Duration = Duration::from_secs(60 * 24 * 3600);
/// How long a language is remembered.
pub const LANGUAGE_AGE: Duration = Duration::from_secs(365 * 24 * 3600);

/// The value of the cookie `name` (RFC 6265 §4.2), if it is a plain token as ours are.
pub fn get(headers: &HeaderMap, name: &str) -> Option<String> {
    let pairs = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    let value = pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(n, _)| *n == name)?
        .1;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    let fits = (1..=256).contains(&value.len()) && value.bytes().all(plain);
    fits.then(|| value.to_owned())
}

/// The `Set-Cookie` that keeps `value` for `age`; an age of zero removes the cookie.
///
/// # Errors
/// The value cannot stand in a header.
pub fn set(name: &str, value: &str, age: Duration, secure: bool) -> Result<HeaderValue, Error> {
    let secure = if secure { "; Secure" } else { "" };
    let age = age.as_secs();
    let text = format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("a=1; tc_cart=abc-1_2; b="),
        );
        headers.append(header::COOKIE, HeaderValue::from_static("tc_session=x.y"));
        assert_eq!(get(&headers, CART).as_deref(), Some("abc-1_2"));
        assert_eq!(get(&headers, SESSION).as_deref(), Some("x.y"));
        assert_eq!(get(&headers, "b"), None);
        assert_eq!(get(&headers, "cart"), None);
    }

    #[test]
    fn what_is_no_plain_token_is_no_cookie_of_ours() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("tc_cart=../../orders"),
        );
        assert_eq!(get(&headers, CART), None);
    }

    #[test]
    fn cookies_are_out_of_reach_of_scripts_and_other_sites() {
        let cookie = set(CART, "x", Duration::from_secs(9), true).unwrap();
        assert_eq!(
            cookie,
            "tc_cart=x; Path=/; Max-Age=9; HttpOnly; SameSite=Lax; Secure"
        );
        assert!(set(CART, "x\r\ny", Duration::ZERO, false).is_err());
    }
}
