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
