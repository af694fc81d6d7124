//! Which addresses a stranger may make Patio connect to: public ones, and only the ports of the web.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;
use url::Url;

/// Why an address is refused. No connection was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("neither http nor https")]
    Scheme,
    #[error("it contains a user name or password")]
    Credentials,
    #[error("another port than 80 and 443")]
    Port,
    #[error("it has no host")]
    Host,
    /// The host, or one of the addresses of its name, belongs to a private or special network.
    #[error("not a public address")]
    NotPublic,
}

/// Checks what an address says of itself. The addresses of its host are checked when it is connected to.
pub(super) fn check_url(url: &Url) -> Result<(), Refusal> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refusal::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refusal::Credentials);
    }
    if !matches!(url.port_or_known_default(), Some(80 | 443)) {
        return Err(Refusal::Port);
    }
    Ok(())
}

/// Special networks of IPv4: the IANA special-purpose registry (RFC 6890) without the globally reachable
/// ones, and multicast (RFC 5771).
static SPECIAL_V4: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    networks(&[
        "0.0.0.0/8",       // this host
        "10.0.0.0/8",      // private
        "100.64.0.0/10",   // shared by customers of a carrier
        "127.0.0.0/8",     // loopback
        "169.254.0.0/16",  // link-local; clouds serve credentials there
        "172.16.0.0/12",   // private
        "192.0.0.0/24",    // protocol assignments
        "192.0.2.0/24",    // documentation
        "192.88.99.0/24",  // relays of 6to4
        "192.168.0.0/16",  // private
        "198.18.0.0/15",   // benchmarks
        "198.51.100.0/24", // documentation
        "203.0.113.0/24",  // documentation
        "224.0.0.0/4",     // multicast
        "240.0.0.0/4",     // reserved, and broadcast
    ])
});

/// The global unicast addresses of IPv6 (RFC 4291). All others are refused, NAT64 (`64:ff9b::/96`) included.
static GLOBAL_V6: LazyLock<Vec<IpNet>> = LazyLock::new(|| networks(&["2000::/3"]));

/// Special networks among them, some of which contain an address of IPv4.
static SPECIAL_V6: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    networks(&[
        "2001::/23",     // protocol assignments, Teredo
        "2001:db8::/32", // documentation
        "2002::/16",     // 6to4
        "3fff::/20",     // documentation
    ])
});

fn networks(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

fn is_in(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// Whether an address belongs to the public internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => !is_in(&SPECIAL_V4, v4),
        v6 @ IpAddr::V6(_) => is_in(&GLOBAL_V6, v6) && !is_in(&SPECIAL_V6, v6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        assert_eq!((SPECIAL_V4.len(), GLOBAL_V6.len(), SPECIAL_V6.len()), (15, 1, 4));
        // Each network at both ends, and the address behind each end that is public.
        for (special, public) in [
            ("0.0.0.0 0.255.255.255", "1.0.0.0"),
            ("10.0.0.0 10.255.255.255", "9.255.255.255 11.0.0.0"),
            ("100.64.0.0 100.127.255.255", "100.63.255.255 100.128.0.0"),
            ("127.0.0.1 127.255.255.255", "126.255.255.255 128.0.0.0"),
            ("169.254.0.0 169.254.169.254", "169.253.255.255 169.255.0.0"),
            ("172.16.0.0 172.31.255.255", "172.15.255.255 172.32.0.0"),
            ("192.0.0.0 192.0.0.255", "191.255.255.255 192.0.1.0"),
            ("192.0.2.0 192.0.2.255", "192.0.3.0"),
            ("192.88.99.0 192.88.99.255", "192.88.98.255 192.88.100.0"),
            ("192.168.0.0 192.168.255.255", "192.167.255.255 192.169.0.0"),
            ("198.18.0.0 198.19.255.255", "198.17.255.255 198.20.0.0"),
            ("198.51.100.0 198.51.100.255", "198.51.99.255 198.51.101.0"),
            ("203.0.113.0 203.0.113.255", "203.0.112.255 203.0.114.0"),
            ("224.0.0.0 239.255.255.255 240.0.0.0 255.255.255.255", "223.255.255.255"),
            (":: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::1.1.1.1", "::ffff:1.1.1.1"),
            ("64:ff9b::7f00:1 64:ff9b::101:101 1fff:: 4000:: 5f00::1", "2000::1 3ffe::1"),
            ("fe80::1 fec0::1 fc00::1 fd00::1 ff02::1", "2606:4700::1111"),
            ("2001:: 2001:0:1::1 2001:1ff:ffff::1", "2001:200::1"),
            ("2001:db8:: 2001:db8:ffff::1", "2001:db7::1 2001:db9::1"),
            ("2002:: 2002:7f00:1:: 2002:ffff::1", "2003::1"),
            ("3fff:: 3fff:fff::1", "3fff:1000::1"),
        ] {
            for address in special.split(' ') {
                assert!(!is_public(address.parse().expect(address)), "{address}");
            }
            for address in public.split(' ') {
                assert!(is_public(address.parse().expect(address)), "{address}");
            }
        }
    }

    #[test]
    fn an_address_is_of_the_web() {
        let check = |text: &str| check_url(&Url::parse(text).expect(text));
        for good in
            ["http://x.org/", "https://x.org", "http://x.org:443/", "https://1.1.1.1:80/?a#b"]
        {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, refusal) in [
            ("ftp://x.org/", Refusal::Scheme),
            ("file:///etc/passwd", Refusal::Scheme),
            ("data:text/html,x", Refusal::Scheme),
            ("gopher://x.org:80/", Refusal::Scheme),
            ("http://user@x.org/", Refusal::Credentials),
            ("http://:secret@x.org/", Refusal::Credentials),
            ("http://1.1.1.1:22/", Refusal::Port),
            ("https://x.org:8443/", Refusal::Port),
            ("http://x.org:0/", Refusal::Port),
        ] {
            assert_eq!(check(bad), Err(refusal), "{bad}");
        }
    }
}
