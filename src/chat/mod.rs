//! The domain of Patio: users, rooms, messages, presence. It contains the rules, the transactions and
//! the events.
//!
//! This module knows nothing of HTTP, pages or sockets. In each feature, `model.rs` has types that are
//! valid by construction, `store.rs` the SQL, and `mod.rs` the operations. An operation that changes
//! data commits first and then publishes to the hub of [`events`].

pub mod accounts;
pub mod audit;
pub mod commands;
pub mod doorbell;
pub mod drafts;
pub mod emoji;
pub mod events;
pub mod files;
pub mod link_previews;
pub mod messages;
pub mod names;
pub mod nodes;
pub mod presence;
pub mod rooms;
pub mod saved;
pub mod search;
pub mod sync;
