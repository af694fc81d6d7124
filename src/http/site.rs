//! The parts that a request may use, handed to every handler.

use std::sync::Arc;

use serde_json::Value;

use super::limits::Throttle;
use super::metrics::Requests;
use crate::chat::accounts::Accounts;
use crate::chat::events::Bell;
use crate::chat::jobs::Jobs;
use crate::chat::messages::Messages;
use crate::chat::presence::Presence;
use crate::chat::rooms::Rooms;
use crate::chat::search::Search;
use crate::config::{BaseUrl, MetricsToken, Networks};
use crate::db::Db;
use crate::kernel::{Clock, Random};
use crate::lifecycle::Lifecycle;

#[derive(Clone)]
pub struct Site {
    pub accounts: Accounts,
    pub rooms: Rooms,
    pub messages: Messages,
    pub search: Search,
    pub presence: Presence,
    pub jobs: Jobs,
    pub bell: Bell,
    pub db: Db,
    pub clock: Clock,
    pub random: Random,
    pub lifecycle: Lifecycle,
    pub throttle: Throttle,
    pub requests: Requests,
    pub about: Arc<About>,
}

/// What does not change while the server runs.
pub struct About {
    pub name: String,
    /// Names this installation's history; another one means that what a client remembers is void.
    pub epoch: String,
    pub base_url: Option<BaseUrl>,
    pub trusted_proxies: Networks,
    /// What opens the metrics; without it they are for this machine alone.
    pub metrics_token: Option<MetricsToken>,
    /// The reference of the JSON API (`OpenAPI` 3.1), which the API serves and a page shows.
    pub reference: Arc<Value>,
}
