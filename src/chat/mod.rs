//! What Patio is: people, rooms, messages and who is there. Rules, transactions, events.
//!
//! Knows no HTTP, no page and no socket. In each feature `model.rs` has the types that cannot be
//! wrong, `store.rs` the SQL, `mod.rs` the verbs; a verb that changes something commits first and
//! rings the bell of [`events`] afterwards.

pub mod accounts;
pub mod audit;
pub mod commands;
pub mod events;
pub mod messages;
pub mod names;
pub mod presence;
pub mod rooms;
pub mod search;
pub mod sync;
