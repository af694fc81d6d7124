//! What pages, API and sockets need alike: who asks and from where, in which language, what they
//! may do, and how a refusal travels.
//!
//! Knows no page and no JSON shape.

pub mod auth;
pub mod client_info;
pub mod cookies;
pub mod csrf;
mod draft_origin;
pub mod encoding;
pub mod extract;
mod forwarded;
pub mod health;
pub mod listener;
pub mod locale;
pub mod metrics;
pub mod pending_answers;
pub mod problem;
pub mod rate_limit;
pub mod security_headers;
pub mod state;
pub mod target;
pub mod theme;
pub mod timeout;
pub mod uploads;

pub use crate::i18n::Language;
pub use auth::{
    CanChange, CanDelete, CanEdit, CanModerate, CanPost, CanRead, CanReadMessage, Viewer,
};
pub use client_info::ClientInfo;
pub use draft_origin::DraftOrigin;
pub use extract::{FormBody, JsonBody, MessageForm, MessageJson, PathId, Query};
pub use problem::Problem;
pub use state::AppState;
pub use theme::Theme;
