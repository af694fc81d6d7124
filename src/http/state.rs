//! The parts that a request may use, handed to every handler.

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

/// Clones are the same site: every request makes a handful.
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
    /// Its name, the epoch, tells clients whether what they remember is void.
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
    fn from(parts: Services) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for AppState {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

/// What does not change while the server runs.
pub struct SiteInfo {
    pub name: String,
    /// When the installation began. Unlike the epoch it survives a restore and an import.
    pub founded: Timestamp,
    pub base_url: Option<BaseUrl>,
    pub trusted_proxies: Networks,
    /// What opens the metrics; without it they are for this machine alone.
    pub metrics_token: Option<MetricsToken>,
    /// The reference of the JSON API (`OpenAPI` 3.1), which the API serves and a page shows; made
    /// when somebody asks for it.
    pub reference: LazyLock<Arc<Value>>,
}
