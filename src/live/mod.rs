//! Carries what happens to whoever is connected: events by topic, each encoded once per form and
//! written straight to the sockets.
//!
//! A [`Hub`] is where events are published; its one task (`board`) knows who listens to what and
//! writes; a [`Connection`] is one client's end of it, used by the task that serves this client;
//! [`transport`] is the WebSocket below. Knows nothing of chat or HTML: topics and events are
//! opaque, and how an event becomes bytes is handed in. Nothing here is the only copy of anything:
//! who misses an event asks the database.

mod board;
mod connection;
mod delivery;
mod hub;
mod meters;
mod peer;
#[cfg(test)]
mod tests;
pub mod transport;

pub use connection::{Attendant, Connection, Input};
pub use delivery::{Encode, Form, Standing};
pub use hub::{Hub, Words};
pub use meters::Meters;
