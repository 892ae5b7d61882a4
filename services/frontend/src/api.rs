//! The shop's public interface as the pages use it, in the visitor's name.
//!
//! What everyone may see is asked for without the session, so that a session that has run out
//! closes no page that needs none.

use http::{HeaderName, Method, header};
use serde::Serialize;
use techcommerce_contracts::{
    Client, Page,
    auth::{
        Account, LoginRequest, PasswordChange, PasswordResetConfirm, PasswordResetRequest,
        RegisterRequest, Session, SessionCreated, SessionList,
    },
    channel::Call,
    order_api::{
        Cart, CartLineInput, DiscountInput, Order, OrderAccess, OrderInput, OrderQuery,
        ShippingMethod, ShippingMethodList, ShippingQuery,
    },
    product_api::{Category, CategoryList, Product, ProductQuery},
    system::ShopReport,
};
use techcommerce_kernel::{Error, Uuid};

use crate::visitor::Visitor;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Calls in a visitor's name.
#[derive(Debug, Clone, Copy)]
pub struct Api<'a> {
    client: &'a Client,
    visitor: &'a Visitor,
}

impl<'a> Api<'a> {
    /// Calls on `client` in the name of `visitor`.
    pub fn new(client: &'a Client, visitor: &'a Visitor) -> Self {
        Self { client, visitor }
    }

