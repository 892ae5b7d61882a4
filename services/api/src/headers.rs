//! What is taken off requests and answers on their way through.

use http::{HeaderMap, HeaderName, header};
use techcommerce_contracts::{
    context::{REQUEST_ID, TRACEPARENT},
    identity::TOKEN_HEADER,
};

/// What belongs to one connection and not to the message (RFC 9110 §7.6.1).
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What the edge has understood and answers for by itself, or what only it may say.
const NOT_PASSED_IN: [HeaderName; 12] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::HOST,
    header::EXPECT,
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-real-ip"),
    // The context of the request under way is written anew at each call.
    REQUEST_ID,
    TRACEPARENT,
];

/// All headers of ours between services begin so.
const OURS: &str = "x-techcommerce-";

/// Takes off a request what must not get in.
pub fn clean_request(headers: &mut HeaderMap) {
    clean(headers, &NOT_PASSED_IN);
}

/// Takes off an answer what must not get out.
pub fn clean_answer(headers: &mut HeaderMap) {
    clean(headers, &[header::SERVER]);
}

/// There are fewer headers in most messages than names that are looked for, so each header is
/// looked at once.
fn clean(headers: &mut HeaderMap, not_passed: &[HeaderName]) {
    debug_assert!(TOKEN_HEADER.starts_with(OURS));
    // What `Connection` names is for the neighbour too, except what a client could use to take
    // off headers that others rely on.
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .filter(|name| *name != header::CONTENT_TYPE && *name != header::CONTENT_LENGTH)
        .collect();
    let goes = |name: &&HeaderName| {
        HOP_BY_HOP.contains(name)
            || not_passed.contains(name)
            || named.contains(name)
            || name.as_str().starts_with(OURS)
    };
    let gone: Vec<HeaderName> = headers.keys().filter(goes).cloned().collect();
    for name in gone {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(clean: fn(&mut HeaderMap), names: &[&'static str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for name in names {
            let value = if *name == "connection" {
                "keep-alive, X-Private"
            } else {
                "1"
            };
            headers.append(*name, value.parse().unwrap());
        }
        clean(&mut headers);
        let mut kept: Vec<_> = headers
            .keys()
            .map(|name| name.as_str().to_owned())
            .collect();
        kept.sort_unstable();
        kept
    }

    #[test]
    fn requests() {
        let names = [
            "accept",
            "connection",
            "keep-alive",
            "x-private",
            "te",
            "upgrade",
            "cookie",
            "authorization",
            "x-techcommerce-token",
            "x-techcommerce-anything",
            "x-forwarded-for",
            "forwarded",
            "host",
            "idempotency-key",
            "x-request-id",
        ];
        assert_eq!(kept(clean_request, &names), ["accept", "idempotency-key"]);
    }

    #[test]
    fn answers() {
        let names = [
            "content-type",
            "connection",
            "x-private",
            "transfer-encoding",
            "set-cookie",
            "server",
            "x-techcommerce-token",
            "etag",
        ];
        assert_eq!(
            kept(clean_answer, &names),
            ["content-type", "etag", "set-cookie"]
        );
    }
}
