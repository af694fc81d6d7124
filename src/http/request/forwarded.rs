//! Forwarding headers of proxies: `X-Forwarded-For`, `-Proto` and `-Host`, else `Forwarded` (RFC 7239).
//!
//! Must not know the settings: the caller passes the trusted networks. Headers that no trusted proxy wrote must be
//! ignored; `client_info` checks that before it calls this module.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;
use axum::http::header::{FORWARDED, HeaderName};

use crate::config::Networks;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// An nginx convention: only the address of the client.
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The entries of all proxies, the nearest proxy's entry last.
#[derive(Debug, Default)]
pub(in crate::http) struct Forwarded {
    addresses: Vec<String>,
    protos: Vec<String>,
    hosts: Vec<String>,
}

/// The client as the proxies saw it.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) struct RemoteEnd {
    pub ip: IpAddr,
    /// Whether the client used HTTPS; `None` if no proxy sends the scheme.
    pub https: Option<bool>,
    pub host: Option<String>,
}

impl Forwarded {
    pub fn read(headers: &HeaderMap) -> Self {
        let legacy = Self {
            addresses: entries(headers, &FORWARDED_FOR),
            protos: entries(headers, &FORWARDED_PROTO),
            hosts: entries(headers, &FORWARDED_HOST),
        };
        let found = if legacy.is_empty() { Self::standard(headers) } else { legacy };
        if found.is_empty() {
            Self { addresses: entries(headers, &REAL_IP), ..found }
        } else {
            found
        }
    }

    /// Reads `Forwarded`. It counts only without the other headers: a proxy that does not know `Forwarded`
    /// forwards what an attacker has put into it.
    fn standard(headers: &HeaderMap) -> Self {
        let mut all = Self::default();
        // Ignores quotes when splitting: no relevant value contains a comma or semicolon, and an unclosed quote
        // of an attacker must not hide what a proxy appended.
        for element in entries(headers, &FORWARDED) {
            for (name, value) in element.split(';').filter_map(|pair| pair.split_once('=')) {
                let value = unquoted(value).to_owned();
                match name.trim().to_ascii_lowercase().as_str() {
                    "for" => all.addresses.push(value),
                    "proto" => all.protos.push(value),
                    "host" => all.hosts.push(value),
                    _ => {}
                }
            }
        }
        all
    }

    /// Whether no proxy sent any of these headers.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.protos.is_empty() && self.hosts.is_empty()
    }

    /// Walks back from `peer`, a trusted proxy, to the first address that is not trusted.
    pub fn remote_end(&self, trusted: &Networks, peer: IpAddr) -> RemoteEnd {
        let (ip, depth) = self.walk(trusted, peer);
        // Traefik sends `wss` for a WebSocket.
        let encrypted =
            |proto: &str| ["https", "wss"].iter().any(|s| proto.eq_ignore_ascii_case(s));
        let https = at(&self.protos, depth).map(encrypted);
        RemoteEnd { ip, https, host: at(&self.hosts, depth).map(str::to_owned) }
    }

    /// Returns the client's address, and how many trusted proxies are between it and the nearest one.
    ///
    /// Reads the entries from the right. Entries to the left of the first untrusted address may be forged. An
    /// entry that is not an address (`unknown`, an obfuscated name) is skipped: stopping there would count all
    /// clients of that proxy as one. If no other address is found, a stand-in address represents that entry.
    fn walk(&self, trusted: &Networks, peer: IpAddr) -> (IpAddr, usize) {
        let mut nearest = peer;
        let mut hidden = None;
        for (depth, entry) in self.addresses.iter().rev().enumerate() {
            match address(entry) {
                Some(ip) if trusted.contain(ip) => nearest = ip,
                Some(ip) => return (ip, depth),
                None => hidden = hidden.or(Some((stand_in(entry), depth))),
            }
        }
        hidden.unwrap_or((nearest, self.addresses.len().saturating_sub(1)))
    }
}

