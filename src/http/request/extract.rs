//! Extractors for forms, JSON, queries and ids in paths. A part that cannot be parsed is a [`Problem`].

use axum::extract::rejection::{FormRejection, JsonRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::http::Problem;
use crate::limits::request::{BODY, DRAFT_BODY, MESSAGE_BODY};

/// A form of at most `MAX_BYTES` bytes; otherwise a 4xx.
pub struct FormBody<T, const MAX_BYTES: usize = BODY>(pub T);

/// A form with a message.
pub type MessageForm<T> = FormBody<T, MESSAGE_BODY>;

impl<T: DeserializeOwned, S: Send + Sync, const MAX_BYTES: usize> FromRequest<S>
    for FormBody<T, MAX_BYTES>
{
    type Rejection = Problem;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Problem> {
        DefaultBodyLimit::max(MAX_BYTES).apply(&mut request);
        let form = axum::Form::from_request(request, state).await;
        form.map(|axum::Form(value)| Self(value)).map_err(
            |rejection: FormRejection| match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => Problem::form_too_large(),
                status => Problem::new(status),
            },
        )
    }
}

/// A form with a draft.
pub type DraftForm<T> = FormBody<T, DRAFT_BODY>;

/// A JSON object of at most `MAX_BYTES` bytes; otherwise a 4xx.
pub struct JsonBody<T, const MAX_BYTES: usize = BODY>(pub T);

/// A JSON object with a message.
pub type MessageJson<T> = JsonBody<T, MESSAGE_BODY>;

impl<T: DeserializeOwned, S: Send + Sync, const MAX_BYTES: usize> FromRequest<S>
    for JsonBody<T, MAX_BYTES>
{
    type Rejection = Problem;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Problem> {
        DefaultBodyLimit::max(MAX_BYTES).apply(&mut request);
        // Parses an object first: serde would also accept an array of the fields' values.
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

/// The query string; 422 if it does not match.
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

/// The `{id}` in a path; 404 if it is not a number.
pub struct PathId(pub i64);

#[derive(Deserialize)]
struct IdParam {
    id: i64,
}

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<IdParam>::from_request_parts(parts, state).await;
        path.map(|Path(param)| Self(param.id)).map_err(|_| Problem::not_found())
    }
}
