//! What goes wrong through no fault of the person who asked.

use std::time::Duration;

/// A failure on our side. Its text is for the log, never for a client.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A bounded queue is full, or the database does not answer: worth another try after the given
    /// time.
    #[error("too busy")]
    Unavailable { retry_after: Duration },
    /// The disk is full or cannot be written to. Nothing was changed; worth another try later.
    #[error("the disk is full or cannot be written to")]
    StorageFull { retry_after: Duration },
    /// Everything else.
    #[error("{0}")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ServiceError {
    pub fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }
}
