//! The double's messages, and how they are signed.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// Messages that nobody has taken yet.
#[derive(Default)]
pub(super) struct Outbox {
    made: u64,
    waiting: Vec<String>,
}

impl Outbox {
    pub fn add(&mut self, kind: &str, object: &Value, now: i64) {
        self.made += 1;
        let message = json!({
            "id": format!("evt_{}", self.made), "object": "event", "type": kind, "created": now,
            "livemode": false, "data": {"object": object},
        });
        self.waiting.push(message.to_string());
    }

    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.waiting)
    }
}

/// As the header `Stripe-Signature` has it.
pub(super) fn signature(secret: &str, now: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
    mac.update(format!("{now}.{body}").as_bytes());
    let bytes = mac.finalize().into_bytes();
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={now},v1={digits}")
}
