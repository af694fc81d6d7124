//! Which transactions of a database server may still become visible.

/// The writing transactions of the server at one moment, as numbers that only grow. A transaction gets its number when it
/// first writes or locks a row.
#[derive(Clone, Copy, Debug)]
pub(in crate::chat::messages) struct RunningTransactions {
    /// All with a lower number have ended.
    pub oldest: i64,
    /// All that had a number have a lower one.
    pub next: i64,
}
