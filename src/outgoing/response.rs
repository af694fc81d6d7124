//! A response whose body is read piece by piece, within the limits of its request.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Response as HttpResponse, StatusCode};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{FetchError, failed};

/// Dropping it closes the connection, however much of the body is left.
#[derive(Debug)]
pub struct Response {
    url: Url,
    head_and_body: HttpResponse<Incoming>,
    /// Bytes that the body may still have.
    left: usize,
    deadline: Instant,
    _turn: OwnedSemaphorePermit,
}

impl Response {
    pub(super) fn new(
        url: Url,
        response: HttpResponse<Incoming>,
        left: usize,
        deadline: Instant,
        turn: OwnedSemaphorePermit,
    ) -> Self {
        Self { url, head_and_body: response, left, deadline, _turn: turn }
    }

    /// The address of the last redirect.
    pub fn url(&self) -> &Url {
        &self.url
    }

    pub fn status(&self) -> StatusCode {
        self.head_and_body.status()
    }

    pub fn headers(&self) -> &HeaderMap {
        self.head_and_body.headers()
    }

    /// The header `Content-Type`; empty without one.
    pub fn content_type(&self) -> &str {
        let value = self.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    /// The next bytes of the body; `None` at its end.
    ///
    /// # Errors
    /// If the body is too large or late, or the connection fails.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            let frame = timeout_at(self.deadline, self.head_and_body.body_mut().frame()).await;
            let Some(frame) = frame.map_err(|_| FetchError::Late)? else { return Ok(None) };
            let Ok(data) = frame.map_err(failed)?.into_data() else { continue };
            self.left = self.left.checked_sub(data.len()).ok_or(FetchError::TooLarge)?;
            return Ok(Some(data));
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// As [`Self::chunk`].
    pub async fn bytes(mut self) -> Result<Vec<u8>, FetchError> {
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }
}
