//! The application state: the services that handlers ask for by type, as `State<Rooms>`.
//!
//! Neither the database nor the hub is a service, so no handler can bypass the rules of `chat`.

use std::sync::{Arc, LazyLock};

use axum::extract::FromRef;
use serde_json::Value;

use super::health::Readiness;
use super::metrics::Metrics;
use super::rate_limit::RateLimiter;
use crate::chat::accounts::{Accounts, AvatarEncoder};
use crate::chat::audit::Audit;
use crate::chat::messages::Messages;
use crate::chat::presence::Presence;
use crate::chat::rooms::Rooms;
use crate::chat::search::Search;
use crate::chat::sync::Sync;
use crate::config::{BaseUrl, Networks};
use crate::http::request::csrf::ProxyWarnings;
use crate::http::request::uploads::Uploads;
use crate::http::response::pending_answers::PendingAnswers;
use crate::jobs::Jobs;
use crate::kernel::{Clock, Random, Timestamp};

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

services! {
    accounts: Accounts,
    audit: Audit,
    avatars: AvatarEncoder,
    clock: Clock,
    jobs: Jobs,
    messages: Messages,
    metrics: Arc<Metrics>,
    pending_answers: PendingAnswers,
    presence: Presence,
    proxy_warnings: Arc<ProxyWarnings>,
    random: Random,
    rate_limiter: RateLimiter,
    readiness: Readiness,
    rooms: Rooms,
    search: Search,
    site: Arc<SiteInfo>,
    sync: Sync,
    uploads: Uploads,
}

impl std::ops::Deref for AppState {
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
    /// The reference of the JSON API (`OpenAPI` 3.1), which the API serves and a page shows. Generated on the
    /// first request.
    pub reference: LazyLock<Arc<Value>>,
}
