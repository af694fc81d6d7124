//! The `WebSocket` protocol, server side (RFC 6455), made for few bytes of memory and for writing the same
//! frame to many sockets.
//!
//! `handshake` turns an HTTP request into a byte stream; `frame` and `parser` are the
//! framing, plain functions over bytes; `stream` is TCP or whatever else carries bytes both
//! ways; a [`Line`] is one socket with its one writer. Knows nothing of topics, people or chat.

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
