//! Who is calling, as extractors: a handler says in its signature who may call it.
//!
//! The service stack verifies the token once and leaves the result in the request's extensions.
//! A handler outside of a stack gets a 500, never a guest.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use techcommerce_contracts::{
    Principal, Role, Service, TokenVerifier, codes,
    identity::{Claims, TOKEN_HEADER},
};
use techcommerce_kernel::{Error, Uuid};

use crate::{ApiError, Exposure};

/// What the stack found out, in the request's extensions.
#[derive(Debug, Clone)]
struct Identity(Option<Claims>);

/// Verifies the token and leaves the outcome in the request.
///
/// Inside the house a token that is not valid is a 401. At a public edge anyone can send the
/// header, so there all but a service's own token is taken away and the caller is a guest.
pub(crate) fn identify<B>(
    request: &mut http::Request<B>,
    verifier: &TokenVerifier,
    exposure: &Exposure,
) -> Result<(), Error> {
    let claims = match (token(request), exposure) {
        (None, Exposure::Internal) => None,
        (Some(Ok(token)), Exposure::Internal) => Some(verifier.verify(&token)?),
        (Some(Err(error)), Exposure::Internal) => return Err(error),
        (None, Exposure::Edge(_)) => None,
        (Some(token), Exposure::Edge(_)) => {
            let claims = token
                .and_then(|token| verifier.verify(&token))
                .ok()
                .filter(|claims| matches!(claims.principal, Principal::Service { .. }));
            if claims.is_none() {
                request.headers_mut().remove(TOKEN_HEADER);
            }
            claims
        }
    };
    request.extensions_mut().insert(Identity(claims));
    Ok(())
}

/// Whether one of our services has shown a token of its own; after [`identify`].
pub(crate) fn is_from_service<B>(request: &http::Request<B>) -> bool {
    let identity = request.extensions().get::<Identity>();
    identity
        .and_then(|Identity(claims)| claims.as_ref())
        .is_some_and(|claims| matches!(claims.principal, Principal::Service { .. }))
}

fn token<B>(request: &http::Request<B>) -> Option<Result<String, Error>> {
    let mut values = request.headers().get_all(TOKEN_HEADER).iter();
    let value = values.next()?;
    let refused = || {
        Error::unauthenticated(
            codes::UNAUTHENTICATED,
            "The token between services cannot be read.",
        )
    };
    if values.next().is_some() {
        return Some(Err(refused()));
    }
    Some(value.to_str().map(str::to_owned).map_err(|_| refused()))
}

/// Anyone. Ask it what the caller may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    principal: Option<Principal>,
    client_address: Option<IpAddr>,
}

impl Caller {
    /// Nobody in particular.
    pub const GUEST: Self = Self {
        principal: None,
        client_address: None,
    };

    /// A caller that is `principal`.
    pub fn of(principal: Principal) -> Self {
        Self {
            principal: Some(principal),
            client_address: None,
        }
    }

    /// Who it is; `None` is a guest.
    pub fn principal(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }

    /// The address of the outermost client, as the edge signed it.
    pub fn client_address(&self) -> Option<IpAddr> {
        self.client_address
    }

    /// The account, if a person is signed in.
    pub fn account(&self) -> Option<Uuid> {
        self.principal.as_ref().and_then(Principal::account)
    }

    /// Staff or admin, person or program.
    pub fn is_staff(&self) -> bool {
        self.principal.as_ref().is_some_and(Principal::is_staff)
    }

    /// The calling service, if it speaks for itself.
    pub fn service(&self) -> Option<Service> {
        match self.principal {
            Some(Principal::Service { name }) => Some(name),
            _ => None,
        }
    }

    /// Whether it may see what belongs to `owner` (an account or an API key; `None` is a guest's
    /// thing): its owner, staff, and our own services may.
    pub fn may_see(&self, owner: Option<Uuid>) -> bool {
        match &self.principal {
            None => false,
            Some(Principal::Service { .. }) => true,
            Some(Principal::Account { id, .. } | Principal::ApiKey { id, .. }) => {
                self.is_staff() || Some(*id) == owner
            }
        }
    }

    /// Names the caller in audit trails, as `account:0193…` or `guest`.
    pub fn actor(&self) -> String {
        self.principal
            .as_ref()
            .map_or_else(|| "guest".to_owned(), Principal::actor)
    }
}

/// A person or a program that is signed in; else 401.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed(pub Principal);

/// Staff or admin; 401 for guests, 403 for others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staff(pub Principal);

/// Admin; 401 for guests, 403 for others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin(pub Principal);

/// One of our own services, speaking for itself; else 403.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceOnly(pub Service);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        caller(parts)
    }
}

impl<S: Sync> FromRequestParts<S> for Signed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        signed(parts).map(Self)
    }
}

impl<S: Sync> FromRequestParts<S> for Staff {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        with_role(parts, Role::Staff).map(Self)
    }
}

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        with_role(parts, Role::Admin).map(Self)
    }
}

impl<S: Sync> FromRequestParts<S> for ServiceOnly {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match caller(parts)?.service() {
            Some(service) => Ok(Self(service)),
            None => Err(forbidden("Only the shop's own services may call this.")),
        }
    }
}

fn caller(parts: &Parts) -> Result<Caller, ApiError> {
    let Some(Identity(claims)) = parts.extensions.get::<Identity>() else {
        return Err(
            Error::internal("a handler that asks who calls is outside service_stack").into(),
        );
    };
    Ok(match claims {
        None => Caller::GUEST,
        Some(claims) => Caller {
            principal: Some(claims.principal.clone()),
            client_address: claims.client_address,
        },
    })
}

fn signed(parts: &Parts) -> Result<Principal, ApiError> {
    match caller(parts)?.principal {
        Some(principal) if principal.role().is_some() => Ok(principal),
        _ => Err(Error::unauthenticated(
            codes::UNAUTHENTICATED,
            "Sign in, or send an API key as `Authorization: Bearer …`.",
        )
        .into()),
    }
}

fn with_role(parts: &Parts, role: Role) -> Result<Principal, ApiError> {
    let principal = signed(parts)?;
    if principal.role() >= Some(role) {
        Ok(principal)
    } else {
        Err(forbidden(
            "You are signed in, but this is not for your role.",
        ))
    }
}

fn forbidden(message: &'static str) -> ApiError {
    Error::forbidden(codes::FORBIDDEN, message).into()
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
