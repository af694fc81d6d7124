//! From an HTTP request to a WebSocket (RFC 6455, section 4.2).

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
/// The standard's own: it proves that the server speaks WebSocket and no cache answers.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A request that may become a WebSocket.
pub struct Handshake {
    accept: String,
    offered: Vec<String>,
    upgrade: Upgrade,
}

/// Takes the TCP connection, and what was read too early, out of what the server has it in. The server
/// puts it beside each request.
#[derive(Clone, Copy)]
pub struct PlainTcp(pub fn(Upgraded) -> Result<(TcpStream, Bytes), Upgraded>);

/// Why a request cannot become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeError {
    /// It does not ask for it, or not as the standard says.
    NotAsked,
    /// It asks in another version of the protocol.
    Version,
}

impl HandshakeError {
    /// The status that says so.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NotAsked => StatusCode::BAD_REQUEST,
            Self::Version => StatusCode::UPGRADE_REQUIRED,
        }
    }

    /// The headers that belong to the status.
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
    /// # Errors
    /// When the request asks for no WebSocket, or in a way that is none.
    pub fn read(parts: &mut Parts) -> Result<Self, HandshakeError> {
        let headers = &parts.headers;
        let asked = parts.method == Method::GET
            && names(headers, &CONNECTION, "upgrade")
            && names(headers, &UPGRADE, "websocket");
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
        // Only a connection of HTTP/1.1 can be taken over.
        let upgrade = parts.extensions.remove::<OnUpgrade>().ok_or(HandshakeError::NotAsked)?;
        let plain = parts.extensions.get::<PlainTcp>().copied();
        Ok(Self { accept, offered, upgrade: Upgrade { upgrade, plain } })
    }

    /// The first subprotocol of the client's that is among ours.
    pub fn choose_protocol(&self, ours: &[&'static str]) -> Option<&'static str> {
        let find = |name: &String| ours.iter().find(|our| *our == name).copied();
        self.offered.iter().find_map(find)
    }

    /// The answer, and what becomes the stream once it is sent.
    pub fn accept(self, protocol: Option<&'static str>) -> (Response<()>, Upgrade) {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        // Base64 is always a header's value.
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

/// A connection that is about to be taken over.
pub struct Upgrade {
    upgrade: OnUpgrade,
    plain: Option<PlainTcp>,
}

impl Upgrade {
    /// The stream, and what the client sent so early that it was read with the request. Plain TCP
    /// is taken out of the server's wrapping, which frees what that holds; anything else is used
    /// through it.
    ///
    /// # Errors
    /// When the connection broke before.
    pub async fn stream(self) -> Result<(Stream, Bytes), hyper::Error> {
        let upgraded = self.upgrade.await?;
        let upgraded = match self.plain {
            Some(PlainTcp(take_out)) => match take_out(upgraded) {
                Ok((stream, early)) => return Ok((Stream::tcp(stream), early)),
                Err(upgraded) => upgraded,
            },
            None => upgraded,
        };
        Ok((Stream::other(TokioIo::<Upgraded>::new(upgraded)), Bytes::new()))
    }
}

/// The proof that the key was read.
fn accept_key(key: &[u8]) -> String {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    STANDARD.encode(digest)
}

/// The words of a header that is a list, over all its lines.
fn header_tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

fn names(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    header_tokens(headers, name).any(|found| found.eq_ignore_ascii_case(word))
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

    const ASKING: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    #[test]
    fn the_key_is_answered_as_in_the_standard() {
        assert_eq!(accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_request_that_does_not_ask_for_it_properly_is_refused() {
        for (name, value, refused) in [
            ("connection", "close", HandshakeError::NotAsked),
            ("upgrade", "h2c", HandshakeError::NotAsked),
            ("sec-websocket-version", "8", HandshakeError::Version),
            ("sec-websocket-key", "c2hvcnQ=", HandshakeError::NotAsked),
        ] {
            let changed = ASKING.map(|(n, v)| if n == name { (n, value) } else { (n, v) });
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
        #[expect(clippy::disallowed_methods, reason = "the stream comes after the answer")]
        drop(tokio::spawn(async move {
            let (stream, early) = upgrade.stream().await.expect("a stream");
            assert!(matches!(stream, Stream::Other(_)), "no TCP here");
            let (line, mut parser) =
                (Socket::new(stream, &SocketMetrics::default()), Decoder::default());
            line.start_with(None);
            parser.feed(&early);
            let message = loop {
                match parser.next() {
                    Some(message) => break message,
                    None => assert!(poll_fn(|cx| line.poll_read(cx, &mut parser)).await),
                }
            };
            assert_eq!(message, Incoming::Text("Hello".to_owned()));
            line.write(&encode::text(b"Hello"));
            line.close(None);
            line.finish(Duration::ZERO).await;
        }));
        Ok(response.map(|()| String::new()))
    }

    #[tokio::test]
    async fn a_stream_that_is_no_tcp_becomes_a_websocket_too() {
        let (near, mut far) = duplex(64);
        let service = service_fn(serve);
        let serving =
            http1::Builder::new().serve_connection(TokioIo::new(near), service).with_upgrades();
        let talking = async {
            let mut asking = "GET / HTTP/1.1\r\nhost: x\r\n".to_owned();
            for (name, value) in ASKING.into_iter().chain([("sec-websocket-protocol", "x, two")]) {
                asking.extend([name, ": ", value, "\r\n"]);
            }
            let mut bytes = (asking + "\r\n").into_bytes();
            // With the request, without waiting for the answer.
            bytes.extend([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
            far.write_all(&bytes).await.expect("written");
            let mut answer = Vec::new();
            far.read_to_end(&mut answer).await.expect("an orderly end");
            answer
        };
        let (served, answer) = tokio::join!(serving, talking);
        served.expect("served");
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert!(text.starts_with("HTTP/1.1 101 "), "{text}");
        assert!(text.contains("sec-websocket-protocol: two\r\n"), "{text}");
        assert!(answer.ends_with(&[&encode::text(b"Hello")[..], &encode::close(None)].concat()));
    }
}
