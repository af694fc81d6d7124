//! What all requests may know about this installation.

use std::sync::{Arc, LazyLock};

use serde_json::Value;

use crate::config::{BaseUrl, Networks};
use crate::kernel::Timestamp;

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
