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

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{Method, Request, StatusCode};

    use crate::testing::Site;

    fn request(method: Method, address: &str) -> http::request::Builder {
        Request::builder().method(method).uri(address)
    }

    #[tokio::test]
    async fn every_method_goes_through_with_query_headers_and_body() {
        let site = Site::new().await;
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let request = request(method.clone(), "/api/echo?a=1%202&b")
                .header("authorization", "Bearer key")
                .body(Body::from("the body"));
            let answer = site
                .send(request.unwrap())
                .await
                .expect(StatusCode::CREATED);
            answer.has(&[
                method.as_str(),
                "/api/echo?a=1%202&b",
                "Bearer key",
                "the body",
            ]);
            assert_eq!(answer.header("x-api"), "as it came");
        }
    }

    #[tokio::test]
    async fn nobody_can_pass_for_one_of_us_or_for_another_address() {
        let site = Site::new().await;
        let request = request(Method::GET, "/images/echo")
            .header("x-techcommerce-token", "forged")
            .header("x-forwarded-for", "1.2.3.4")
            .header("connection", "close, x-hop")
            .header("x-hop", "for this connection")
            .body(Body::empty());
        let answer = site
            .send(request.unwrap())
            .await
            .expect(StatusCode::CREATED);
        answer.lacks(&["forged", "1.2.3.4", "x-hop", "close"]);
    }

    #[tokio::test]
    async fn problems_of_the_api_stay_problems() {
        let site = Site::new().await;
        let answer = site
            .get("/api/products/none")
            .await
            .expect(StatusCode::NOT_FOUND);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        answer.has(&["\"detail\""]);
    }
}