/// Returns the entry of the proxy at this depth. Most proxies overwrite the header; then there is only one entry.
fn at(entries: &[String], depth: usize) -> Option<&str> {
    let last = entries.len().checked_sub(1)?;
    entries.get(last - depth.min(last)).map(String::as_str)
}

/// Returns the elements of a list header, over all its occurrences. Invalid UTF-8 affects only its own element.
fn entries(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let values =
        headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let split = |value: std::borrow::Cow<'_, str>| -> Vec<String> {
        value.split(',').map(|entry| entry.trim().to_owned()).collect()
    };
    values.flat_map(split).filter(|entry| !entry.is_empty()).collect()
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches('"').trim()
}

/// Parses an address in all formats of proxies: plain, with a port, in brackets, in quotes, with a zone.
fn address(entry: &str) -> Option<IpAddr> {
    let text = unquoted(entry);
    let plain = |text: &str| {
        let text = text.split('%').next().unwrap_or(text);
        text.parse::<IpAddr>().ok()
    };
    let bracketed = || plain(text.strip_prefix('[')?.split_once(']')?.0);
    let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
    // The port may be an obfuscated name (RFC 7239, section 6).
    let before_port = || plain(text.rsplit_once(':')?.0);
    let found = plain(text).or_else(bracketed).or_else(with_port).or_else(before_port);
    found.map(|ip| ip.to_canonical())
}

