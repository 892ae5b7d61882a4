//! The variable parts of an address.

use axum::extract::{FromRequestParts, RawPathParams, path::ErrorKind, rejection::PathRejection};
use http::request::Parts;
use serde::de::DeserializeOwned;
use techcommerce_kernel::Error;

use super::{NO_NUL, without_value};
use crate::ApiError;

/// The variable parts of the route, as `Path<Uuid>` or `Path<(Uuid, Uuid)>`.
///
/// Errors: 400 `invalid_input` that names the part.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let raw = RawPathParams::from_request_parts(parts, state).await;
        if let Ok(raw) = &raw
            && let Some((name, _)) = raw.iter().find(|(_, value)| value.contains('\0'))
        {
            return Err(Error::invalid_field(name, NO_NUL).into());
        }
        axum::extract::Path::<T>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|rejection| explain(raw.ok().as_ref(), rejection).into())
    }
}

fn explain(raw: Option<&RawPathParams>, rejection: PathRejection) -> Error {
    let PathRejection::FailedToDeserializePathParams(failed) = rejection else {
        return Error::internal(rejection);
    };
    // The name that the route gives its part at `index`.
    let name_at = |index: usize| {
        let name = raw.and_then(|raw| raw.iter().nth(index));
        name.map(|(name, _)| name.to_owned()).unwrap_or_default()
    };
    let not_valid = |expected: &&str| format!("is not a valid {expected}");
    let (path, message) = match failed.kind() {
        ErrorKind::ParseErrorAtKey {
            key, expected_type, ..
        } => (key.clone(), not_valid(expected_type)),
        ErrorKind::ParseErrorAtIndex {
            index,
            expected_type,
            ..
        } => (name_at(*index), not_valid(expected_type)),
        ErrorKind::ParseError { expected_type, .. } => (name_at(0), not_valid(expected_type)),
        ErrorKind::InvalidUtf8InPathParam { key } => (key.clone(), "is not UTF-8".to_owned()),
        ErrorKind::DeserializeError { key, message, .. } => {
            (key.clone(), without_value(message).into_owned())
        }
        ErrorKind::Message(message) => (name_at(0), without_value(message).into_owned()),
        // A route and its handler that do not fit each other.
        _ => return Error::internal(failed.body_text()),
    };
    Error::invalid_field(path, message)
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, routing::get};
    use http_body_util::BodyExt;
    use techcommerce_kernel::Uuid;
    use tower::ServiceExt;

    use super::*;

    async fn ask(uri: &str) -> (u16, String) {
        let router: Router = Router::new()
            .route(
                "/one/{order_id}",
                get(|Path(id): Path<Uuid>| async move { id.to_string() }),
            )
            .route(
                "/two/{cart_id}/lines/{variant_id}",
                get(|Path((_, id)): Path<(String, Uuid)>| async move { id.to_string() }),
            );
        let request = http::Request::get(uri).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_part_is_named() {
        let id = "0190a3f8-8c1e-7cc3-98a4-1f2e3d4c5b6a";
        assert_eq!(ask(&format!("/one/{id}")).await, (200, id.to_owned()));
        assert_eq!(
            ask(&format!("/two/x/lines/{id}")).await,
            (200, id.to_owned())
        );
        for (uri, name) in [
            ("/one/7", "order_id"),
            ("/two/x/lines/7", "variant_id"),
            ("/two/%ff/lines/7", "cart_id"),
            (&format!("/two/a%00b/lines/{id}"), "cart_id"),
        ] {
            let (status, body) = ask(uri).await;
            assert_eq!(status, 400, "{uri}: {body}");
            let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(problem["errors"][0]["path"], name, "{body}");
        }
    }
}
