//! What a request was sent to, as the browser that sent it has it in its address line: scheme, host and
//! port. Two ways to write the same address are the same [`WebOrigin`].
//!
//! Made by `client`, which knows what proxies said; asked by `origin` and `cookies`.

use std::fmt;

use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};

use crate::config::BaseUrl;

/// Scheme, host and port, in one form (RFC 6454): small letters, no dot at the end, the port of the
/// scheme where none was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebOrigin {
    pub https: bool,
    pub host: String,
    pub port: u16,
}

impl WebOrigin {
    /// Reads an `Origin`, a base URL, or the beginning of a `Referer`. `null` is none.
    pub fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let https = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        Some(Self::new(https, &HostName::read(uri.authority()?)?))
    }

    fn new(https: bool, name: &HostName) -> Self {
        let port = name.port.unwrap_or(if https { 443 } else { 80 });
        Self { https, host: name.host.clone(), port }
    }

    /// The port, where an address has to name it.
    pub fn named_port(&self) -> Option<u16> {
        let usual = if self.https { 443 } else { 80 };
        (self.port != usual).then_some(self.port)
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.https { "https" } else { "http" }, self.host)?;
        self.named_port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// A host as `Host` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName {
    pub host: String,
    pub port: Option<u16>,
}

impl HostName {
    fn read(authority: &Authority) -> Option<Self> {
        let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
        // A name and password in front of a host are never sent, and would only hide it.
        let plain = !host.is_empty() && !authority.as_str().contains('@');
        plain.then(|| Self { host, port: authority.port_u16() })
    }

    /// Whether it looks like the name that a proxy has for a server behind it.
    fn is_internal(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        !self.host.contains('.') || bare.parse::<std::net::IpAddr>().is_ok()
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// What stands between a browser and this server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Proxy {
    /// Nothing: whoever connects is not trusted to be a proxy.
    #[default]
    None,
    /// Perhaps a proxy that says nothing, perhaps somebody of the same network.
    Silent,
    /// A trusted proxy, which says something of who is behind it.
    Speaks,
}

/// Where a request was sent, and how sure that is.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// The scheme, where the connection itself or a proxy says it.
    pub https: Option<bool>,
    pub proxy: Proxy,
    pub host: Option<HostName>,
    /// There is a name, and nobody can read it.
    is_unreadable: bool,
    /// The proxy may have put a name of its own in place of the one the browser asked for.
    hides_host: bool,
}

impl Target {
    /// `told_host`: the proxy says which host the browser asked for.
    pub fn read(
        headers: &HeaderMap,
        proxy: Proxy,
        told_scheme: Option<bool>,
        told_host: bool,
    ) -> Self {
        let named = headers.get(HOST);
        let host = named.and_then(|host| host.to_str().ok());
        let host = host.and_then(|host| HostName::read(&host.parse().ok()?));
        let is_unreadable = named.is_some() && host.is_none();
        let speaks = proxy == Proxy::Speaks;
        let hides_host = speaks && !told_host && host.as_ref().is_none_or(HostName::is_internal);
        let https = told_scheme.or((!speaks).then_some(false));
        Self { https, proxy, host, is_unreadable, hides_host }
    }

    /// The origin that it has, if the request says all of it.
    pub fn origin(&self) -> Option<WebOrigin> {
        Some(WebOrigin::new(self.https == Some(true), self.host.as_ref()?))
    }

    /// Whether it can be what an origin was asked for.
    pub fn is(&self, origin: &WebOrigin) -> Match {
        if self.is_unreadable {
            return Match::No;
        }
        let Some(host) = &self.host else { return Match::Perhaps };
        if self.hides_host {
            return Match::Perhaps;
        }
        // A proxy that says nothing of the scheme may well speak TLS.
        let scheme = self.https.is_none_or(|https| https == origin.https);
        let own = WebOrigin::new(origin.https, host);
        match (own.host == origin.host, own.port == origin.port) {
            (true, true) if scheme => Match::Yes,
            // TLS may end at a proxy that says nothing at all.
            (true, true) if self.proxy == Proxy::Silent => Match::Perhaps,
            // Some proxies leave out the port.
            (true, false) if host.port.is_none() => match self.proxy {
                Proxy::Speaks if scheme => Match::Perhaps,
                Proxy::Silent => Match::Perhaps,
                _ => Match::No,
            },
            _ => Match::No,
        }
    }

    /// Whether a browser on the same machine asks.
    pub fn is_this_machine(&self) -> bool {
        let Some(name) = &self.host else { return false };
        let bare = name.host.trim_start_matches('[').trim_end_matches(']');
        let ip: Option<std::net::IpAddr> = bare.parse().ok();
        name.host == "localhost" || ip.is_some_and(|ip| ip.is_loopback())
    }

    /// Whether it was asked for under the public address. What is not known does not speak against it.
    pub fn is_at(&self, base: &BaseUrl) -> bool {
        let Some(base) = WebOrigin::parse(base.origin()) else { return true };
        let same_scheme =
            self.proxy != Proxy::Speaks || self.https.is_none_or(|https| https == base.https);
        let host = Self { https: Some(base.https), ..self.clone() };
        same_scheme && host.is(&base) != Match::No
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    Yes,
    No,
    /// The proxy leaves out what would tell.
    Perhaps,
}
