//! The one HTTP client with which Patio calls other servers. Each request has a policy:
//!
//! - [`HttpClient::fetch`] goes to an address that a *stranger* chose, such as a link in a message. The guard checks the
//!   address, every address that its name resolves to, and every redirect: a message must not make Patio read what only
//!   Patio's own network can reach (server-side request forgery, OWASP SSRF prevention cheat sheet).
//! - [`HttpClient::send_to_operator`] goes to an address in the *operator's* settings, such as a storage service in the
//!   same network. It is not checked, and redirects are not followed.
//!
//! Built on hyper-util's client and hyper-rustls. Proxies (`HTTPS_PROXY`) are not used: through a proxy the guard could
//! not see which address a connection goes to. Knows nothing of messages.

mod connector;
mod guard;
mod network;
mod object_store;
mod response;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, LOCATION, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, Request, Response as HttpResponse, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::{Instant, timeout_at};
use url::Url;

use self::connector::Connector;
pub use self::guard::Refusal;
pub use self::network::{Network, SystemNetwork};
pub use self::object_store::StoreConnector;
pub use self::response::Response;
use crate::limits::outgoing as limits;

/// The name of this client. It tells other servers neither the version nor the installation.
const NAME: HeaderValue = HeaderValue::from_static("Patio");
/// How long an idle connection to an operator's service is kept.
const OPERATOR_IDLE: Duration = Duration::from_secs(30);

/// The body of a request.
pub type RequestBody = UnsyncBoxBody<Bytes, Box<dyn StdError + Send + Sync>>;
type HyperClient = Client<HttpsConnector<Connector>, RequestBody>;

/// Why a request has no usable response.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The guard refused an address.
    #[error("the address is refused: {0}")]
    Refused(#[from] Refusal),
    #[error("more than {} redirects", limits::REDIRECTS)]
    TooManyRedirects,
    /// A redirect without a usable `Location`.
    #[error("a redirect leads nowhere")]
    BadRedirect,
    /// The response is compressed, although the request does not accept that. A small response could then fill the
    /// memory.
    #[error("the response is compressed")]
    Compressed,
    #[error("the response is too large")]
    TooLarge,
    #[error("no complete response within {} seconds", limits::DEADLINE.as_secs())]
    Late,
    /// The certificates of the system cannot be read.
    #[error("no usable root certificates: {0}")]
    Roots(String),
    /// No connection was made, so nothing was sent.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// The connection, the TLS handshake or HTTP failed.
    #[error("the request failed: {0}")]
    Failed(String),
}

/// Clones share the connections and the limit on concurrent requests.
#[derive(Clone)]
pub struct HttpClient(Arc<Inner>);

struct Inner {
    network: Arc<dyn Network>,
    strangers: OnceCell<HyperClient>,
    operators: OnceCell<HyperClient>,
    turns: Arc<Semaphore>,
}

impl HttpClient {
    /// A client on the network of the system.
    pub fn new() -> Self {
        Self::on(Arc::new(SystemNetwork))
    }

    /// A client on another network, for tests: one with its own names and servers.
    pub fn on(network: Arc<dyn Network>) -> Self {
        Self(Arc::new(Inner {
            network,
            strangers: OnceCell::new(),
            operators: OnceCell::new(),
            turns: Arc::new(Semaphore::new(limits::AT_ONCE)),
        }))
    }

    /// Reads an address that a stranger chose. Sends no cookie, no `Referer` and nothing about the user. The body may
    /// have `most` bytes. Everything, the body included, must arrive within `limits::outgoing::DEADLINE`.
    ///
    /// # Errors
    /// A [`FetchError`]. Nothing is connected to for [`FetchError::Refused`].
    pub async fn fetch(
        &self,
        url: &Url,
        accept: &str,
        most: usize,
    ) -> Result<Response, FetchError> {
        let turn = self.0.turns.clone().acquire_owned().await.map_err(failed)?;
        let deadline = Instant::now() + limits::DEADLINE;
        let response = timeout_at(deadline, self.follow(url.clone(), accept));
        let (url, response) = response.await.map_err(|_| FetchError::Late)??;
        Ok(Response::new(url, response, most, deadline, turn))
    }

