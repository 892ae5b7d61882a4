//! Who looks at a page: language, session, cart, and where the request came from.

use std::{convert::Infallible, net::IpAddr, sync::Arc};

use axum::extract::FromRequestParts;
use http::{HeaderValue, header, request::Parts};
use techcommerce_http::ClientAddress;

use crate::{cookies, i18n::Texts, shop::Shop};

/// The visitor as the request tells of them. Nothing here is proven: the API decides what a
/// session or a cart's id opens.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The words in the visitor's language.
    pub texts: Arc<Texts>,
    /// The session's secret.
    pub session: Option<String>,
    /// The cart's id.
    pub cart: Option<String>,
    /// Path and query that were asked for.
    pub address: String,
    /// What was just done, by its code in the query, to be told once.
    pub note: Option<String>,
    /// Where the request came from, if it came from outside of the process.
    pub client: Option<IpAddr>,
    /// The browser, as it calls itself.
    pub user_agent: Option<String>,
}

impl Visitor {
    /// Whether the page shows something of this visitor alone.
    pub fn is_known(&self) -> bool {
        self.session.is_some() || self.cart.is_some() || self.note.is_some()
    }
}

impl FromRequestParts<Shop> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Infallible> {
        let text = |name| {
            parts
                .headers
                .get(name)
                .and_then(|v: &HeaderValue| v.to_str().ok())
        };
        let chosen = cookies::get(&parts.headers, cookies::LANGUAGE);
        let texts = shop
            .languages
            .choose(chosen.as_deref(), text(header::ACCEPT_LANGUAGE));
        let query = parts.uri.query().unwrap_or_default();
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
        let trusted = &shop.settings.trusted_proxies;
        let client = ClientAddress::of(&parts.extensions, &parts.headers, trusted);
        Ok(Self {
            texts,
            session: cookies::get(&parts.headers, cookies::SESSION),
            cart: cookies::get(&parts.headers, cookies::CART),
            address: parts
                .uri
                .path_and_query()
                .map_or("/", |address| address.as_str())
                .to_owned(),
            note: pairs
                .into_iter()
                .find(|(name, _)| name == "note")
                .map(|(_, note)| note),
            client: client.map(|ClientAddress(address)| address),
            user_agent: text(header::USER_AGENT).map(|agent| agent.chars().take(300).collect()),
        })
    }
}

/// A place to go back to, if it is one of ours: a path, not another site's address.
pub fn safe_return(address: &str) -> &str {
    let ours = address.starts_with('/')
        && !address.starts_with("//")
        && address.len() <= 2048
        && address.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if ours { address } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site() {
        assert_eq!(safe_return("/products?sort=price"), "/products?sort=price");
        for evil in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "",
            "/a\r\nx: y",
            "/\t/e",
        ] {
            assert_eq!(safe_return(evil), "/", "{evil:?}");
        }
    }
}
