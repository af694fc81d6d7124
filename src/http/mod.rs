//! What pages, API and sockets need alike: who asks and from where, in which language, what they
//! may do, and how a refusal travels.
//!
//! Knows no page and no JSON shape.

pub mod body;
mod catalogue;
pub mod client;
pub mod cookies;
pub mod deadline;
pub mod encoding;
mod forwarded;
pub mod headers;
pub mod health;
mod kept_text;
pub mod language;
pub mod metrics;
pub mod origin;
pub mod problem;
pub mod rate_limit;
pub mod rights;
pub mod server;
pub mod site;
pub mod target;
pub mod theme;
pub mod unread;
pub mod uploads;

pub use body::{FormBody, JsonBody, MessageForm, MessageJson, PathId, Query};
pub use client::Client;
pub use kept_text::KeptText;
pub use language::Language;
pub use problem::Problem;
pub use rights::{CanAmend, CanChange, CanDelete, CanModerate, CanPost, CanRead, CanSee, Viewer};
pub use site::Site;
pub use theme::Theme;
