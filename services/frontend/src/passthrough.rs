//! `/api/*` is passed on as it comes, streamed both ways, so that one address serves browsers and
//! programs alike. Of pictures only `GET /images/{id}/{variant}` is, and without our word for it:
//! whatever a proxy on the way makes of an address, it never speaks for the shop.

use axum::{
    body::Body,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use techcommerce_contracts::{Channel, codes, identity::TOKEN_HEADER};
use techcommerce_http::{ApiError, ClientAddress};
use techcommerce_kernel::{Error, Uuid};

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
    if is_ambiguous(request.uri().path()) {
        let error = Error::not_found(codes::NOT_FOUND, "There is nothing at this address.");
        return ApiError(error).into_response();
    }
    let answer = match token(&shop, &request) {
        Ok(token) => forward(shop.edge.channel(), request, Some(token)).await,
        Err(error) => Err(error),
    };
    answer.unwrap_or_else(|error| Failure(error).into_response())
}

/// `GET /images/{id}/{variant}`
pub async fn image(
    State(shop): State<Shop>,
    Path((id, variant)): Path<(String, String)>,
    request: Request,
) -> Response {
    let named = Uuid::try_parse(&id).is_ok() && variant.bytes().all(|b| b.is_ascii_alphanumeric());
    let answer = if named {
        forward(&shop.images, request, None).await
    } else {
        Err(Error::not_found(
            codes::IMAGE_NOT_FOUND,
            "There is no such picture.",
        ))
    };
    answer.unwrap_or_else(|error| Failure(error).into_response())
}

/// `OPTIONS /images/{id}/{variant}`: pictures are only looked at.
pub async fn image_options() -> Response {
    let allow = [(header::ALLOW, "GET, HEAD, OPTIONS")];
    (StatusCode::NO_CONTENT, allow).into_response()
}

/// Whether a path could mean another one to somebody further in. Browsers resolve such paths, and
/// no link of ours has one.
fn is_ambiguous(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    path.contains("//")
        || path.split('/').any(|part| matches!(part, "." | ".."))
        || ["%2e", "%2f", "%5c", "%00", "\\"]
            .iter()
            .any(|bad| lower.contains(bad))
}

/// What the storefront shows to the edge: who it is, and where the request came from.
fn token(shop: &Shop, request: &Request) -> Result<HeaderValue, Error> {
    let trusted = &shop.settings.trusted_proxies;
    let token = match ClientAddress::of(request.extensions(), request.headers(), trusted) {
        Some(ClientAddress(address)) => shop.tokens.token_for(address)?,
        None => shop.tokens.token()?,
    };
    let mut token = HeaderValue::from_str(&token).map_err(Error::internal)?;
    token.set_sensitive(true);
    Ok(token)
}

async fn forward(
    channel: &Channel,
    request: Request,
    token: Option<HeaderValue>,
) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    // A request of its own: what the way in left in the extensions stays here.
    let mut onward = http::Request::new(body);
    *onward.method_mut() = parts.method;
    *onward.uri_mut() = parts.uri;
    *onward.headers_mut() = parts.headers;
    drop_hop_by_hop(onward.headers_mut());
    // Our word on who asks and from where goes on, nobody else's.
    for name in ["forwarded", "x-forwarded-for", "x-real-ip", TOKEN_HEADER] {
        onward.headers_mut().remove(name);
    }
    if let Some(token) = token {
        onward.headers_mut().insert(TOKEN_HEADER, token);
    }
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
        let request = request(Method::GET, "/api/echo")
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
    async fn pictures_are_only_looked_at() {
        let site = Site::new().await;
        let picture = "/images/0193a1b2-0000-7000-8000-000000000000/echo";
        let request = |method, address: &str| {
            request(method, address)
                .header("x-techcommerce-token", "forged")
                .body(Body::empty())
                .unwrap()
        };
        let answer = site
            .send(request(Method::GET, picture))
            .await
            .expect(StatusCode::CREATED);
        answer.lacks(&["x-techcommerce-token"]);
        site.send(request(Method::POST, picture))
            .await
            .expect(StatusCode::METHOD_NOT_ALLOWED);
        for address in [
            "/images/../internal/images",
            "/images/%2e%2e/internal",
            "/images/0193a1b2-0000-7000-8000-000000000000/..",
            "/images/0193a1b2-0000-7000-8000-000000000000/w640%2f..",
            "/images/upload",
        ] {
            site.send(request(Method::GET, address))
                .await
                .expect(StatusCode::NOT_FOUND);
        }
    }

    #[tokio::test]
    async fn a_path_that_could_mean_another_goes_nowhere() {
        let site = Site::new().await;
        for address in [
            "/api/../internal/echo",
            "/api/x/%2e%2e/echo",
            "/api/x%2Fecho",
            "/api//echo",
            "/api/./echo",
            "/api/x%5c..%5cecho",
        ] {
            let get = request(Method::GET, address).body(Body::empty());
            let answer = site.send(get.unwrap()).await.expect(StatusCode::NOT_FOUND);
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
        let get = request(Method::GET, "/api/echo?back=%2Fcart%2F..").body(Body::empty());
        site.send(get.unwrap()).await.expect(StatusCode::CREATED);
    }

    #[tokio::test]
    async fn what_pictures_allow() {
        let site = Site::new().await;
        let picture = "/images/0193a1b2-0000-7000-8000-000000000000/w640";
        let options = request(Method::OPTIONS, picture).body(Body::empty());
        let answer = site
            .send(options.unwrap())
            .await
            .expect(StatusCode::NO_CONTENT);
        assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
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
