//! What a request carries, parsed: forms, JSON, numbers in paths, queries. A part that cannot be
//! read is a [`Problem`] like any other.

use axum::extract::rejection::{FormRejection, JsonRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Problem;

/// The largest request that is read: 64 KiB.
pub const LARGEST: usize = 64 * 1024;

/// A form, or a 4xx that says why it is none.
pub struct FormBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for FormBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let form = axum::Form::from_request(request, state).await;
        form.map(|axum::Form(value)| Self(value))
            .map_err(|rejection: FormRejection| Problem::new(rejection.status()))
    }
}

/// A JSON document, or a 4xx that says why it is none.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let json = axum::Json::from_request(request, state).await;
        json.map(|axum::Json(value)| Self(value)).map_err(|rejection| match rejection {
            JsonRejection::JsonDataError(_) => {
                Problem::saying(StatusCode::UNPROCESSABLE_ENTITY, "json-shape")
            }
            JsonRejection::JsonSyntaxError(_) => {
                Problem::saying(StatusCode::BAD_REQUEST, "json-syntax")
            }
            other => Problem::new(other.status()),
        })
    }
}

/// A query, or a 400.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::from_request_parts(parts, state).await;
        query.map(|axum::extract::Query(value)| Self(value)).map_err(|_: QueryRejection| {
            Problem::saying(StatusCode::UNPROCESSABLE_ENTITY, "query-shape")
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
