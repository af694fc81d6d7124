//! What pages, API and sockets need alike: who asks and from where, in which language, what they
//! may do, and how a refusal travels.
//!
//! Knows no page and no JSON shape.

pub mod cookies;
pub mod health;
pub mod listener;
pub mod locale;
pub mod metrics;
pub mod rate_limit;
pub mod request;
pub mod response;
pub mod state;
pub mod theme;

pub use crate::i18n::Language;
pub use request::auth::{
    CanChange, CanDelete, CanEdit, CanModerate, CanPost, CanRead, CanReadMessage, Viewer,
};
pub use request::client_info::ClientInfo;
pub use request::draft_origin::DraftOrigin;
pub use request::extract::{FormBody, JsonBody, MessageForm, MessageJson, PathId, Query};
pub use response::problem::Problem;
pub use state::AppState;
pub use theme::Theme;
