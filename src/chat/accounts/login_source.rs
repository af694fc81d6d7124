//! The client that enters a password: its networks, for rate limits, and its device. It knows no
//! request; `http` fills it in.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

use super::guesses::Key;
use super::model::CredentialHash;

/// The client of a sign-in, a registration or a change of password.
#[derive(Clone, Debug)]
pub struct LoginSource {
    /// The address shown in logs.
    pub ip: IpAddr,
    /// The networks around the address, the smallest first.
    pub networks: Vec<IpNet>,
    /// The hash of the cookie by which the browser is recognized.
    pub device: Option<CredentialHash>,
}

impl LoginSource {
    /// A caller in this process, not over the network.
    pub fn local() -> Self {
        Self { ip: IpAddr::V6(Ipv6Addr::LOCALHOST), networks: Vec::new(), device: None }
    }

    /// The keys of a wrong password from a client of which nothing else is known.
    pub(super) fn keys(&self) -> Vec<Key> {
        self.networks.iter().copied().map(Key::Network).collect()
    }

    /// The largest of the networks. Its clients share slots in the queue.
    pub(super) fn site(&self) -> IpAddr {
        self.networks.last().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpNet::addr)
    }
}
