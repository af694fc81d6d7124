//! Random bytes for secrets and new ids. Passed in like the clock, so that tests control them.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A cryptographically secure source of random bytes.
#[derive(Clone)]
pub struct Random(Arc<Fill>);

type Fill = dyn Fn(&mut [u8]) + Send + Sync;

impl Random {
    /// Uses the operating system's generator.
    ///
    /// # Panics
    /// If the operating system has none: without it no secret is safe.
    pub fn system() -> Self {
        Self(Arc::new(|bytes| {
            getrandom::fill(bytes).expect("BUG: the operating system gives no random bytes");
        }))
    }

    /// Returns 256 random bits as 43 characters that are safe in URLs, cookies and headers.
    pub fn secret(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }

    /// Returns 128 random bits as 22 characters, in the format of a session's id.
    pub fn session_id(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<16>())
    }

    /// Returns 96 random bits as a short text, for values that must be unique but not secret.
    pub fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<12>())
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }
}
