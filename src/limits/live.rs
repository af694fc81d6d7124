//! Limits on what all live connections of a process do together.

use std::time::Duration;

/// Clients that come back: all of them at once, if the Patio that they were connected to died. Each asks the database
/// for the first frames of its connection, or of its page where it polls.
pub mod greeting {
    use super::Duration;

    /// Clients that ask the database at the same time, or half of its connections if that is less, as it is now: 4 on
    /// `PostgreSQL`, 2 on `SQLite`. The other half stays free for those who post and read.
    pub const AT_ONCE: usize = 32;
    /// Clients that ask or wait. A second's work; more get a 503 and come again.
    pub const PLACES: usize = 1_024;
    /// Places that the clients of an address (IPv6: a /64) have for sure. More only while the line is less than half
    /// full.
    pub const OF_A_NETWORK: usize = 256;
    /// How long a client waits for each of its turns, to sign in and to be greeted. Then it gets a 503, or its open
    /// connection is closed. Shorter than pages wait for a connection (5 seconds).
    pub const TURN_WITHIN: Duration = Duration::from_secs(3);
    /// `Retry-After` of that 503.
    pub const RETRY_AFTER: Duration = Duration::from_secs(2);
}

/// Read markers that arrive over live connections, which one process gathers.
pub mod read_marks {
    use super::Duration;

    /// How often read markers of live connections are stored. The first after a pause, and those that someone waits
    /// for, are stored at once.
    pub const EVERY: Duration = Duration::from_millis(250);
    /// Markers of different users and rooms that wait. One more is stored at once.
    pub const WAITING: usize = 4_096;
    /// Markers that are stored in one transaction.
    pub const TOGETHER: usize = 512;
    /// How long a page or a greeting waits for the markers of its user. Then it shows what is stored.
    pub const SETTLED_WITHIN: Duration = Duration::from_secs(5);
}