/// Returns a stand-in address for a client that a proxy hides: always the same for the same entry, in a separate
/// network, and never a real one (`100::/8` is reserved by the IETF, RFC 4291).
fn stand_in(entry: &str) -> IpAddr {
    let mut hasher = DefaultHasher::new();
    entry.hash(&mut hasher);
    let network = (0x0100_u64 << 48) | (hasher.finish() >> 16);
    Ipv6Addr::from_bits(u128::from(network) << 64).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let value = |text: &str| text.parse().expect("a header");
        let lines = lines.iter().map(|(name, text)| (HeaderName::from_static(name), value(text)));
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, value);
        }
        headers
    }

    fn client_end(lines: &[(&'static str, &str)]) -> RemoteEnd {
        let trusted = "127.0.0.0/8,10.0.0.0/8".parse().expect("networks");
        let peer = "127.0.0.1".parse().expect("an address");
        Forwarded::read(&headers(lines)).remote_end(&trusted, peer)
    }

    fn ip(forwarded_for: &str) -> String {
        client_end(&[("x-forwarded-for", forwarded_for)]).ip.to_string()
    }

    #[test]
    fn the_nearest_untrusted_address_is_the_clients() {
        for (list, client) in [
            ("203.0.113.9", "203.0.113.9"),
            ("203.0.113.9, 10.1.2.3", "203.0.113.9"),
            ("1.2.3.4, 203.0.113.9", "203.0.113.9"),
            ("1.2.3.4,203.0.113.9 ,10.1.2.3,, 127.0.0.1", "203.0.113.9"),
            ("10.0.0.7", "10.0.0.7"),
            ("", "127.0.0.1"),
        ] {
            assert_eq!(ip(list), client, "{list}");
        }
        let lines = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "10.1.2.3")];
        assert_eq!(client_end(&lines).ip.to_string(), "203.0.113.9");
    }

    #[test]
    fn x_real_ip_counts_without_other_headers() {
        let real = ("x-real-ip", "203.0.113.9");
        assert_eq!(client_end(&[real]).ip.to_string(), "203.0.113.9");
        for other in [("x-forwarded-for", "198.51.100.4"), ("forwarded", "for=198.51.100.4")] {
            assert_eq!(client_end(&[real, other]).ip.to_string(), "198.51.100.4", "{other:?}");
        }
    }

    #[test]
    fn addresses_are_parsed_in_all_formats_of_proxies() {
        for entry in [
            "203.0.113.9",
            "203.0.113.9:4711",
            "\"203.0.113.9\"",
            "\"203.0.113.9:4711\"",
            "203.0.113.9:_port",
            "::ffff:203.0.113.9",
            "[::ffff:203.0.113.9]:4711",
        ] {
            assert_eq!(ip(entry), "203.0.113.9", "{entry}");
        }
        for entry in [
            "2001:db8::7",
            "2001:DB8:0:0::7",
            "[2001:db8::7]",
            "[2001:db8::7]:4711",
            "\"[2001:db8::7]:4711\"",
            "[2001:db8::7%eth0]",
            "2001:db8:0:0:0:0:0:7:4711",
        ] {
            assert_eq!(ip(entry), "2001:db8::7", "{entry}");
        }
    }

    #[test]
    fn entries_without_an_address_do_not_merge_clients() {
        for (list, client) in [
            ("203.0.113.9, nonsense", "203.0.113.9"),
            ("203.0.113.9, unknown, 10.0.0.1", "203.0.113.9"),
            ("unknown, 203.0.113.9", "203.0.113.9"),
            ("203.0.113.9, 999.1.1.1", "203.0.113.9"),
            ("\u{ff}, 203.0.113.9", "203.0.113.9"),
        ] {
            assert_eq!(ip(list), client, "{list}");
        }
        let hidden = ["_one", "_two", "unknown", "_one, 10.0.0.1, _three"].map(ip);
        for (at, one) in hidden.iter().enumerate() {
            assert!(one.starts_with("100:"), "{one}");
            assert!(!hidden.iter().skip(at + 1).any(|other| other == one), "{hidden:?}");
        }
        assert_eq!(ip("_one"), ip("_one"), "one client is one");
    }

    #[test]
    fn scheme_and_host_are_those_of_the_browser() {
        for (lines, https, host) in [
            (&[("x-forwarded-proto", "https")][..], true, None),
            (&[("x-forwarded-proto", "HTTPS")], true, None),
            (&[("x-forwarded-proto", "wss")], true, None),
            (&[("x-forwarded-proto", "http")], false, None),
            (&[("x-forwarded-proto", "https, http")], false, None),
            (
                &[("x-forwarded-host", "chat.example.org:8443")],
                false,
                Some("chat.example.org:8443"),
            ),
            // Both proxies append to the lists: the first entry is from the browser's proxy.
            (
                &[
                    ("x-forwarded-for", "203.0.113.9, 10.0.0.1"),
                    ("x-forwarded-proto", "https, http"),
                    ("x-forwarded-host", "chat.example.org, inner"),
                ],
                true,
                Some("chat.example.org"),
            ),
            // The second proxy overwrites the scheme with the value of the first.
            (
                &[("x-forwarded-for", "203.0.113.9, 10.0.0.1"), ("x-forwarded-proto", "https")],
                true,
                None,
            ),
        ] {
            let far = client_end(lines);
            assert_eq!((far.https == Some(true), far.host.as_deref()), (https, host), "{lines:?}");
        }
    }

    #[test]
    fn the_standard_header_counts_without_other_headers() {
        let lines = "For=\"[2001:db8:cafe::17]:4711\";Proto=HTTPS; host=chat.example.org";
        let far = client_end(&[("forwarded", lines)]);
        assert_eq!(far.ip.to_string(), "2001:db8:cafe::17");
        assert_eq!(far.https, Some(true));
        assert_eq!(far.host.as_deref(), Some("chat.example.org"));
        for (lines, client) in [
            (&[("forwarded", "for=192.0.2.43, for=203.0.113.9;by=10.0.0.1")][..], "203.0.113.9"),
            (&[("forwarded", "for=\", for=203.0.113.9")], "203.0.113.9"),
            (&[("forwarded", "for=192.0.2.1"), ("x-forwarded-for", "203.0.113.9")], "203.0.113.9"),
            (&[("forwarded", "for=192.0.2.1"), ("x-forwarded-proto", "https")], "127.0.0.1"),
        ] {
            assert_eq!(client_end(lines).ip.to_string(), client, "{lines:?}");
        }
    }
}