    /// Follows redirects, each of which is checked like the first address.
    async fn follow(
        &self,
        mut url: Url,
        accept: &str,
    ) -> Result<(Url, HttpResponse<Incoming>), FetchError> {
        for _ in 0..=limits::REDIRECTS {
            let response = self.get(&url, accept).await?;
            // hyper's own limit is that of a buffer, and lets somewhat more pass.
            if head_bytes(response.headers()) > limits::HEAD_BYTES {
                return Err(FetchError::TooLarge);
            }
            if !is_redirect(response.status()) {
                let is_compressed = is_compressed(response.headers());
                return if is_compressed {
                    Err(FetchError::Compressed)
                } else {
                    Ok((url, response))
                };
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            url = url
                .join(location.ok_or(FetchError::BadRedirect)?)
                .map_err(|_| FetchError::BadRedirect)?;
        }
        Err(FetchError::TooManyRedirects)
    }

    async fn get(&self, url: &Url, accept: &str) -> Result<HttpResponse<Incoming>, FetchError> {
        guard::check_url(url)?;
        let mut url = url.clone();
        url.set_fragment(None);
        let uri: Uri = url.as_str().parse().map_err(failed)?;
        let request = Request::get(uri)
            .header(USER_AGENT, NAME)
            .header(ACCEPT, accept)
            .header(ACCEPT_ENCODING, "identity")
            .body(Empty::new().map_err(|never: Infallible| match never {}).boxed_unsync())
            .map_err(failed)?;
        let build = || build(Connector::for_strangers(self.0.network.clone()), Duration::ZERO);
        let client = self.0.strangers.get_or_try_init(build).await?;
        client.request(request).await.map_err(|error| request_failed(&error))
    }

    /// Sends a request to a service that the operator configured. The caller limits time and size.
    ///
    /// # Errors
    /// If there is no response.
    pub async fn send_to_operator(
        &self,
        mut request: Request<RequestBody>,
    ) -> Result<HttpResponse<Incoming>, FetchError> {
        request.headers_mut().entry(USER_AGENT).or_insert(NAME);
        let build = || build(Connector::for_operators(self.0.network.clone()), OPERATOR_IDLE);
        let client = self.0.operators.get_or_try_init(build).await?;
        client.request(request).await.map_err(|error| request_failed(&error))
    }
}

impl Default for HttpClient {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads the root certificates of the system, which take about 1 MB of memory: only when a request needs them.
async fn build(connector: Connector, idle: Duration) -> Result<HyperClient, FetchError> {
    let with_roots = || HttpsConnectorBuilder::new().with_native_roots();
    let roots: io::Result<_> = tokio::task::spawn_blocking(with_roots).await.map_err(failed)?;
    let roots = roots.map_err(|error| FetchError::Roots(error.to_string()))?;
    let connector = roots.https_or_http().enable_http1().wrap_connector(connector);
    let kept = if idle.is_zero() { 0 } else { usize::MAX };
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(idle)
        .pool_max_idle_per_host(kept)
        .http1_max_buf_size(limits::HEAD_BYTES)
        .build(connector))
}

/// The size of the fields, each with its separators.
fn head_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn is_compressed(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|value| value != "identity")
}

fn failed(error: impl Into<Box<dyn StdError + Send + Sync>>) -> FetchError {
    FetchError::Failed(error.into().to_string())
}

/// Finds the refusal in an error that the connector caused, or a head that is too large for hyper.
fn request_failed(error: &hyper_util::client::legacy::Error) -> FetchError {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    let mut last = String::new();
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return FetchError::Refused(*refusal);
        }
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse_too_large) {
            return FetchError::TooLarge;
        }
        last = error.to_string();
        cause = error.source();
    }
    if error.is_connect() { FetchError::Unreachable(last) } else { FetchError::Failed(last) }
}
