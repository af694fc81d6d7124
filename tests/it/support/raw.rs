//! A live connection byte by byte, for input that no `WebSocket` library sends and for clients that do
//! not read.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::{Api, within};

const MASK: [u8; 4] = [1, 2, 3, 4];

pub struct Raw(TcpStream);

impl Raw {
    /// Connects with the smallest receive buffer that the system allows, and completes the handshake.
    pub async fn open(address: std::net::SocketAddr, user: &Api) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small buffer");
        let mut stream = socket.connect(address).await.expect("a connection");
        let request = format!(
            "GET /api/v1/live HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            user.token()
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        let handshake = async {
            while !answer.ends_with(b"\r\n\r\n") {
                answer.push(stream.read_u8().await.expect("an answer"));
            }
        };
        within("the handshake is complete", handshake).await;
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
        Self(stream)
    }

    /// A masked frame whose first byte is `first`.
    pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let short = u8::try_from(payload.len()).expect("a short payload");
        assert!(short < 126, "a short payload");
        let masked = payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key);
        [first, 0x80 | short].into_iter().chain(MASK).chain(masked).collect()
    }

    /// Returns false if the server has closed the connection.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok()
    }

    /// Reads and discards this many bytes.
    pub async fn read(&mut self, bytes: usize) {
        let mut buffer = vec![0; bytes];
        within("the bytes arrive", self.0.read_exact(&mut buffer)).await.expect("bytes");
    }

    /// The opcode and payload of the next frame.
    pub async fn next(&mut self) -> (u8, Vec<u8>) {
        within("a frame arrives", self.read_frame()).await
    }

    async fn read_frame(&mut self) -> (u8, Vec<u8>) {
        let first = self.0.read_u8().await.expect("a frame");
        let length = match self.0.read_u8().await.expect("a length") {
            126 => usize::from(self.0.read_u16().await.expect("a length")),
            127 => usize::try_from(self.0.read_u64().await.expect("a length")).expect("small"),
            short => usize::from(short),
        };
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload).await.expect("a payload");
        (first & 0xf, payload)
    }

    /// The close code of the server.
    pub async fn closed(&mut self) -> u16 {
        loop {
            if let (8, payload) = self.next().await {
                return u16::from_be_bytes([payload[0], payload[1]]);
            }
        }
    }
}
