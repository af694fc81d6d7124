//! The HTTP layer that pages, API and live connections share: authentication, client address, language,
//! permissions, rate limits, and error responses.
//!
//! Must not know a page or a JSON shape.

pub mod access_log;
pub mod admission;
pub mod cookies;
pub mod files;
pub mod health;
pub mod listener;
pub mod locale;
pub mod metrics;
pub mod preferences;
pub mod rate_limit;
pub mod request;
pub mod response;
pub mod sessions;
pub mod site;
pub mod state;

pub use crate::i18n::Language;
pub use request::auth::{
    CanChange, CanDelete, CanEdit, CanModerate, CanPin, CanPost, CanRead, CanReadFile,
    CanReadMessage, Viewer,
};
pub use request::client_info::ClientInfo;
pub use request::draft_origin::DraftOrigin;
pub use request::extract::{
    DraftForm, FormBody, JsonBody, MessageForm, MessageJson, PathId, Query,
};
pub use response::problem::Problem;
pub use state::AppState;
