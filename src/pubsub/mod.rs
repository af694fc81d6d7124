//! Publish/subscribe for live connections: each event is encoded once per encoding and written directly to
//! the sockets.
//!
//! A [`Hub`] is the public interface. One task, the dispatcher, owns all subscriptions and writes to the
//! sockets. A [`Connection`] is used by the task that serves one client. The module must not know about
//! chat or HTML: channels and events are opaque, and the caller passes the encoder. Nothing here is the
//! only copy of any data: a client that misses an event reads it from the database.

pub mod bus;
mod command;
mod connection;
mod dispatcher;
mod hub;
mod inbox;
mod outbox;
mod recent;
mod shedding;
mod subscriber;
#[cfg(test)]
mod tests;

pub use command::Protocol;
pub use connection::{Connection, Received, WriteDriver};
pub use hub::Hub;
pub use recent::Moment;
pub use subscriber::{CatchUp, Encode, Encoding};
