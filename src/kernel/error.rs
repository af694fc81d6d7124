//! Errors that are not the client's fault.

use std::time::Duration;

/// A failure of the server. Its text is for the log and must not reach a client.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A bounded queue is full, or the database is unavailable. The client may retry after the given time.
    #[error("overloaded")]
    Unavailable { retry_after: Duration },
    /// The disk is full or not writable. Nothing was changed. The client may retry after the given time.
    #[error("the disk is full or not writable")]
    StorageFull { retry_after: Duration },
    /// Any other error.
    #[error("{0}")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ServiceError {
    pub fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }
}
