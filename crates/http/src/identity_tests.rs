//! Each extractor against each sort of caller.

use axum::{Router, body::Body, routing::get};
use http::Request;
use techcommerce_contracts::TokenSigner;
use techcommerce_kernel::Env;
use tower::ServiceExt;

use super::*;
use crate::TrustedProxies;

fn signer() -> TokenSigner {
    TokenSigner::from_seed(&[7; 32], Env::manual(1).0)
}

fn account(id: u128, role: Role) -> Principal {
    Principal::Account {
        id: Uuid::from_u128(id),
        role,
        session: Uuid::from_u128(99),
    }
}

fn api_key(role: Role) -> Principal {
    Principal::ApiKey {
        id: Uuid::from_u128(5),
        role,
    }
}

const WORKER: Principal = Principal::Service {
    name: Service::Worker,
};

fn request(path: &str, token: Option<&str>) -> Request<Body> {
    let mut request = Request::get(path);
    if let Some(token) = token {
        request = request.header(TOKEN_HEADER, token);
    }
    request.body(Body::empty()).unwrap()
}

async fn status(path: &str, principal: Option<Principal>) -> u16 {
    let router: Router = Router::new()
        .route("/caller", get(|_: Caller| async {}))
        .route("/signed", get(|_: Signed| async {}))
        .route("/staff", get(|_: Staff| async {}))
        .route("/admin", get(|_: Admin| async {}))
        .route("/service", get(|_: ServiceOnly| async {}));
    let signer = signer();
    let token = principal.map(|principal| signer.sign(principal, None).unwrap().0);
    let mut request = request(path, token.as_deref());
    identify(&mut request, &signer.verifier(), &Exposure::Internal).unwrap();
    router.oneshot(request).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn who_may_call_what() {
    let callers = [
        None,
        Some(account(1, Role::Customer)),
        Some(account(1, Role::Staff)),
        Some(account(1, Role::Admin)),
        Some(api_key(Role::Customer)),
        Some(api_key(Role::Admin)),
        Some(WORKER),
    ];
    for (path, expected) in [
        ("/caller", [200, 200, 200, 200, 200, 200, 200]),
        ("/signed", [401, 200, 200, 200, 200, 200, 401]),
        ("/staff", [401, 403, 200, 200, 403, 200, 401]),
        ("/admin", [401, 403, 403, 200, 403, 200, 401]),
        ("/service", [403, 403, 403, 403, 403, 403, 200]),
    ] {
        for (caller, expected) in callers.iter().zip(expected) {
            assert_eq!(
                status(path, caller.clone()).await,
                expected,
                "{path} {caller:?}"
            );
        }
    }
}

#[tokio::test]
async fn outside_of_a_stack_nobody_is_a_guest() {
    let router: Router = Router::new().route("/caller", get(|_: Caller| async {}));
    let response = router.oneshot(request("/caller", None)).await.unwrap();
    assert_eq!(response.status(), 500);
}

#[test]
fn what_belongs_to_whom() {
    let owner = Some(Uuid::from_u128(1));
    let guest = Caller::GUEST;
    assert!(!guest.may_see(owner) && !guest.may_see(None));
    let customer = Caller::of(account(1, Role::Customer));
    assert!(customer.may_see(owner));
    assert!(!customer.may_see(Some(Uuid::from_u128(2))) && !customer.may_see(None));
    for caller in [Caller::of(account(2, Role::Staff)), Caller::of(WORKER)] {
        assert!(caller.may_see(owner) && caller.may_see(None));
    }
    assert_eq!(guest.actor(), "guest");
    assert_eq!(Caller::of(WORKER).service(), Some(Service::Worker));
    assert_eq!(customer.account(), owner);
}

fn identified(exposure: Exposure, token: Option<&str>) -> Result<(Caller, bool), Error> {
    let mut request = request("/", token);
    identify(&mut request, &signer().verifier(), &exposure)?;
    let (parts, _) = request.into_parts();
    let kept = parts.headers.contains_key(TOKEN_HEADER);
    Ok((caller(&parts).map_err(|ApiError(error)| error)?, kept))
}

#[test]
fn inside_a_bad_token_is_refused() {
    let error = identified(Exposure::Internal, Some("forged")).unwrap_err();
    assert_eq!(error.code(), codes::UNAUTHENTICATED);
    let (caller, _) = identified(Exposure::Internal, None).unwrap();
    assert_eq!(caller, Caller::GUEST);
}

#[test]
fn at_an_edge_only_a_service_is_believed() {
    let sign = |principal| {
        signer()
            .sign(principal, "203.0.113.9".parse().ok())
            .unwrap()
            .0
    };
    let admin = sign(account(1, Role::Admin));
    for token in ["forged", "", &admin] {
        let (caller, kept) =
            identified(Exposure::Edge(TrustedProxies::default()), Some(token)).unwrap();
        assert_eq!(caller, Caller::GUEST, "{token}");
        assert!(!kept, "it must not be passed on");
    }
    let (caller, kept) = identified(
        Exposure::Edge(TrustedProxies::default()),
        Some(&sign(WORKER)),
    )
    .unwrap();
    assert_eq!(caller.service(), Some(Service::Worker));
    assert_eq!(caller.client_address(), "203.0.113.9".parse().ok());
    assert!(kept);
}

#[test]
fn two_tokens_are_no_token() {
    let token = signer().sign(WORKER, None).unwrap().0;
    let mut request = request("/", Some(&token));
    request
        .headers_mut()
        .append(TOKEN_HEADER, token.parse().unwrap());
    let verifier = signer().verifier();
    assert!(identify(&mut request, &verifier, &Exposure::Internal).is_err());
    identify(
        &mut request,
        &verifier,
        &Exposure::Edge(TrustedProxies::default()),
    )
    .unwrap();
    assert!(!request.headers().contains_key(TOKEN_HEADER));
}
