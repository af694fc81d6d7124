//! The client as that of `object_store`: requests to the operator's storage service, each with a limit on how long the
//! service may be silent. How often one is repeated is up to that library's settings.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::Request;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Body as _, Frame, Incoming};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient as StoreClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use tokio::time::timeout;

use super::{FetchError, HttpClient};
use crate::limits::storage as limits;

/// Connects `object_store` to the one client.
#[derive(Clone)]
pub struct StoreConnector(pub HttpClient);

impl fmt::Debug for StoreConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreConnector")
    }
}

impl HttpConnector for StoreConnector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<StoreClient> {
        Ok(StoreClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for StoreConnector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let length = u32::try_from(body.size_hint().lower()).unwrap_or(u32::MAX);
        let within = limits::ANSWER_WITHIN + Duration::from_secs(1) * length / limits::SLOWEST_PUT;
        let body = body.map_err(Into::into).boxed_unsync();
        let response = self.0.send_to_operator(Request::from_parts(head, body));
        let response = timeout(within, response).await.map_err(late)?.map_err(failed)?;
        let (head, body) = response.into_parts();
        Ok(HttpResponse::from_parts(head, HttpResponseBody::new(limited(body))))
    }
}

/// A body of which each part must arrive in time. Time in which nothing is read does not count.
fn limited(
    body: Incoming,
) -> impl hyper::body::Body<Data = Bytes, Error = HttpError> + Send + Sync + 'static {
    StreamBody::new(stream::try_unfold(body, |mut body| async move {
        let frame = timeout(limits::SILENCE, body.frame()).await.map_err(late)?;
        let frame: Option<Frame<Bytes>> =
            frame.transpose().map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error))?;
        Ok::<_, HttpError>(frame.map(|frame| (frame, body)))
    }))
}

fn late(error: tokio::time::error::Elapsed) -> HttpError {
    HttpError::new(HttpErrorKind::Timeout, error)
}

fn failed(error: FetchError) -> HttpError {
    let kind = match &error {
        FetchError::Unreachable(_) => HttpErrorKind::Connect,
        FetchError::Failed(_) => HttpErrorKind::Interrupted,
        _ => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, error)
}
