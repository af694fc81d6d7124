//! The target of a request: scheme, host and port in the browser's address bar. Equivalent addresses become the
//! same [`WebOrigin`].
//!
//! `client_info` creates it from the headers of proxies; `csrf` and `security_headers` use it.

use std::fmt;

use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};

use crate::config::BaseUrl;

/// Scheme, host and port, normalized (RFC 6454): lower case, no trailing dot, the scheme's default port if none
/// is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebOrigin {
    pub https: bool,
    pub host: String,
    pub port: u16,
}

impl WebOrigin {
    /// Parses an `Origin`, a base URL, or the start of a `Referer`. Returns `None` for `null`.
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

    /// Returns the port if it is not the scheme's default.
    pub fn named_port(&self) -> Option<u16> {
        let default = if self.https { 443 } else { 80 };
        (self.port != default).then_some(self.port)
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.https { "https" } else { "http" }, self.host)?;
        self.named_port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// The host and port in a `Host` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName {
    pub host: String,
    pub port: Option<u16>,
}

impl HostName {
    fn read(authority: &Authority) -> Option<Self> {
        let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
        // Browsers never send user information in `Host`. An attacker could use it to disguise the host.
        let plain = !host.is_empty() && !authority.as_str().contains('@');
        plain.then(|| Self { host, port: authority.port_u16() })
    }

    /// Whether it looks like a proxy's internal name for a server.
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

/// The proxy between a browser and this server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Proxy {
    /// None: the peer is not in the trusted networks.
    #[default]
    None,
    /// A trusted peer without forwarding headers: a silent proxy, or a client in the same network.
    Silent,
    /// A trusted proxy that sends forwarding headers.
    Speaks,
}

/// The target of a request, and how certain it is.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// Whether the browser used HTTPS; `None` if unknown.
    pub https: Option<bool>,
    pub proxy: Proxy,
    pub host: Option<HostName>,
    /// There is a `Host` header, but it cannot be parsed.
    is_unreadable: bool,
    /// The proxy may have replaced the browser's host with its own name for the server.
    hides_host: bool,
}

impl Target {
    /// `forwarded_https` is the scheme that the proxy sends; `has_forwarded_host` whether it sends the host that
    /// the browser requested.
    pub fn read(
        headers: &HeaderMap,
        proxy: Proxy,
        forwarded_https: Option<bool>,
        has_forwarded_host: bool,
    ) -> Self {
        let header = headers.get(HOST);
        let host = header.and_then(|host| host.to_str().ok());
        let host = host.and_then(|host| HostName::read(&host.parse().ok()?));
        let is_unreadable = header.is_some() && host.is_none();
        let speaks = proxy == Proxy::Speaks;
        let hides_host =
            speaks && !has_forwarded_host && host.as_ref().is_none_or(HostName::is_internal);
        let https = forwarded_https.or((!speaks).then_some(false));
        Self { https, proxy, host, is_unreadable, hides_host }
    }

    /// Returns the origin of the target, if the host is known.
    pub fn origin(&self) -> Option<WebOrigin> {
        Some(WebOrigin::new(self.https == Some(true), self.host.as_ref()?))
    }

    /// Compares the target with the origin of a page.
    pub fn is(&self, origin: &WebOrigin) -> Match {
        if self.is_unreadable {
            return Match::No;
        }
        let Some(host) = &self.host else { return Match::Perhaps };
        if self.hides_host {
            return Match::Perhaps;
        }
        // A proxy that does not send the scheme may use TLS.
        let scheme = self.https.is_none_or(|https| https == origin.https);
        let own = WebOrigin::new(origin.https, host);
        match (own.host == origin.host, own.port == origin.port) {
            (true, true) if scheme => Match::Yes,
            // TLS may end at a proxy that sends no headers at all.
            (true, true) if self.proxy == Proxy::Silent => Match::Perhaps,
            // Some proxies omit the port.
            (true, false) if host.port.is_none() => match self.proxy {
                Proxy::Speaks if scheme => Match::Perhaps,
                Proxy::Silent => Match::Perhaps,
                _ => Match::No,
            },
            _ => Match::No,
        }
    }

    /// Whether the browser runs on this machine.
    pub fn is_this_machine(&self) -> bool {
        let Some(name) = &self.host else { return false };
        let bare = name.host.trim_start_matches('[').trim_end_matches(']');
        let ip: Option<std::net::IpAddr> = bare.parse().ok();
        name.host == "localhost" || ip.is_some_and(|ip| ip.is_loopback())
    }

    /// Whether the request was sent to the public address. Returns true if that is unknown.
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
    /// The proxy omits the information that would decide.
    Perhaps,
}
