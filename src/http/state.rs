//! The application state that every handler receives.

use std::ops::Deref;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use super::health::Readiness;
use super::metrics::Requests;
use super::rate_limit::RateLimiter;
use crate::chat::accounts::{Accounts, AvatarEncoder};
use crate::chat::audit::Audit;
use crate::chat::events::EventHub;
use crate::chat::messages::Messages;
use crate::chat::presence::Presence;
use crate::chat::rooms::Rooms;
use crate::chat::search::Search;
use crate::chat::sync::Sync;
use crate::config::{BaseUrl, MetricsToken, Networks};
use crate::db::{Db, EpochGuard};
use crate::http::request::csrf::UnclearWarnings;
use crate::http::request::uploads::Uploads;
use crate::http::response::pending_answers::PendingAnswers;
use crate::jobs::Jobs;
use crate::kernel::{Clock, Random, Timestamp};
use crate::lifecycle::Lifecycle;

/// Clones share the state and are cheap: every request makes a few.
#[derive(Clone)]
pub struct AppState(Arc<Services>);

pub struct Services {
    pub accounts: Accounts,
    pub avatars: AvatarEncoder,
    pub rooms: Rooms,
    pub messages: Messages,
    pub search: Search,
    pub presence: Presence,
    pub meanwhile: Sync,
    pub jobs: Jobs,
    pub audit: Audit,
    pub bell: EventHub,
    pub db: Db,
    /// The epoch. A client that knows another one must discard what it knows.
    pub history: EpochGuard,
    pub clock: Clock,
    pub random: Random,
    pub lifecycle: Lifecycle,
    pub rates: RateLimiter,
    pub requests: Requests,
    pub uploads: Uploads,
    pub unread: PendingAnswers,
    pub notices: UnclearWarnings,
    pub readiness: Readiness,
    pub about: SiteInfo,
}

impl From<Services> for AppState {
    fn from(services: Services) -> Self {
        Self(Arc::new(services))
    }
}

impl Deref for AppState {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

/// Values that do not change while the server runs.
pub struct SiteInfo {
    pub name: String,
    /// When the installation was created. Unlike the epoch, it survives a restore and an import.
    pub founded: Timestamp,
    pub base_url: Option<BaseUrl>,
    pub trusted_proxies: Networks,
    /// The token for `/metrics`. Without it, only this machine may read them.
    pub metrics_token: Option<MetricsToken>,
    /// The reference of the JSON API (`OpenAPI` 3.1), which the API serves and a page shows. Generated on the
    /// first request.
    pub reference: LazyLock<Arc<Value>>,
}
