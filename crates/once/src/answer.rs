//! An answer that can be given again.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use techcommerce_kernel::{Env, Error, Uuid};
use techcommerce_store::{Conn, execute, with};

/// Status, headers and body, as they go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    pub request_hash: String,
    status: i64,
    headers: String,
    body: Vec<u8>,
}

impl Answer {
    /// `body` as JSON, which nobody on the way may keep.
    ///
    /// # Errors
    /// `internal` if it cannot be written as JSON.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_vec(body).map_err(Error::internal)?;
        Ok(Self {
            status,
            headers: vec![
                (
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("application/json"),
                ),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ],
            body: body.into(),
        })
    }

    /// With another header.
    ///
    /// # Errors
    /// `internal` for a value that is none.
    pub fn header(mut self, name: HeaderName, value: &str) -> Result<Self, Error> {
        let value = HeaderValue::from_str(value).map_err(Error::internal)?;
        self.headers.push((name, value));
        Ok(self)
    }

    /// What it says.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The answer that was kept under this id, with the hash of its request.
    pub(crate) async fn find(conn: &mut Conn, id: Uuid) -> Result<Option<Row>, Error> {
        const FIND: &str = "SELECT request_hash, status, headers, body \
             FROM idempotency_answers WHERE id = $1";
        Ok(with!(conn, |c| sqlx::query_as(FIND)
            .bind(id)
            .fetch_optional(c)
            .await)?)
    }

    /// The answer under an id of the service's own, if it is still kept.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn kept(conn: &mut Conn, id: Uuid) -> Result<Option<Self>, Error> {
        Self::find(conn, id).await?.map(Self::of).transpose()
    }

    /// Keeps it under an id of the service's own, which also tells what was asked: for an operation
    /// that has a record of its requests itself.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn keep(&self, tx: &mut Conn, env: &Env, id: Uuid, hash: &str) -> Result<(), Error> {
        const KEEP: &str = "INSERT INTO idempotency_answers \
             (id, request_hash, status, headers, body, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
        execute!(
            tx,
            sqlx::query(KEEP)
                .bind(id)
                .bind(hash)
                .bind(i64::from(self.status.as_u16()))
                .bind(self.headers_text()?)
                .bind(self.body.as_ref())
                .bind(env.now().as_micros())
        )?;
        Ok(())
    }

    pub(crate) async fn write(&self, tx: &mut Conn, id: Uuid) -> Result<(), Error> {
        const WRITE: &str = "UPDATE idempotency_answers SET status = $2, headers = $3, body = $4 \
             WHERE id = $1";
        execute!(
            tx,
            sqlx::query(WRITE)
                .bind(id)
                .bind(i64::from(self.status.as_u16()))
                .bind(self.headers_text()?)
                .bind(self.body.as_ref())
        )?;
        Ok(())
    }

    fn headers_text(&self) -> Result<String, Error> {
        let pairs: Result<Vec<(&str, &str)>, _> = self
            .headers
            .iter()
            .map(|(name, value)| Ok((name.as_str(), value.to_str()?)))
            .collect::<Result<_, http::header::ToStrError>>();
        serde_json::to_string(&pairs.map_err(Error::internal)?).map_err(Error::internal)
    }

    pub(crate) fn of(row: Row) -> Result<Self, Error> {
        let unreadable = |what: &str| Error::internal(format!("a kept answer has a bad {what}"));
        let status = u16::try_from(row.status).map_err(|_| unreadable("status"))?;
        let status = StatusCode::from_u16(status).map_err(|_| unreadable("status"))?;
        let pairs: Vec<(String, String)> =
            serde_json::from_str(&row.headers).map_err(Error::internal)?;
        let mut headers = Vec::with_capacity(pairs.len());
        for (name, value) in pairs {
            let name = HeaderName::try_from(name).map_err(|_| unreadable("header"))?;
            let value = HeaderValue::try_from(value).map_err(|_| unreadable("header"))?;
            headers.push((name, value));
        }
        Ok(Self {
            status,
            headers,
            body: row.body.into(),
        })
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = self.body.into_response();
        *response.status_mut() = self.status;
        // The body brings a content type of its own.
        response.headers_mut().clear();
        response.headers_mut().extend(self.headers);
        response
    }
}
