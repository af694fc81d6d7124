//! Where a request comes from: the address of the person and the scheme and host they used, also
//! when a proxy stands between. Only proxies that the settings trust are believed.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::{HOST, HeaderName};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use super::Site;
use crate::config::{BaseUrl, Networks};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The far end of a request.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    pub ip: IpAddr,
    /// Whether the browser's own connection is encrypted.
    pub https: bool,
}

impl Client {
    /// What to count requests by: the address, or for IPv6 the network of 64 bits that one
    /// person usually has to themselves.
    pub fn bucket(self) -> IpAddr {
        match self.ip {
            IpAddr::V4(_) => self.ip,
            IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into(),
        }
    }
}

/// Finds out about the client before anything else looks at the request. Behind a trusted proxy
/// the host that the browser asked for takes the place of the one that the proxy asked for.
pub async fn identify(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let peer = peer.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)).to_canonical();
    let trusted = &site.about.trusted_proxies;
    let behind_proxy = trusted.contain(peer);
    let headers = request.headers();
    let forwarded_https = behind_proxy && last(headers, &FORWARDED_PROTO) == Some("https");
    let base_https = site.about.base_url.as_ref().is_some_and(BaseUrl::is_https);
    let client = Client {
        ip: if behind_proxy { origin_of(headers, trusted, peer) } else { peer },
        https: forwarded_https || base_https,
    };
    let host = last(request.headers(), &FORWARDED_HOST).filter(|_| behind_proxy);
    if let Some(host) = host.and_then(|host| HeaderValue::from_str(host).ok()) {
        request.headers_mut().insert(HOST, host);
    }
    request.extensions_mut().insert(client);
    next.run(request).await
}

/// The first address, walking back from us, that is no proxy of ours. What stands further left
/// anybody may have written.
fn origin_of(headers: &HeaderMap, trusted: &Networks, peer: IpAddr) -> IpAddr {
    let hops: Vec<&str> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let mut nearest = peer;
    for hop in hops.iter().rev() {
        let Ok(ip) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        nearest = ip.to_canonical();
        if !trusted.contain(nearest) {
            break;
        }
    }
    nearest
}

fn last<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get_all(name).iter().next_back()?.to_str().ok()?.rsplit(',').next().map(str::trim)
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let nobody = Self { ip: IpAddr::V6(Ipv6Addr::UNSPECIFIED), https: false };
        Ok(parts.extensions.get().copied().unwrap_or(nobody))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(forwarded: &str, peer: &str) -> String {
        let trusted = "127.0.0.0/8,10.0.0.0/8".parse().expect("networks");
        let headers = HeaderMap::from_iter([(FORWARDED_FOR, forwarded.parse().expect("header"))]);
        origin_of(&headers, &trusted, peer.parse().expect("ip")).to_string()
    }

    #[test]
    fn the_nearest_address_that_is_no_proxy_is_the_clients() {
        assert_eq!(origin("203.0.113.9", "127.0.0.1"), "203.0.113.9");
        assert_eq!(origin("203.0.113.9, 10.1.2.3", "127.0.0.1"), "203.0.113.9");
        assert_eq!(origin("1.2.3.4, 203.0.113.9", "127.0.0.1"), "203.0.113.9");
        assert_eq!(origin("10.0.0.7", "127.0.0.1"), "10.0.0.7");
    }

    #[test]
    fn nonsense_in_the_header_ends_the_walk() {
        assert_eq!(origin("203.0.113.9, nonsense", "127.0.0.1"), "127.0.0.1");
    }

    #[test]
    fn addresses_of_one_ipv6_network_share_a_bucket() {
        let client = |ip: &str| Client { ip: ip.parse().expect("ip"), https: false };
        assert_eq!(client("2001:db8::1").bucket(), client("2001:db8::2").bucket());
        assert_ne!(client("2001:db8::1").bucket(), client("2001:db8:0:1::1").bucket());
        assert_ne!(client("192.0.2.1").bucket(), client("192.0.2.2").bucket());
    }
}
