//! The server side of the `WebSocket` protocol (RFC 6455). Designed to use little memory per connection and
//! to write the same frame to many sockets.
//!
//! `handshake` turns an HTTP request into a byte stream. `encode` and `decode` are the framing, without I/O.
//! `stream` is a TCP connection or another byte stream. A [`Socket`] is one connection with its send queue.
//! The module must not know about channels, users or chat.

pub mod decode;
pub mod encode;
pub mod handshake;
mod metrics;
mod send_queue;
mod socket;
mod stream;

pub use decode::{Decoder, Incoming};
pub use metrics::{SHED_THRESHOLD, SocketMetrics};
pub use socket::{IdleBeats, Socket};
pub use stream::Stream;
