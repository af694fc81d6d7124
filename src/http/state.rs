//! The application state: the services that handlers ask for by type, as `State<Rooms>`.
//!
//! Neither the database nor the hub is a service, so no handler can bypass the rules of `chat`.

use std::sync::Arc;

use axum::extract::FromRef;

use super::admission::Admission;
use super::health::Readiness;
use super::metrics::Metrics;
use super::rate_limit::RateLimiter;
use super::site::SiteInfo;
use crate::chat::accounts::{Accounts, AvatarEncoder};
use crate::chat::audit::Audit;
use crate::chat::doorbell::Doorbell;
use crate::chat::drafts::Drafts;
use crate::chat::emoji::CustomEmoji;
use crate::chat::files::Files;
use crate::chat::link_previews::LinkPreviews;
use crate::chat::messages::Messages;
use crate::chat::nodes::Nodes;
use crate::chat::presence::Presence;
use crate::chat::rooms::Rooms;
use crate::chat::saved::SavedMessages;
use crate::chat::search::Search;
use crate::chat::sync::Sync;
use crate::http::request::csrf::ProxyWarnings;
use crate::http::request::uploads::Uploads;
use crate::http::response::pending_answers::PendingAnswers;
use crate::jobs::Jobs;
use crate::kernel::{Clock, Random};

/// Clones share the services and are cheap: every request makes a few.
#[derive(Clone)]
pub struct AppState(Arc<Services>);

impl AppState {
    /// Returns a service, for code that is not a handler.
    pub fn service<T: FromRef<Self>>(&self) -> T {
        T::from_ref(self)
    }
}

impl From<Services> for AppState {
    fn from(services: Services) -> Self {
        Self(Arc::new(services))
    }
}

/// Declares the services and how [`AppState`] provides each of them. A clone of a service costs a few
/// reference counts.
macro_rules! services {
    ($($field:ident: $service:ty,)*) => {
        /// All services, for the server, which builds them.
        pub struct Services {
            $(pub $field: $service,)*
        }

        $(impl FromRef<AppState> for $service {
            fn from_ref(AppState(services): &AppState) -> Self {
                services.$field.clone()
            }
        })*
    };
}

/// Implements `FromRef<AppState>` for a struct of services, so that a handler can ask for them together.
macro_rules! from_state {
    ($group:ident { $($field:ident),* }) => {
        impl ::axum::extract::FromRef<$crate::http::AppState> for $group {
            fn from_ref(state: &$crate::http::AppState) -> Self {
                Self { $($field: ::axum::extract::FromRef::from_ref(state)),* }
            }
        }
    };
}
pub(crate) use from_state;

services! {
    accounts: Accounts,
    admission: Admission,
    audit: Audit,
    avatars: AvatarEncoder,
    clock: Clock,
    doorbell: Doorbell,
    drafts: Drafts,
    emoji: CustomEmoji,
    files: Files,
    jobs: Jobs,
    link_previews: LinkPreviews,
    messages: Messages,
    metrics: Arc<Metrics>,
    nodes: Nodes,
    pending_answers: PendingAnswers,
    presence: Presence,
    proxy_warnings: Arc<ProxyWarnings>,
    random: Random,
    rate_limiter: RateLimiter,
    readiness: Readiness,
    rooms: Rooms,
    saved: SavedMessages,
    search: Search,
    site: Arc<SiteInfo>,
    sync: Sync,
    uploads: Uploads,
}
