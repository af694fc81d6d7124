//! What attempts are counted by.

use std::fmt::{self, Display};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::kernel::ServiceError;
use crate::limits::Rate;

/// Names a bucket. A hash, so that what is stored shows neither addresses nor names.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BucketKey([u8; 32]);

impl BucketKey {
    /// As it is stored.
    pub(super) fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Debug for BucketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BucketKey(…)")
    }
}

/// A bucket of tokens, and how fast it fills.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    pub(super) key: BucketKey,
    pub(super) rate: Rate,
}

impl Bucket {
    /// `kind` says what is counted, `of` whose it is: a network, an account, a device.
    pub fn new(kind: &str, of: impl Display, rate: Rate) -> Self {
        Self { key: BucketKey(Sha256::digest(format!("{kind} {of}")).into()), rate }
    }
}

/// What attempts lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub(super) Vec<Duration>);

impl Refusal {
    /// The time until each bucket has a token, zero if it has one. In the order in which they were given.
    pub fn waits(&self) -> &[Duration] {
        &self.0
    }

    /// The time until all have one.
    pub fn wait(&self) -> Duration {
        self.0.iter().copied().max().unwrap_or_default()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    #[error("too many attempts")]
    Refused(Refusal),
    #[error(transparent)]
    Service(#[from] ServiceError),
}
