//! Where a request comes from: the address of the person and the scheme and host they used, also
//! when a proxy stands between. Only proxies that the settings trust are believed.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;

use crate::chat::accounts::LoginSource;
use crate::http::request::forwarded::Forwarded;
use crate::http::request::target::{Proxy, Target, WebOrigin};
use crate::http::{AppState, cookies};

/// The far end of a request.
#[derive(Clone, Copy, Debug)]
pub struct ClientInfo {
    pub ip: IpAddr,
    /// Whether the browser's own connection is encrypted.
    pub https: bool,
    /// The port of the public address, where it has to name one: part of the names of cookies.
    pub port: Option<u16>,
}

impl ClientInfo {
    /// The client that sent this request.
    pub(in crate::http) fn of(parts: &Parts) -> Self {
        let nobody = Self { ip: IpAddr::V6(Ipv6Addr::UNSPECIFIED), https: false, port: None };
        parts.extensions.get().copied().unwrap_or(nobody)
    }

    /// The networks around the address, the smallest first: what one person usually has to themselves,
    /// and what one customer of a provider may move within. For IPv4 /32 and /24; for IPv6 /64, /56
    /// and /48.
    pub fn networks(self) -> impl Iterator<Item = IpNet> {
        let lengths: &'static [u8] = match self.ip {
            IpAddr::V4(_) => &[32, 24],
            IpAddr::V6(_) => &[64, 56, 48],
        };
        let network = move |length: &u8| IpNet::new(self.ip, *length).ok();
        lengths.iter().filter_map(network).map(|network| network.trunc())
    }

    /// What to count requests by: the smallest of the networks.
    pub fn network_key(self) -> IpAddr {
        self.networks().next().map_or(self.ip, |network| network.addr())
    }
}

/// Finds out about the client, and what it asked for, before anything else looks at the request. Behind
/// a trusted proxy the host that the browser asked for takes the place of the one that the proxy did.
pub async fn identify(State(site): State<AppState>, mut request: Request, next: Next) -> Response {
    // Which of two would count depends on who reads them (RFC 9112, section 3.2).
    if request.headers().get_all(HOST).iter().count() > 1 {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let peer = peer.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)).to_canonical();
    let trusted = &site.about.trusted_proxies;
    let forwarded = trusted.contain(peer).then(|| Forwarded::read(request.headers()));
    let forwarded = forwarded.unwrap_or_default();
    let far_end = forwarded.remote_end(trusted, peer);
    let asked = request.uri().authority().map(|authority| authority.as_str().to_owned());
    let told_host = far_end.host.is_some();
    if let Some(host) = far_end.host.or(asked).and_then(|host| HeaderValue::from_str(&host).ok()) {
        request.headers_mut().insert(HOST, host);
    }
    let proxy = match trusted.contain(peer) {
        true if forwarded.is_empty() => Proxy::Silent,
        true => Proxy::Speaks,
        false => Proxy::None,
    };
    let target = Target::read(request.headers(), proxy, far_end.https, told_host);
    let base = site.about.base_url.as_ref().and_then(|url| WebOrigin::parse(url.origin()));
    let https = target.https == Some(true) || base.as_ref().is_some_and(|base| base.https);
    let port = match &base {
        Some(base) => base.named_port(),
        None => target.origin().and_then(|origin| origin.named_port()),
    };
    request.extensions_mut().insert(ClientInfo { ip: far_end.ip, https, port });
    request.extensions_mut().insert(target);
    next.run(request).await
}

impl<S: Sync> FromRequestParts<S> for ClientInfo {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

/// Where somebody who types a password comes from.
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
    fn an_address_is_counted_in_its_networks() {
        assert_eq!(networks("192.0.2.7"), ["192.0.2.7/32", "192.0.2.0/24"]);
        assert_eq!(
            networks("2001:db8:1:2345:6::7"),
            ["2001:db8:1:2345::/64", "2001:db8:1:2300::/56", "2001:db8:1::/48"]
        );
        assert_eq!(networks("2001:db8::1"), networks("2001:db8::2"), "one person");
        assert_ne!(networks("2001:db8::1")[0], networks("2001:db8:0:1::1")[0]);
    }
}
