//! The header that browsers send our cookies in, with everybody else's.
#![no_main]

use http::{HeaderMap, HeaderValue, header};
use libfuzzer_sys::fuzz_target;
use techcommerce_frontend::cookies;

fuzz_target!(|bytes: &[u8]| {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(header::COOKIE, value);
        }
    }
    for name in [cookies::SESSION, cookies::CART, cookies::LANGUAGE] {
        if let Some(value) = cookies::get(&headers, name) {
            // What comes in can be given out again, and comes in as the same.
            cookies::set(name, &value, cookies::CART_AGE, true).expect("a plain token");
            let mut again = HeaderMap::new();
            let text = format!("{name}={value}");
            again.insert(
                header::COOKIE,
                HeaderValue::from_str(&text).expect("a plain token"),
            );
            assert_eq!(cookies::get(&again, name), Some(value));
        }
    }
});
