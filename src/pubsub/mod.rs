//! Publish/subscribe to whoever is connected: each event is encoded once per encoding and written straight
//! to the sockets.
//!
//! A [`Hub`] is the entrance; one task, the dispatcher, knows who subscribes to which channel and writes; a
//! [`Connection`] is one client's end, used by the task that serves the client. Knows nothing of chat or
//! HTML: channels and events are opaque, and the encoder is handed in. Nothing here is the only copy of
//! anything: a client that misses an event asks the database.

mod command;
mod connection;
mod dispatcher;
mod hub;
mod inbox;
mod outbox;
mod subscriber;
#[cfg(test)]
mod tests;

pub use command::Protocol;
pub use connection::{Connection, Received, WriteDriver};
pub use hub::Hub;
pub use subscriber::{CatchUp, Encode, Encoding};
