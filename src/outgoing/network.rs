//! What the client uses of the network: names and connections. Tests replace it by one with their own name server,
//! so that no setting of the product can weaken the guard.

use std::io;
use std::net::{IpAddr, SocketAddr};

use async_trait::async_trait;
use tokio::net::TcpStream;

#[async_trait]
pub trait Network: Send + Sync {
    /// All addresses of a name.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;

    /// Connects to the first of these addresses that answers.
    async fn connect(&self, addresses: &[SocketAddr]) -> io::Result<TcpStream>;
}

/// The network of the system.
pub struct SystemNetwork;

#[async_trait]
impl Network for SystemNetwork {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }

    async fn connect(&self, addresses: &[SocketAddr]) -> io::Result<TcpStream> {
        TcpStream::connect(addresses).await
    }
}
