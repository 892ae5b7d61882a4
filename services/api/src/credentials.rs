//! What a caller shows, and who that is.

use std::net::IpAddr;

use http::{HeaderMap, header};
use techcommerce_contracts::{
    Client,
    auth::{SESSION_COOKIE, TokenAnswer, TokenRequest},
    codes,
};
use techcommerce_kernel::{Error, Kind};

/// Longer ones are none of ours.
const MAX_LENGTH: usize = 256;

/// What a caller shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// `Authorization: Bearer …`: a program that means it.
    Bearer(String),
    /// The session's cookie: a browser that sends it everywhere.
    Cookie(String),
}

impl Credential {
    /// What the headers show; `Authorization` counts before the cookie.
    ///
    /// # Errors
    /// 401 for an `Authorization` that is not understood.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Error> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        if let Some(value) = values.next() {
            let token = value
                .to_str()
                .ok()
                .and_then(bearer)
                .filter(|_| values.next().is_none());
            let token = token.ok_or_else(|| {
                Error::unauthenticated(
                    codes::UNAUTHENTICATED,
                    "Send one header `Authorization: Bearer …` with a session's token or an API key.",
                )
            })?;
            return Ok(Some(Self::Bearer(token.to_owned())));
        }
        Ok(session_cookie(headers).map(Self::Cookie))
    }

    /// Who holds it. A cookie that opens nothing (any more) is that of a guest: browsers send
    /// it with everything, and browsing must go on, also while sessions cannot be looked up,
    /// unless `strict` is set. A bearer token that opens nothing is an error.
    ///
    /// # Errors
    /// 401 or 503.
    pub async fn resolve(
        self,
        auth: &Client,
        client_address: Option<IpAddr>,
        strict: bool,
    ) -> Result<Option<TokenAnswer>, Error> {
        let (credential, forgiving) = match self {
            Self::Bearer(token) => (token, false),
            Self::Cookie(token) => (token, true),
        };
        let question = TokenRequest {
            credential,
            client_address,
        };
        let answer = auth
            .post("/internal/tokens")
            .idempotent()
            .json(&question)
            .send::<TokenAnswer>()
            .await;
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if forgiving && error.kind() == Kind::Unauthenticated => Ok(None),
            Err(error) if forgiving && !strict && error.kind() == Kind::Unavailable => {
                tracing::warn!(
                    ?error,
                    "a session cannot be looked up; its holder goes on as a guest"
                );
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    let token = token.trim();
    let fits =
        scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= MAX_LENGTH;
    fits.then_some(token)
}

fn session_cookie(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| name.trim() == SESSION_COOKIE)
        .map(|(_, value)| value.trim().to_owned())
        .filter(|value| !value.is_empty() && value.len() <= MAX_LENGTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&'static str, &'static str)]) -> Result<Option<Credential>, Error> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        Credential::of(&map)
    }

    #[test]
    fn what_is_shown() {
        let bearer = |text: &str| Some(Credential::Bearer(text.to_owned()));
        let cookie = |text: &str| Some(Credential::Cookie(text.to_owned()));
        assert_eq!(of(&[]).unwrap(), None);
        assert_eq!(
            of(&[("authorization", "Bearer abc")]).unwrap(),
            bearer("abc")
        );
        assert_eq!(
            of(&[("authorization", "bearer  abc ")]).unwrap(),
            bearer("abc")
        );
        assert_eq!(
            of(&[("cookie", "a=1; tc_session=abc; b=2")]).unwrap(),
            cookie("abc")
        );
        assert_eq!(
            of(&[("cookie", "not_tc_session=abc; tc_session=")]).unwrap(),
            None
        );
        let both = [
            ("cookie", "tc_session=abc"),
            ("authorization", "Bearer def"),
        ];
        assert_eq!(of(&both).unwrap(), bearer("def"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for value in ["Basic YTpi", "Bearer", "Bearer ", "abc"] {
            let value: &'static str = value;
            assert!(of(&[("authorization", value)]).is_err(), "{value}");
        }
        assert!(of(&[("authorization", "Bearer a"), ("authorization", "Bearer b")]).is_err());
    }
}
