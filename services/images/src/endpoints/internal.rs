//! For our own services: adding a picture that they fetched, and asking what there is.

use axum::{
    body::{Body, HttpBody},
    extract::State as FromState,
    response::{IntoResponse, Response},
};
use futures_util::TryStreamExt;
use http::StatusCode;
use techcommerce_contracts::images::Uploaded;
use techcommerce_http::{ApiResult, Json, Path, ServiceOnly};
use techcommerce_kernel::{Error, Uuid};

use super::not_found;
use crate::{
    State,
    add::{Incoming, add, count},
    receive::{MAX_BYTES, receive, too_large},
    rows,
    variant::describe,
};

/// `POST /internal/images`: the body is the picture; answers as an upload does.
pub(crate) async fn create(
    FromState(state): FromState<State>,
    _service: ServiceOnly,
    body: Body,
) -> ApiResult<Response> {
    let uploaded = count(&state, take(&state, body).await)?;
    Ok((StatusCode::CREATED, Json(uploaded)).into_response())
}

async fn take(state: &State, body: Body) -> Result<(Uploaded, bool), Error> {
    // Where the length is said before, nothing is read in vain.
    if body.size_hint().lower() > MAX_BYTES {
        return Err(too_large());
    }
    let chunks = body
        .into_data_stream()
        .map_err(|error| Error::invalid("invalid_body", "The body broke off.").caused_by(error));
    let upload = Incoming {
        content: receive(&state.incoming, chunks).await?,
        file_name: None,
        staff: None,
    };
    add(state, upload).await
}

/// `GET /internal/images/{id}`: what the upload answered.
pub(crate) async fn get(
    FromState(state): FromState<State>,
    _service: ServiceOnly,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<Uploaded>> {
    if let Some(builtin) = state.builtin.describe_id(id)? {
        return Ok(Json(builtin));
    }
    let row = rows::by_id(&state.db, id).await?.ok_or_else(not_found)?;
    Ok(Json(describe(row.id, row.size())))
}
