//! Passing a request on.

use std::{net::IpAddr, sync::Arc};

use axum::{
    body::{Body, HttpBody},
    extract::{FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Uri, header, request::Parts, uri::PathAndQuery};
use http_body_util::{LengthLimitError, Limited};
use techcommerce_contracts::{
    Channel, Client, Principal, Service, ServiceTokens, auth::SESSION_COOKIE, codes,
    identity::TOKEN_HEADER,
};
use techcommerce_http::{ApiError, Caller, ClientAddress, OriginCheck, TrustedProxies};
use techcommerce_kernel::{Env, Error, Kind};

use crate::{
    Channels, Settings,
    credentials::Credential,
    headers::{clean_answer, clean_request},
    rate_limits::{RateLimits, Refused, SharedLimits, Told},
    routes::Target,
};

/// What passing on needs. Clones are the same.
#[derive(Clone)]
pub struct Edge(Arc<Inner>);

struct Inner {
    auth: Client,
    tokens: ServiceTokens,
    channels: Channels,
    limits: RateLimits,
    trusted: TrustedProxies,
    origins: OriginCheck,
    body_bytes: u64,
}

impl Edge {
    /// An edge that shows `tokens` where it asks in its own name.
    pub fn new(
        env: Env,
        tokens: ServiceTokens,
        channels: Channels,
        settings: &Settings,
        shared: Option<SharedLimits>,
    ) -> Self {
        let (requests, logins) = (settings.requests_per_minute, settings.login_per_minute);
        Self(Arc::new(Inner {
            auth: Client::new(channels.auth.clone(), tokens.clone()),
            tokens,
            channels,
            limits: RateLimits::new(env, requests, logins, shared),
            trusted: settings.trusted_proxies.clone(),
            origins: {
                let own = std::iter::once(&settings.public_url);
                OriginCheck::new(own.chain(&settings.allowed_origins), [SESSION_COOKIE])
            },
            body_bytes: settings.body_bytes,
        }))
    }

    /// The answer of the target's service, or the reason why there is none.
    pub async fn forward(&self, target: Target, request: Request) -> Response {
        let mut told = None;
        let from_us = self.0.origins.check(request.method(), request.headers());
        let answer = match from_us {
            Ok(()) => self.answer(target, request, &mut told).await,
            Err(error) => Err(error),
        };
        let response = answer.unwrap_or_else(|error| ApiError(error).into_response());
        telling(response, told)
    }

    /// Lets staff through to what the edge answers itself, counted like every request.
    ///
    /// # Errors
    /// 401 and 403 as a service would; 429; 503 if nobody can be recognised.
    pub async fn staff(&self, parts: &mut Parts, told: &mut Option<Told>) -> Result<(), Error> {
        let client = self.client_address(parts).await?;
        let limits = &self.0.limits;
        *told = keep(limits.address(client, false).await, told)?;
        let holder = match Credential::of(&parts.headers)? {
            Some(credential) => credential.resolve(&self.0.auth, client, true).await?,
            None => None,
        };
        let Some(holder) = holder else {
            let ask = "Sign in, or send an API key as `Authorization: Bearer …`.";
            return Err(Error::unauthenticated(codes::UNAUTHENTICATED, ask));
        };
        *told = keep(limits.holder(client, &holder.principal).await, told)?;
        if holder.principal.is_staff() {
            return Ok(());
        }
        Err(match holder.password_change_required {
            true => password_change(),
            false => Error::forbidden(codes::FORBIDDEN, "This is for the shop's staff."),
        })
    }

    async fn answer(
        &self,
        target: Target,
        request: Request,
        told: &mut Option<Told>,
    ) -> Result<Response, Error> {
        let (mut parts, body) = request.into_parts();
        let path = inner_path(&parts.uri)?;
        let client = self.client_address(&mut parts).await?;
        // Reading the page of an account is no try of its password.
        let guarded = target.guarded && parts.method == http::Method::POST;
        let limits = &self.0.limits;
        *told = keep(limits.address(client, guarded).await, told)?;
        let holder = match Credential::of(&parts.headers)? {
            Some(credential) if needs_holder(target, &parts) => {
                let strict = target.service == Service::Auth;
                // On the heap: most who only look have none.
                Box::pin(credential.resolve(&self.0.auth, client, strict)).await?
            }
            _ => None,
        };
        if let Some(holder) = &holder {
            *told = keep(limits.holder(client, &holder.principal).await, told)?;
        }
        let token = match &holder {
            Some(holder) => Some(holder.token.clone()),
            None => self.guest_token(target, client)?,
        };
        let body = self.limited(target, &parts.headers, body)?;
        // A request of its own: nothing that was left in the extensions goes along.
        let mut onward = Request::new(body);
        *onward.method_mut() = parts.method;
        *onward.uri_mut() = path;
        *onward.headers_mut() = parts.headers;
        clean_request(onward.headers_mut());
        if let Some(token) = token {
            let mut token = HeaderValue::from_str(&token).map_err(Error::internal)?;
            token.set_sensitive(true);
            onward.headers_mut().insert(TOKEN_HEADER, token);
        }
        let answer = self
            .channel(target.service)?
            .call_within(target.within, onward)
            .await;
        let mut answer = answer.map_err(explained)?;
        clean_answer(answer.headers_mut());
        let reduced = holder
            .as_ref()
            .is_some_and(|held| held.password_change_required);
        if reduced && answer.status() == http::StatusCode::FORBIDDEN {
            return Err(password_change());
        }
        if target.service != Service::Images {
            keep_private(
                answer.headers_mut(),
                holder.map(|holder| holder.principal).as_ref(),
            );
        }
        Ok(answer)
    }

    /// Where the request came from: what the storefront signed, else what the connection says.
    async fn client_address(&self, parts: &mut Parts) -> Result<Option<IpAddr>, Error> {
        let caller = Caller::from_request_parts(parts, &()).await;
        let caller = caller.map_err(|ApiError(error)| error)?;
        if caller.service() == Some(Service::Frontend) {
            return Ok(caller.client_address());
        }
        let client = ClientAddress::of(&parts.extensions, &parts.headers, &self.0.trusted);
        Ok(client.map(|ClientAddress(address)| address))
    }

    /// Guests have no token, except that auth must know where those come from who try passwords.
    /// No public endpoint of auth asks for a service, and no other service gets this token.
    fn guest_token(&self, target: Target, client: Option<IpAddr>) -> Result<Option<String>, Error> {
        match client {
            Some(address) if target.service == Service::Auth => {
                self.0.tokens.token_for(address).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn limited(&self, target: Target, headers: &HeaderMap, body: Body) -> Result<Body, Error> {
        let limit = target.body_bytes.unwrap_or(self.0.body_bytes);
        let length = headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        if body.is_end_stream() {
            return Ok(body);
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(Body::new(Limited::new(body, limit)))
    }

    fn channel(&self, service: Service) -> Result<&Channel, Error> {
        let channels = &self.0.channels;
        match service {
            Service::Auth => Ok(&channels.auth),
            Service::ProductApi => Ok(&channels.product_api),
            Service::OrderApi => Ok(&channels.order_api),
            Service::Images => Ok(&channels.images),
            Service::Worker => Ok(&channels.worker),
            Service::Frontend | Service::Api => Err(Error::internal(
                "the edge passes nothing on to this service",
            )),
        }
    }
}

/// The answer, with what is known of the limit.
pub fn telling(mut answer: Response, told: Option<Told>) -> Response {
    if let Some(told) = told {
        told.write(answer.headers_mut());
    }
    answer
}

fn password_change() -> Error {
    Error::forbidden(
        codes::PASSWORD_CHANGE_REQUIRED,
        "Your password was made by the shop. Replace it (`POST /api/auth/password`), and sign in \
         anew: then you have the rights of your role.",
    )
}

/// What a refusal tells about the limit is told as well.
fn keep(
    outcome: Result<Option<Told>, Refused>,
    told: &mut Option<Told>,
) -> Result<Option<Told>, Error> {
    outcome
        .map(|new| new.or(*told))
        .map_err(|Refused(error, refused)| {
            *told = Some(refused);
            error
        })
}

/// Pictures are for everyone: a page of them need not ask who looks.
fn needs_holder(target: Target, parts: &Parts) -> bool {
    target.service != Service::Images || parts.uri.path().starts_with("/api/")
}

/// The path as the service knows it: without `/api`. A path that could mean another one to
/// somebody further in means nothing here.
fn inner_path(uri: &Uri) -> Result<Uri, Error> {
    let outer = uri.path();
    let escapes = |path: &str| {
        let lower = path.to_ascii_lowercase();
        ["%2e", "%2f", "%5c", "%00"]
            .iter()
            .any(|bad| lower.contains(bad))
    };
    let ambiguous = outer.contains("//")
        || outer.contains('\\')
        || outer.split('/').any(|part| matches!(part, "." | ".."))
        || (outer.contains('%') && escapes(outer));
    if ambiguous {
        return Err(Error::not_found(
            codes::NOT_FOUND,
            "There is nothing at this address.",
        ));
    }
    let inner = outer.strip_prefix("/api").unwrap_or(outer);
    let target = match uri.query() {
        Some(query) => format!("{inner}?{query}"),
        None => inner.to_owned(),
    };
    let target = PathAndQuery::try_from(target).map_err(Error::internal)?;
    Ok(Uri::from(target))
}

/// What depends on who asks must not be kept by caches between us and them.
fn keep_private(headers: &mut HeaderMap, holder: Option<&Principal>) {
    headers.append(
        header::VARY,
        HeaderValue::from_static("authorization, cookie"),
    );
    let control = headers
        .get(header::CACHE_CONTROL)
        .and_then(|value| value.to_str().ok());
    let shared = control.is_none_or(|control| control.contains("public"));
    if holder.is_some() && shared {
        let private = HeaderValue::from_static("private, no-cache");
        headers.insert(header::CACHE_CONTROL, private);
    }
}

/// A body that grew beyond its limit on the way makes the call fail; the client is told why.
fn explained(error: Error) -> Error {
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        if inner.is::<LengthLimitError>() {
            return too_large();
        }
        cause = inner.source();
    }
    error
}

fn too_large() -> Error {
    Error::new(
        Kind::TooLarge,
        "too_large",
        "The body is larger than allowed here.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_the_outer_prefix() {
        let inner = |path: &str| {
            inner_path(&path.parse().unwrap())
                .map(|uri| uri.to_string())
                .ok()
        };
        assert_eq!(
            inner("/api/products?q=a%2Fb&x=1").unwrap(),
            "/products?q=a%2Fb&x=1"
        );
        assert_eq!(inner("/images/1/w640").unwrap(), "/images/1/w640");
        assert_eq!(
            inner("/api/products/caf%C3%A9").unwrap(),
            "/products/caf%C3%A9"
        );
        for bad in [
            "/api/auth/../internal/tokens",
            "/api/auth/%2e%2E/internal/tokens",
            "/api/auth/%2Finternal",
            "/api//internal/tokens",
            "/api/auth/./x",
            "/api/auth/%5cx",
        ] {
            assert_eq!(inner(bad), None, "{bad}");
        }
    }
}
