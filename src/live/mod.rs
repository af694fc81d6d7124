//! Carries what happens to whoever is connected: events by topic, each encoded once per form.
//!
//! Knows nothing of chat, HTTP or HTML: topics and events are opaque, and how an event becomes
//! bytes is handed in. Nothing here is the only copy of anything: who misses an event asks the
//! database.

mod hub;

pub use hub::{Connection, Delivery, Encode, Form, Hub};
