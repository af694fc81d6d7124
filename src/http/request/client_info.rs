//! The client of a request: its address, and the scheme and host it used, even through a proxy. Only the headers
//! of proxies in the trusted networks count.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;

use crate::chat::accounts::LoginSource;
use crate::http::cookies;
use crate::http::request::forwarded::Forwarded;
use crate::http::request::target::{Proxy, Target, WebOrigin};
use crate::http::site::SiteInfo;

/// The client of a request.
#[derive(Clone, Copy, Debug)]
pub struct ClientInfo {
    pub ip: IpAddr,
    /// Whether the browser's connection is encrypted.
    pub https: bool,
    /// The port of the public address, if it is not the scheme's default. Part of the names of cookies.
    pub port: Option<u16>,
}

impl ClientInfo {
    /// Returns the client that sent this request.
    pub(in crate::http) fn of(parts: &Parts) -> Self {
        let unknown = Self { ip: IpAddr::V6(Ipv6Addr::UNSPECIFIED), https: false, port: None };
        parts.extensions.get().copied().unwrap_or(unknown)
    }

    /// Returns the networks that contain the address, the smallest first: the network that one person usually
    /// has, and those within which a provider's customer may change the address. /32 and /24 for IPv4; /64, /56
    /// and /48 for IPv6.
    pub fn networks(self) -> impl Iterator<Item = IpNet> {
        let lengths: &'static [u8] = match self.ip {
            IpAddr::V4(_) => &[32, 24],
            IpAddr::V6(_) => &[64, 56, 48],
        };
        let network = move |length: &u8| IpNet::new(self.ip, *length).ok();
        lengths.iter().filter_map(network).map(|network| network.trunc())
    }

    /// Returns the key for counting requests: the smallest of the networks.
    pub fn network_key(self) -> IpAddr {
        self.networks().next().map_or(self.ip, |network| network.addr())
    }
}

/// Middleware that determines client and target before any other middleware reads the request. Behind a trusted
/// proxy, the browser's host replaces the proxy's host in the `Host` header.
pub async fn identify(
    State(site): State<Arc<SiteInfo>>,
    mut request: Request,
    next: Next,
) -> Response {
    // With two Host headers, proxy and server could use different ones (RFC 9112, section 3.2).
    if request.headers().get_all(HOST).iter().count() > 1 {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let peer = peer.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)).to_canonical();
    let trusted = &site.trusted_proxies;
    let forwarded = trusted.contain(peer).then(|| Forwarded::read(request.headers()));
    let forwarded = forwarded.unwrap_or_default();
    let remote = forwarded.remote_end(trusted, peer);
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    let has_forwarded_host = remote.host.is_some();
    if let Some(host) = remote.host.or(authority).and_then(|host| HeaderValue::from_str(&host).ok())
    {
        request.headers_mut().insert(HOST, host);
    }
    let proxy = match trusted.contain(peer) {
        true if forwarded.is_empty() => Proxy::Silent,
        true => Proxy::Speaks,
        false => Proxy::None,
    };
    let target = Target::read(request.headers(), proxy, remote.https, has_forwarded_host);
    let base = site.base_url.as_ref().and_then(|url| WebOrigin::parse(url.origin()));
    let https = target.https == Some(true) || base.as_ref().is_some_and(|base| base.https);
    let port = match &base {
        Some(base) => base.named_port(),
        None => target.origin().and_then(|origin| origin.named_port()),
    };
    request.extensions_mut().insert(ClientInfo { ip: remote.ip, https, port });
    request.extensions_mut().insert(target);
    next.run(request).await
}

impl<S: Sync> FromRequestParts<S> for ClientInfo {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

/// The source of a password attempt.
impl<S: Sync> FromRequestParts<S> for LoginSource {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let client = ClientInfo::from_request_parts(parts, state).await?;
        let device = cookies::device(&parts.headers, client);
        let device = device.map(|device| device.credential());
        Ok(Self { ip: client.ip, networks: client.networks().collect(), device })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(ip: &str) -> Vec<String> {
        let client = ClientInfo { ip: ip.parse().expect("an address"), https: false, port: None };
        client.networks().map(|network| network.to_string()).collect()
    }

    #[test]
    fn an_address_belongs_to_its_networks() {
        assert_eq!(networks("192.0.2.7"), ["192.0.2.7/32", "192.0.2.0/24"]);
        assert_eq!(
            networks("2001:db8:1:2345:6::7"),
            ["2001:db8:1:2345::/64", "2001:db8:1:2300::/56", "2001:db8:1::/48"]
        );
        assert_eq!(networks("2001:db8::1"), networks("2001:db8::2"), "one network");
        assert_ne!(networks("2001:db8::1")[0], networks("2001:db8:0:1::1")[0]);
    }
}
