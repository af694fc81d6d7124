//! Carries what happens to whoever is connected: events by topic, each encoded once per form and
//! written straight to the sockets.
//!
//! A [`Hub`] is where events are published; its one task (`board`) knows who listens to what and
//! writes; a [`Connection`] is one client's end of it, used by the task that serves this client;
//! [`transport`] is the WebSocket below. Knows nothing of chat or HTML: topics and events are
//! opaque, and how an event becomes bytes is handed in. Nothing here is the only copy of anything:
//! who misses an event asks the database.

mod connection;
mod dispatcher;
mod hub;
mod outbox;
mod subscriber;
#[cfg(test)]
mod tests;

pub use connection::{Connection, Received, WriteDriver};
pub use hub::{Hub, Protocol};
pub use subscriber::{CatchUp, Encode, Encoding};
