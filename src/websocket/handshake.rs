//! The opening handshake, from an HTTP request to a WebSocket (RFC 6455, section 4.2).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::header::{
    CONNECTION, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::http::request::Parts;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper::{HeaderMap, Method, Response, StatusCode};
use hyper_util::rt::TokioIo;
use sha1::{Digest as _, Sha1};
use tokio::net::TcpStream;

use crate::websocket::stream::Stream;

const VERSION: &str = "13";
/// Fixed by RFC 6455: proves that a WebSocket server answers and not a cache.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A valid handshake request.
pub struct Handshake {
    accept: String,
    offered: Vec<String>,
    upgrade: Upgrade,
}

/// Extracts the TCP connection, and bytes that were read with the request, from the HTTP server's wrapper
/// type. The HTTP server adds this function to the extensions of each request.
#[derive(Clone, Copy)]
pub struct PlainTcp(pub fn(Upgraded) -> Result<(TcpStream, Bytes), Upgraded>);

/// Why a request is not a valid handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeError {
    /// It does not ask for a WebSocket, or violates RFC 6455.
    NotAsked,
    /// It asks for another version of the protocol.
    Version,
}

impl HandshakeError {
    /// Returns the HTTP status of the refusal.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NotAsked => StatusCode::BAD_REQUEST,
            Self::Version => StatusCode::UPGRADE_REQUIRED,
        }
    }

    /// Returns the headers that RFC 6455 requires with this status.
    pub fn headers(self) -> HeaderMap {
        match self {
            Self::NotAsked => HeaderMap::new(),
            Self::Version => HeaderMap::from_iter([
                (UPGRADE, HeaderValue::from_static("websocket")),
                (CONNECTION, HeaderValue::from_static("upgrade")),
                (SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION)),
            ]),
        }
    }
}

impl Handshake {
    /// Validates the request's headers and takes the upgrade out of its extensions.
    ///
    /// # Errors
    /// If the request does not ask for a WebSocket, or violates RFC 6455.
    pub fn read(parts: &mut Parts) -> Result<Self, HandshakeError> {
        let headers = &parts.headers;
        let asked = parts.method == Method::GET
            && has_token(headers, &CONNECTION, "upgrade")
            && has_token(headers, &UPGRADE, "websocket");
        if !asked {
            return Err(HandshakeError::NotAsked);
        }
        if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != VERSION) {
            return Err(HandshakeError::Version);
        }
        let key = headers.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes);
        let key = key.filter(|key| STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16));
        let accept = accept_key(key.ok_or(HandshakeError::NotAsked)?);
        let offered = header_tokens(headers, &SEC_WEBSOCKET_PROTOCOL).map(str::to_owned).collect();
        // Only an HTTP/1.1 connection can be upgraded.
        let upgrade = parts.extensions.remove::<OnUpgrade>().ok_or(HandshakeError::NotAsked)?;
        let plain = parts.extensions.get::<PlainTcp>().copied();
        Ok(Self { accept, offered, upgrade: Upgrade { upgrade, plain } })
    }

    /// Returns the client's first subprotocol that the server supports.
    pub fn choose_protocol(&self, ours: &[&'static str]) -> Option<&'static str> {
        let find = |name: &String| ours.iter().find(|our| *our == name).copied();
        self.offered.iter().find_map(find)
    }

    /// Returns the 101 response, and the upgrade that yields the stream after the response was sent.
    pub fn accept(self, protocol: Option<&'static str>) -> (Response<()>, Upgrade) {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        // Base64 is always a valid header value.
        if let Ok(accept) = HeaderValue::try_from(self.accept) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        if let Some(protocol) = protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        }
        (response, self.upgrade)
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").field("offered", &self.offered).finish_non_exhaustive()
    }
}

/// A connection that changes from HTTP to WebSocket.
pub struct Upgrade {
    upgrade: OnUpgrade,
    plain: Option<PlainTcp>,
}

impl Upgrade {
    /// Returns the stream, and the bytes of the client that were read with the request. A plain TCP stream
    /// is taken out of the HTTP server's wrapper, which frees the wrapper's buffers. Any other stream is
    /// used through the wrapper.
    ///
    /// # Errors
    /// If the connection failed before the upgrade.
    pub async fn stream(self) -> Result<(Stream, Bytes), hyper::Error> {
        let upgraded = self.upgrade.await?;
        let upgraded = match self.plain {
            Some(PlainTcp(extract)) => match extract(upgraded) {
                Ok((stream, early)) => return Ok((Stream::tcp(stream), early)),
                Err(upgraded) => upgraded,
            },
            None => upgraded,
        };
        Ok((Stream::other(TokioIo::<Upgraded>::new(upgraded)), Bytes::new()))
    }
}

