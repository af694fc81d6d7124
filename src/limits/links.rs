//! Limits on what users make Patio fetch from other servers.

use std::time::Duration;

/// Requests to other servers, whose address a user chose.
pub mod outgoing {
    use super::Duration;

    /// Concurrent requests.
    pub const AT_ONCE: usize = 8;
    /// Time for a request with all its redirects, from the name to the last byte of the body.
    pub const DEADLINE: Duration = Duration::from_secs(5);
    /// Redirects that are followed.
    pub const REDIRECTS: usize = 3;
    /// The head of a response.
    pub const HEAD_BYTES: usize = 64 * 1024;
}

/// Link previews.
pub mod link_preview {
    use super::Duration;

    /// Links of a message that get a preview.
    pub const PER_MESSAGE: usize = 3;
    /// Bytes of an address; a longer one gets no preview.
    pub const ADDRESS: usize = 2_048;
    /// Addresses that the messages of one user make Patio fetch in a minute, over all processes. `RATE_LIMIT=off`
    /// lifts it.
    pub const PER_MINUTE: i64 = 30;
    /// Addresses that are fetched in an hour, over all users and processes. `RATE_LIMIT=off` lifts it.
    pub const PER_HOUR: i64 = 1_000;
    /// How long what was found at an address is used for other messages.
    pub const KEPT: Duration = Duration::from_hours(7 * 24);
    /// How long an address without a preview is not fetched again.
    pub const FAILURE_KEPT: Duration = Duration::from_hours(1);
    /// Messages whose links are fetched at the same time.
    pub const AT_ONCE: usize = 4;
    /// Bytes of a page; what is behind them is not read.
    pub const PAGE_BYTES: usize = 512 * 1024;
    /// Bytes of a picture.
    pub const PICTURE_BYTES: usize = 5 * 1024 * 1024;
    /// Bytes of a picture after it is made small.
    pub const IMAGE_BYTES: usize = 64 * 1024;
    /// Tags and texts of a page that are read.
    pub const TOKENS: usize = 6_000;
    /// Properties of a page that are kept while it is read.
    pub const PROPERTIES: usize = 40;
    /// Characters of a title.
    pub const TITLE: usize = 200;
    /// Characters of a text.
    pub const TEXT: usize = 300;
    /// Characters of the name of a site.
    pub const SITE: usize = 60;
}
