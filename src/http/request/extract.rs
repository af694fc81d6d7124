//! What a request carries, parsed: forms, JSON, numbers in paths, queries. A part that cannot be
//! read is a [`Problem`] like any other.

use axum::extract::rejection::{FormRejection, JsonRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::http::Problem;
use crate::limits::request::{BODY, MESSAGE_BODY};

/// A form, or a 4xx that says why it is none. It has `MOST` bytes at most.
pub struct FormBody<T, const MOST: usize = BODY>(pub T);

/// A form that carries a message.
pub type MessageForm<T> = FormBody<T, MESSAGE_BODY>;

impl<T: DeserializeOwned, S: Send + Sync, const MOST: usize> FromRequest<S> for FormBody<T, MOST> {
    type Rejection = Problem;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Problem> {
        DefaultBodyLimit::max(MOST).apply(&mut request);
        let form = axum::Form::from_request(request, state).await;
        form.map(|axum::Form(value)| Self(value)).map_err(
            |rejection: FormRejection| match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => Problem::form_too_large(),
                status => Problem::new(status),
            },
        )
    }
}

/// A JSON document, or a 4xx that says why it is none. It has `MOST` bytes at most.
pub struct JsonBody<T, const MOST: usize = BODY>(pub T);

/// A JSON document that carries a message.
pub type MessageJson<T> = JsonBody<T, MESSAGE_BODY>;

impl<T: DeserializeOwned, S: Send + Sync, const MOST: usize> FromRequest<S> for JsonBody<T, MOST> {
    type Rejection = Problem;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Problem> {
        DefaultBodyLimit::max(MOST).apply(&mut request);
        // By way of an object: a list of the fields' values would do for serde, too.
        let object = axum::Json::<Map<String, Value>>::from_request(request, state).await;
        let shape = || Problem::with_detail(StatusCode::UNPROCESSABLE_ENTITY, "json-shape");
        let axum::Json(object) = object.map_err(|rejection| match rejection {
            JsonRejection::JsonDataError(_) => shape(),
            JsonRejection::JsonSyntaxError(_) => {
                Problem::with_detail(StatusCode::BAD_REQUEST, "json-syntax")
            }
            other => Problem::new(other.status()),
        })?;
        serde_json::from_value(object.into()).map(Self).map_err(|_| shape())
    }
}

/// A query, or a 400.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::from_request_parts(parts, state).await;
        query.map(|axum::extract::Query(value)| Self(value)).map_err(|_: QueryRejection| {
            Problem::with_detail(StatusCode::UNPROCESSABLE_ENTITY, "query-shape")
        })
    }
}

/// The `{id}` in a path. What is no number names nothing: 404.
pub struct PathId(pub i64);

#[derive(Deserialize)]
struct Named {
    id: i64,
}

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<Named>::from_request_parts(parts, state).await;
        path.map(|Path(named)| Self(named.id)).map_err(|_| Problem::not_found())
    }
}
