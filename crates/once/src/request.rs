//! What names a request, so that it is known when it comes again.

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Request},
};
use http::{HeaderMap, request::Parts};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use techcommerce_contracts::{Principal, codes};
use techcommerce_http::{ApiError, Caller, Json};
use techcommerce_kernel::{Env, Error, Uuid};
use techcommerce_store::{Conn, execute};

use crate::Answer;

const HEADER: &str = "idempotency-key";

/// A request's name, if it has one: of who sent it, to what address, under which key.
///
/// As an extractor by itself it is for operations without a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once(Option<Named>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    id: Uuid,
    hash: String,
}

/// A JSON body with the name of its request. Errors: those of [`Json`];
/// `idempotency_key_required` for a key that is malformed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed<T> {
    /// The request's name.
    pub once: Once,
    /// What was sent.
    pub input: T,
}

impl Once {
    /// A request without a name: it has its effect each time.
    pub const UNNAMED: Self = Self(None);

    /// The name of a request that has this id and this body.
    fn new(id: Option<Uuid>, body: &[u8]) -> Self {
        let hash = || hex(&Sha256::digest(body));
        Self(id.map(|id| Named { id, hash: hash() }))
    }

    /// The key's name, where the request has one: for rows that are to be made once.
    pub fn id(&self) -> Option<Uuid> {
        self.0.as_ref().map(|named| named.id)
    }

    /// The name of a part of the request, for one that is done in several transactions.
    #[must_use]
    pub fn part(&self, name: &str) -> Self {
        Self(self.0.as_ref().map(|named| Named {
            id: derived(&["part", &named.id.to_string(), name]),
            hash: named.hash.clone(),
        }))
    }

    /// The answer, if the request was answered before.
    ///
    /// # Errors
    /// Those of [`Once::begin`].
    pub async fn known(&self, conn: &mut Conn) -> Result<Option<Answer>, Error> {
        let Some(named) = &self.0 else {
            return Ok(None);
        };
        match Answer::find(conn, named.id).await? {
            Some(row) if row.request_hash != named.hash => Err(reused()),
            Some(row) => Answer::of(row).map(Some),
            None => Ok(None),
        }
    }

    /// Takes the key in the transaction of the effect, and gives the answer if the request was
    /// answered before. Waits for the same request that is under way elsewhere.
    ///
    /// # Errors
    /// `idempotency_key_reused` for another request under the key; those of the database.
    pub async fn begin(&self, tx: &mut Conn, env: &Env) -> Result<Option<Answer>, Error> {
        const TAKE: &str = "INSERT INTO idempotency_answers \
             (id, request_hash, status, headers, body, created_at) \
             VALUES ($1, $2, 0, '[]', $3, $4) ON CONFLICT (id) DO NOTHING";
        let Some(named) = &self.0 else {
            return Ok(None);
        };
        let none: &[u8] = &[];
        let taken = execute!(
            tx,
            sqlx::query(TAKE)
                .bind(named.id)
                .bind(&named.hash)
                .bind(none)
                .bind(env.now().as_micros())
        )?;
        if taken == 1 {
            return Ok(None);
        }
        // Kept for a day, and forgotten between the two statements: then nothing is known of it.
        let known = self.known(tx).await?;
        known
            .map(Some)
            .ok_or_else(|| Error::unavailable("The answer to this request was just forgotten."))
    }

    /// Keeps the answer in the transaction of the effect, and gives it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn keep(&self, tx: &mut Conn, answer: Answer) -> Result<Answer, Error> {
        if let Some(named) = &self.0 {
            answer.write(tx, named.id).await?;
        }
        Ok(answer)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Once {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        Ok(Self::new(id(parts, &caller)?, &[]))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Keyed<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, state).await?;
        let id = id(&parts, &caller)?;
        let request = Request::from_parts(parts, body);
        let (Json(input), bytes) = Json::<T>::with_bytes(request, state).await?;
        Ok(Self {
            once: Once::new(id, &bytes),
            input,
        })
    }
}

fn reused() -> Error {
    Error::unprocessable(
        codes::IDEMPOTENCY_KEY_REUSED,
        "This Idempotency-Key came with another request before. Use a new one.",
    )
}

/// Of who sent it, to what address, under which key; `None` if it has no key, or nobody sent it whom one
/// can tell from others.
fn id(parts: &Parts, caller: &Caller) -> Result<Option<Uuid>, Error> {
    let Some(key) = key(&parts.headers)? else {
        return Ok(None);
    };
    let who = match caller.principal() {
        Some(Principal::Account { id, .. } | Principal::ApiKey { id, .. }) => id.to_string(),
        Some(Principal::Service { .. }) | None => return Ok(None),
    };
    let address = parts.uri.path_and_query();
    let address = address.map_or("", |address| address.as_str());
    let name = [parts.method.as_str(), address, &who, &key];
    Ok(Some(derived(&name)))
}

/// The header, if it is there: 1 to 255 printable ASCII characters.
fn key(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value.to_str().ok().map(str::trim).unwrap_or_default();
    let sane = (1..=255).contains(&key.len()) && key.bytes().all(|b| (0x20..0x7f).contains(&b));
    if values.next().is_some() || !sane {
        return Err(Error::invalid(
            codes::IDEMPOTENCY_KEY_REQUIRED,
            "Send the header Idempotency-Key once, with 1 to 255 printable characters.",
        ));
    }
    Ok(Some(key.to_owned()))
}

/// A UUID of version 8 (RFC 9562) made of the SHA-256 of what it stands for.
fn derived(parts: &[&str]) -> Uuid {
    let mut hash = Sha256::new();
    for part in parts {
        // The length sets the parts apart, whatever they hold.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        use std::fmt::Write;
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// As [`Keyed`], for a body that may be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedOrDefault<T>(pub Keyed<T>);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for KeyedOrDefault<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let body = Bytes::from_request(Request::from_parts(parts.clone(), body), state)
            .await
            .map_err(|error| Error::invalid(codes::INVALID_JSON, error.to_string()))?;
        if !body.is_empty() {
            let request = Request::from_parts(parts, Body::from(body));
            return Keyed::from_request(request, state).await.map(Self);
        }
        let once = Once::from_request_parts(&mut parts, state).await?;
        Ok(Self(Keyed {
            once,
            input: T::default(),
        }))
    }
}