/// Computes `Sec-WebSocket-Accept`, which proves that the server read the client's key.
fn accept_key(key: &[u8]) -> String {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    STANDARD.encode(digest)
}

/// Returns the elements of a comma-separated header, over all its occurrences.
fn header_tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    header_tokens(headers, name).any(|found| found.eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::poll_fn;
    use std::time::Duration;

    use hyper::Request;
    use hyper::body::Incoming as Body;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;
    use crate::websocket::SocketMetrics;
    use crate::websocket::{Decoder, Incoming, Socket, encode};

    fn request(headers: &[(&str, &str)]) -> Parts {
        let request = headers.iter().fold(Request::builder(), |r, (name, v)| r.header(*name, *v));
        request.body(()).expect("a request").into_parts().0
    }

    const VALID: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    #[test]
    fn the_accept_key_matches_the_example_of_rfc_6455() {
        assert_eq!(accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn an_invalid_handshake_is_refused() {
        for (name, value, refused) in [
            ("connection", "close", HandshakeError::NotAsked),
            ("upgrade", "h2c", HandshakeError::NotAsked),
            ("sec-websocket-version", "8", HandshakeError::Version),
            ("sec-websocket-key", "c2hvcnQ=", HandshakeError::NotAsked),
        ] {
            let changed = VALID.map(|(n, v)| if n == name { (n, value) } else { (n, v) });
            let result = Handshake::read(&mut request(&changed));
            assert_eq!(result.err(), Some(refused), "{name}");
        }
        assert_eq!(HandshakeError::Version.status(), 426);
        assert_eq!(HandshakeError::Version.headers()[SEC_WEBSOCKET_VERSION], "13");
    }

    /// Echoes one message.
    async fn serve(request: Request<Body>) -> Result<Response<String>, Infallible> {
        let (mut parts, _) = request.into_parts();
        let handshake = match Handshake::read(&mut parts) {
            Ok(handshake) => handshake,
            Err(refused) => panic!("{refused:?}"),
        };
        let protocol = handshake.choose_protocol(&["one", "two"]);
        let (response, upgrade) = handshake.accept(protocol);
        #[expect(
            clippy::disallowed_methods,
            reason = "the stream is available after the response"
        )]
        drop(tokio::spawn(async move {
            let (stream, early) = upgrade.stream().await.expect("a stream");
            assert!(matches!(stream, Stream::Other(_)), "no TCP here");
            let socket = Socket::new(stream, &SocketMetrics::default());
            let mut decoder = Decoder::default();
            socket.start_with(None);
            decoder.feed(&early);
            let message = loop {
                match decoder.next() {
                    Some(message) => break message,
                    None => assert!(poll_fn(|cx| socket.poll_read(cx, &mut decoder)).await),
                }
            };
            assert_eq!(message, Incoming::Text("Hello".to_owned()));
            socket.write(&encode::text(b"Hello"));
            socket.close(None);
            socket.finish(Duration::ZERO).await;
        }));
        Ok(response.map(|()| String::new()))
    }

    #[tokio::test]
    async fn a_stream_other_than_tcp_is_upgraded_too() {
        let (near, mut far) = duplex(64);
        let service = service_fn(serve);
        let serving =
            http1::Builder::new().serve_connection(TokioIo::new(near), service).with_upgrades();
        let client = async {
            let mut request = "GET / HTTP/1.1\r\nhost: x\r\n".to_owned();
            for (name, value) in VALID.into_iter().chain([("sec-websocket-protocol", "x, two")]) {
                request.extend([name, ": ", value, "\r\n"]);
            }
            let mut bytes = (request + "\r\n").into_bytes();
            // A frame in the same write as the request, without waiting for the response.
            bytes.extend([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
            far.write_all(&bytes).await.expect("written");
            let mut response = Vec::new();
            far.read_to_end(&mut response).await.expect("an orderly close");
            response
        };
        let (served, response) = tokio::join!(serving, client);
        served.expect("served");
        let text = String::from_utf8_lossy(&response).into_owned();
        assert!(text.starts_with("HTTP/1.1 101 "), "{text}");
        assert!(text.contains("sec-websocket-protocol: two\r\n"), "{text}");
        assert!(response.ends_with(&[&encode::text(b"Hello")[..], &encode::close(None)].concat()));
    }
}
