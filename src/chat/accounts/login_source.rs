//! Where somebody who types a password comes from: what guesses are counted by, and how one is known
//! from earlier. Knows no request: `http` fills it in.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

use super::guesses::Key;
use super::model::CredentialHash;

/// The far end of a sign-in, a registration, a change of password.
#[derive(Clone, Debug)]
pub struct LoginSource {
    /// As the log names it.
    pub ip: IpAddr,
    /// The networks around the address, the smallest first.
    pub networks: Vec<IpNet>,
    /// The hash of what its browser keeps to be known again.
    pub device: Option<CredentialHash>,
}

impl LoginSource {
    /// Who acts in this process and not over the network.
    pub fn local() -> Self {
        Self { ip: IpAddr::V6(Ipv6Addr::LOCALHOST), networks: Vec::new(), device: None }
    }

    /// What counts against a visitor of whom nothing else is known.
    pub(super) fn keys(&self) -> Vec<Key> {
        self.networks.iter().copied().map(Key::Network).collect()
    }

    /// The largest of the networks, whose visitors share places in a line.
    pub(super) fn site(&self) -> IpAddr {
        self.networks.last().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpNet::addr)
    }
}
