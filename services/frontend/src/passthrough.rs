//! `/api/*` and `/images/*`: passed on as they come, streamed both ways, so that one address
//! serves browsers and programs alike.

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use techcommerce_contracts::{Channel, identity::TOKEN_HEADER};
use techcommerce_http::ClientAddress;
use techcommerce_kernel::Error;

use crate::{failure::Failure, shop::Shop};

/// What belongs to one connection and not to the message (RFC 9110 §7.6.1).
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Any method on `/api/*`
pub async fn api(State(shop): State<Shop>, request: Request) -> Response {
    pass_on(&shop, shop.edge.channel(), request).await
}

/// Any method on `/images/*`
pub async fn images(State(shop): State<Shop>, request: Request) -> Response {
    pass_on(&shop, &shop.images, request).await
}

async fn pass_on(shop: &Shop, channel: &Channel, request: Request) -> Response {
    match forward(shop, channel, request).await {
        Ok(response) => response,
        Err(error) => Failure(error).into_response(),
    }
}

async fn forward(shop: &Shop, channel: &Channel, request: Request) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    let trusted = &shop.settings.trusted_proxies;
    let client = ClientAddress::of(&parts.extensions, &parts.headers, trusted);
    let token = match client {
        Some(ClientAddress(address)) => shop.tokens.token_for(address)?,
        None => shop.tokens.token()?,
    };
    // A request of its own: what the way in left in the extensions stays here.
    let mut onward = http::Request::new(body);
    *onward.method_mut() = parts.method;
    *onward.uri_mut() = parts.uri;
    *onward.headers_mut() = parts.headers;
    drop_hop_by_hop(onward.headers_mut());
    // Our word on where it came from goes on, nobody else's.
    for name in ["forwarded", "x-forwarded-for", "x-real-ip"] {
        onward.headers_mut().remove(name);
    }
    let mut token = HeaderValue::from_str(&token).map_err(Error::internal)?;
    token.set_sensitive(true);
    onward.headers_mut().insert(TOKEN_HEADER, token);
    let mut answer: http::Response<Body> = channel.call(onward).await?;
    drop_hop_by_hop(answer.headers_mut());
    Ok(answer)
}

fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}
