//! Messages of Stripe: the header that signs them on the first line, then the body.
#![no_main]

use std::sync::LazyLock;

use hmac::{Hmac, KeyInit, Mac};
use libfuzzer_sys::fuzz_target;
use sha2::Sha256;
use techcommerce_kernel::Timestamp;
use techcommerce_order_api::fuzzed::stripe_message;

const NOW: i64 = 1_800_000_000;

static SECRETS: LazyLock<Vec<String>> =
    LazyLock::new(|| vec!["whsec_new".to_owned(), "whsec_old".to_owned()]);

fuzz_target!(|message: &[u8]| {
    let end = message.iter().position(|byte| *byte == b'\n');
    let (header, body) = message.split_at(end.unwrap_or(0));
    let Ok(header) = std::str::from_utf8(header) else {
        return;
    };
    let now = Timestamp::from_micros(NOW * 1_000_000);
    let hear = |header: &str| stripe_message(&SECRETS, header, body, now);
    assert!(hear(header).is_none(), "nobody signed this");

    // Signed, whatever else the header says, it is read; and twice it is the same.
    let signed = format!("t={NOW},v1={},{header}", sign(&SECRETS[1], body));
    let read = hear(&signed).expect("it is signed");
    if let Ok(read) = read {
        assert_eq!(hear(&signed).and_then(Result::ok), Some(read));
    }
});

fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length will do");
    mac.update(format!("{NOW}.").as_bytes());
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
