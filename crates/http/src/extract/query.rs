//! The query of an address.

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;
use techcommerce_kernel::Error;

use super::{NO_NUL, full_path, without_value};
use crate::ApiError;

/// The query, read into a struct. Parameters that the struct does not have are ignored.
///
/// Do not use `#[serde(flatten)]` with numbers or booleans in such a struct: serde then sees
/// texts only. Errors: 400 `invalid_input` with `errors`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes());
        if let Some((name, _)) = pairs.clone().find(|(_, value)| value.contains('\0')) {
            return Err(Error::invalid_field(name, NO_NUL).into());
        }
        let deserializer = serde_urlencoded::Deserializer::new(pairs);
        serde_path_to_error::deserialize(deserializer)
            .map(Self)
            .map_err(|error| {
                let message = error.inner().to_string();
                let path = full_path(&error.path().to_string(), &message);
                Error::invalid_field(path, without_value(&message)).into()
            })
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, extract::Request};
    use techcommerce_contracts::ListQuery;

    use super::*;

    async fn take<T: DeserializeOwned>(uri: &str) -> Result<T, Error> {
        let request = Request::builder().uri(uri).body(Body::empty()).unwrap();
        let (mut parts, _) = request.into_parts();
        Query::from_request_parts(&mut parts, &())
            .await
            .map(|Query(query)| query)
            .map_err(|ApiError(error)| error)
    }

    #[tokio::test]
    async fn a_list_query_is_read() {
        let query: ListQuery = take("/products?limit=7&cursor=abc&utm=x").await.unwrap();
        assert_eq!(query.limit().unwrap(), 7);
        assert_eq!(query.cursor.as_deref(), Some("abc"));
        let query: ListQuery = take("/products").await.unwrap();
        assert_eq!(query.limit().unwrap(), 20);
    }

    #[tokio::test]
    async fn the_parameter_is_named() {
        let error = take::<ListQuery>("/products?limit=many").await.unwrap_err();
        assert_eq!(error.fields()[0].path, "limit");
        let error = take::<ListQuery>("/products?cursor=a%00b")
            .await
            .unwrap_err();
        assert_eq!(error.fields()[0].path, "cursor");

        #[derive(Debug, serde::Deserialize)]
        #[allow(dead_code, reason = "only its shape matters")]
        struct Wanted {
            cart_id: String,
        }
        let error = take::<Wanted>("/shipping-methods").await.unwrap_err();
        assert_eq!(error.fields()[0].path, "cart_id");
    }
}
