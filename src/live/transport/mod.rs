//! The `WebSocket` protocol, server side (RFC 6455), made for few bytes of memory and for writing the same
//! frame to many sockets.
//!
//! `handshake` turns an HTTP request into a byte stream; `frame` and `parser` are the
//! framing, plain functions over bytes; `stream` is TCP or whatever else carries bytes both
//! ways; a [`Line`] is one socket with its one writer. Knows nothing of topics, people or chat.

pub mod frame;
pub mod handshake;
mod line;
pub mod parser;
mod queue;
mod stream;

pub use line::{Beats, Line};
pub use parser::{Incoming, Parser};
pub use stream::Stream;
