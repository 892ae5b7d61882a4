//! What somebody outside could send to be taken for somebody else.

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};

use super::things::NOTHING;
use crate::shop::Shop;

/// The header in which services tell each other who calls.
pub const INNER: &str = "x-techcommerce-token";

/// A name, and headers.
pub type Forgery = (&'static str, Vec<(&'static str, String)>);

/// Headers that would let somebody in, if anybody believed them. The worst are tokens that are
/// signed with the shop's own key: they never leave the house, and must not get in either.
pub fn forgeries(shop: &Shop) -> Result<Vec<Forgery>> {
    let ours = Key::of(shop, "auth")?;
    let another = Key {
        service: "auth".to_owned(),
        key: SigningKey::from_bytes(&[7; 32]),
    };
    let program = json!({"kind": "api_key", "id": NOTHING, "role": "admin"});
    let inner = |token: String| vec![(INNER, token)];
    Ok(vec![
        ("an admin's inner token", inner(ours.token(&admin()))),
        ("a program's inner token", inner(ours.token(&program))),
        (
            "the worker's inner token",
            inner(ours.token(&service("worker"))),
        ),
        (
            "the storefront's inner token",
            inner(ours.token(&service("frontend"))),
        ),
        ("a token of another house", inner(another.token(&admin()))),
        (
            "a token without algorithm",
            inner(ours.written(r#"{"alg":"none"}"#, &admin())),
        ),
        ("no token at all", inner("admin".to_owned())),
        (
            "headers of other systems",
            vec![
                ("x-forwarded-user", "admin".to_owned()),
                ("x-user-id", NOTHING.to_owned()),
                ("x-role", "admin".to_owned()),
                ("x-forwarded-for", "127.0.0.1".to_owned()),
                ("x-original-url", "/internal/keys".to_owned()),
                ("x-rewrite-url", "/internal/keys".to_owned()),
                ("x-http-method-override", "GET".to_owned()),
            ],
        ),
    ])
}

/// An admin, as tokens say it.
pub fn admin() -> Value {
    json!({"kind": "account", "id": NOTHING, "role": "admin", "session": NOTHING})
}

/// A service, as tokens say it.
pub fn service(name: &str) -> Value {
    json!({"kind": "service", "name": name})
}

/// A service's private key.
pub struct Key {
    service: String,
    key: SigningKey,
}

impl Key {
    /// That of a service of the shop; where one process is all of them, they have one.
    pub fn of(shop: &Shop, service: &str) -> Result<Self> {
        let file = match shop.setup.is_split() {
            true => shop.setup.data().join(format!("../keys/{service}.key")),
            false => shop.setup.data().join("signing.key"),
        };
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let seed = STANDARD.decode(text.trim())?;
        Ok(Self {
            service: service.to_owned(),
            key: SigningKey::from_bytes(seed.as_slice().try_into()?),
        })
    }

    /// A token as services sign them, far from running out.
    pub fn token(&self, principal: &Value) -> String {
        let public = self.key.verifying_key();
        let id = URL_SAFE_NO_PAD.encode(&public.as_bytes()[..8]);
        let header = format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{id}"}}"#);
        self.written(&header, principal)
    }

    fn written(&self, header: &str, principal: &Value) -> String {
        let claims = json!({
            "iss": self.service,
            "exp": 4_000_000_000_i64,
            "principal": principal,
            "client_address": "127.0.0.1",
        });
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let text = format!("{}.{}", part(header), part(&claims.to_string()));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(text.as_bytes()).to_bytes());
        format!("{text}.{signature}")
    }
}
