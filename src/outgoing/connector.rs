//! Makes the connections of the client, and is the only place that does. For a stranger's address it resolves the name
//! once, checks every address, and connects to exactly these: a name server that answers differently the next time
//! (DNS rebinding) changes nothing.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;
use url::{Host, Url};

use super::guard::{Refusal, check_url, is_public};
use super::network::Network;

/// Whose address a request goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    /// Checked.
    Stranger,
    /// Not checked.
    Operator,
}

#[derive(Clone)]
pub(super) struct Connector {
    network: Arc<dyn Network>,
    policy: Policy,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Failed(#[from] io::Error),
}

impl Connector {
    pub(super) fn for_strangers(network: Arc<dyn Network>) -> Self {
        Self { network, policy: Policy::Stranger }
    }

    pub(super) fn for_operators(network: Arc<dyn Network>) -> Self {
        Self { network, policy: Policy::Operator }
    }

    async fn connect(self, uri: Uri) -> Result<TokioIo<TcpStream>, ConnectError> {
        let addresses = self.addresses(&uri).await?;
        let stream = self.network.connect(&addresses).await?;
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(stream))
    }

    /// The addresses of a host, all of which may be connected to.
    async fn addresses(&self, uri: &Uri) -> Result<Vec<SocketAddr>, ConnectError> {
        // `url` reads `2130706433` and `0x7f.1` as the address that they are. The text must not be asked.
        let url = Url::parse(&uri.to_string()).map_err(|_| Refusal::Host)?;
        if self.policy == Policy::Stranger {
            check_url(&url)?;
        }
        let port = url.port_or_known_default().ok_or(Refusal::Port)?;
        let found: Vec<IpAddr> = match url.host().ok_or(Refusal::Host)? {
            Host::Ipv4(address) => vec![address.into()],
            Host::Ipv6(address) => vec![address.into()],
            Host::Domain(name) => self.network.resolve(name).await?,
        };
        // One private address among public ones is an attack, so all of them are refused.
        if self.policy == Policy::Stranger && !found.iter().copied().all(is_public) {
            return Err(Refusal::NotPublic.into());
        }
        Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.clone().connect(uri);
        Box::pin(async move {
            connecting.await.map_err(|error| match error {
                ConnectError::Refused(refusal) => refusal.into(),
                ConnectError::Failed(error) => error.into(),
            })
        })
    }
}
