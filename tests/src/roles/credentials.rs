//! What somebody outside could send to be taken for somebody else.

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};

use crate::shop::Shop;

/// The header in which services tell each other who calls.
const INNER: &str = "x-techcommerce-token";

/// A name, and headers.
pub type Forgery = (&'static str, Vec<(&'static str, String)>);

/// Headers that would let somebody in, if anybody believed them. The worst are tokens that are
/// signed with the shop's own key: they never leave the house, and must not get in either.
pub fn forgeries(shop: &Shop) -> Result<Vec<Forgery>> {
    let file = shop.setup.data().join("signing.key");
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let seed = STANDARD.decode(text.trim())?;
    let ours = SigningKey::from_bytes(seed.as_slice().try_into()?);
    let another = SigningKey::from_bytes(&[7; 32]);
    let admin = json!({"kind": "account", "id": super::things::NOTHING, "role": "admin",
        "session": super::things::NOTHING});
    let key = json!({"kind": "api_key", "id": super::things::NOTHING, "role": "admin"});
    let service = |name: &str| json!({"kind": "service", "name": name});
    let token = |key: &SigningKey, header: &str, principal: &Value| {
        vec![(INNER, signed(key, header, principal))]
    };
    let plain = r#"{"alg":"EdDSA","typ":"JWT"}"#;
    let none = r#"{"alg":"none"}"#;
    Ok(vec![
        ("an admin's inner token", token(&ours, plain, &admin)),
        ("a key's inner token", token(&ours, plain, &key)),
        (
            "the worker's inner token",
            token(&ours, plain, &service("worker")),
        ),
        (
            "the storefront's inner token",
            token(&ours, plain, &service("frontend")),
        ),
        ("a token of another house", token(&another, plain, &admin)),
        ("a token without algorithm", token(&another, none, &admin)),
        ("no token at all", vec![(INNER, "admin".to_owned())]),
        (
            "headers of other systems",
            vec![
                ("x-forwarded-user", "admin".to_owned()),
                ("x-user-id", super::things::NOTHING.to_owned()),
                ("x-role", "admin".to_owned()),
                ("x-forwarded-for", "127.0.0.1".to_owned()),
                ("x-original-url", "/internal/keys".to_owned()),
                ("x-rewrite-url", "/internal/keys".to_owned()),
                ("x-http-method-override", "GET".to_owned()),
            ],
        ),
    ])
}

/// A token as auth signs it, far from running out.
fn signed(key: &SigningKey, header: &str, principal: &Value) -> String {
    let claims = json!({
        "iss": "techcommerce-auth",
        "exp": 4_000_000_000_i64,
        "principal": principal,
        "client_address": "127.0.0.1",
    });
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    let text = format!("{}.{}", part(header.to_owned()), part(claims.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes()).to_bytes());
    format!("{text}.{signature}")
}