    /// A call as anyone.
    fn open(&self, method: Method, path: String) -> Call<'a> {
        let call = self.client.call(method, path);
        match self.visitor.client {
            Some(address) => call.on_behalf_of(address),
            None => call,
        }
    }

    /// A call as whoever the session belongs to.
    pub(crate) fn own(&self, method: Method, path: String) -> Call<'a> {
        let call = self.open(method, path);
        match &self.visitor.session {
            Some(session) => call.bearer(session),
            None => call,
        }
    }

    fn get(&self, path: impl Into<String>) -> Call<'a> {
        self.open(Method::GET, path.into())
    }

    /// Whether the shop is open.
    pub async fn status(&self) -> Result<ShopReport, Error> {
        self.get("/api/status").send().await
    }

    /// All categories.
    pub async fn categories(&self) -> Result<Vec<Category>, Error> {
        Ok(self
            .get("/api/categories")
            .send::<CategoryList>()
            .await?
            .items)
    }

    /// A list of products.
    pub async fn products(&self, query: &ProductQuery) -> Result<Page<Product>, Error> {
        self.get("/api/products").query(query).send().await
    }

    /// A product by its handle or id.
    pub async fn product(&self, handle: &str) -> Result<Product, Error> {
        self.get(format!("/api/products/{}", segment(handle)))
            .send()
            .await
    }

    /// A new, empty cart.
    pub async fn create_cart(&self) -> Result<Cart, Error> {
        self.open(Method::POST, "/api/carts".into()).send().await
    }

    /// A cart.
    pub async fn cart(&self, id: &str) -> Result<Cart, Error> {
        self.get(format!("/api/carts/{}", segment(id))).send().await
    }

    /// Makes the cart hold `quantity` of a variant.
    pub async fn set_line(&self, cart: &str, variant: Uuid, quantity: i64) -> Result<Cart, Error> {
        let path = format!("/api/carts/{}/lines/{variant}", segment(cart));
        self.open(Method::PUT, path)
            .json(&CartLineInput { quantity })
            .send()
            .await
    }

    /// Applies a discount code; the empty text takes it away.
    pub async fn set_discount(&self, cart: &str, code: &str) -> Result<Cart, Error> {
        let path = format!("/api/carts/{}/discount", segment(cart));
        if code.is_empty() {
            return self.open(Method::DELETE, path).send().await;
        }
        let input = DiscountInput {
            code: code.to_owned(),
        };
        self.open(Method::PUT, path).json(&input).send().await
    }

    /// How the cart can be shipped, the cheapest first.
    pub async fn shipping_methods(&self, cart: &str) -> Result<Vec<ShippingMethod>, Error> {
        let query = ShippingQuery {
            cart_id: Some(cart.to_owned()),
        };
        let list = self.get("/api/shipping-methods").query(&query);
        Ok(list.send::<ShippingMethodList>().await?.items)
    }

    /// Places an order; the same `key` with the same order is the same order.
    pub async fn place_order(&self, key: &str, order: &OrderInput) -> Result<Order, Error> {
        let call = self.own(Method::POST, "/api/orders".into());
        call.header(IDEMPOTENCY_KEY, key).json(order).send().await
    }

    /// An order: with its access token if there is one, else as the session's owner.
    pub async fn order(&self, id: Uuid, access_token: Option<String>) -> Result<Order, Error> {
        let path = format!("/api/orders/{id}");
        if access_token.is_some() {
            return self
                .get(path)
                .query(&OrderAccess { access_token })
                .send()
                .await;
        }
        self.own(Method::GET, path).send().await
    }

    /// The session's owner's orders.
    pub async fn orders(&self, query: &OrderQuery) -> Result<Page<Order>, Error> {
        self.own(Method::GET, "/api/orders".into())
            .query(query)
            .send()
            .await
    }

    /// Whose session it is.
    pub async fn me(&self) -> Result<Account, Error> {
        self.own(Method::GET, "/api/auth/me".into()).send().await
    }

    /// Where the session's owner is signed in.
    pub async fn sessions(&self) -> Result<Vec<Session>, Error> {
        let list = self.own(Method::GET, "/api/auth/sessions".into());
        Ok(list.send::<SessionList>().await?.items)
    }

    /// Ends one of the owner's sessions.
    pub async fn revoke(&self, session: Uuid) -> Result<(), Error> {
        self.own(Method::DELETE, format!("/api/auth/sessions/{session}"))
            .send_empty()
            .await
    }

    /// Signs in.
    pub async fn login(&self, request: &LoginRequest) -> Result<SessionCreated, Error> {
        self.sign("/api/auth/login", request).send().await
    }

    /// Makes an account and signs in.
    pub async fn register(&self, request: &RegisterRequest) -> Result<SessionCreated, Error> {
        self.sign("/api/auth/register", request).send().await
    }

    /// Ends the session.
    pub async fn logout(&self) -> Result<(), Error> {
        self.own(Method::POST, "/api/auth/logout".into())
            .send_empty()
            .await
    }

    /// Asks for a mail with a way to set a new password.
    pub async fn request_reset(&self, request: &PasswordResetRequest) -> Result<(), Error> {
        self.sign("/api/auth/password-reset", request)
            .send_empty()
            .await
    }

    /// Sets a new password.
    pub async fn confirm_reset(&self, request: &PasswordResetConfirm) -> Result<(), Error> {
        self.sign("/api/auth/password-reset/confirm", request)
            .send_empty()
            .await
    }

    /// Changes the owner's password. All sessions end; the answer is a new one.
    pub async fn change_password(&self, request: &PasswordChange) -> Result<SessionCreated, Error> {
        let call = self.sign("/api/auth/password", request);
        match &self.visitor.session {
            Some(session) => call.bearer(session).send().await,
            None => call.send().await,
        }
    }

    /// A call that names the browser, so that its session can be told from others.
    fn sign(&self, path: &str, body: &impl Serialize) -> Call<'a> {
        let call = self.open(Method::POST, path.to_owned()).json(body);
        match self
            .visitor
            .user_agent
            .as_deref()
            .filter(|agent| agent.is_ascii())
        {
            Some(agent) => call.header(header::USER_AGENT, agent),
            None => call,
        }
    }
}

/// A text as one segment of a path: everything but unreserved characters is escaped (RFC 3986).
pub(crate) fn segment(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    // A dot segment would lead elsewhere.
    if text == "." || text == ".." {
        escaped.replace('.', "%2E")
    } else {
        escaped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_leaves_its_segment() {
        assert_eq!(segment("oak-table"), "oak-table");
        assert_eq!(segment("../carts?x#y"), "..%2Fcarts%3Fx%23y");
        assert_eq!(segment(".."), "%2E%2E");
        assert_eq!(segment("ü"), "%C3%BC");
    }
}
