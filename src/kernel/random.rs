//! Chance, for secrets and fresh ids. Handed in like the clock.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Fills bytes with chance that nobody can guess.
#[derive(Clone)]
pub struct Random(Arc<Fill>);

type Fill = dyn Fn(&mut [u8]) + Send + Sync;

impl Random {
    /// The operating system's generator.
    ///
    /// # Panics
    /// When the operating system has none: nothing could be kept secret then.
    pub fn system() -> Self {
        Self(Arc::new(|bytes| {
            getrandom::fill(bytes).expect("BUG: the operating system gives no random bytes");
        }))
    }

    /// A text of 256 random bits, safe in URLs, cookies and headers: 43 characters.
    pub fn secret(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }

    /// A short text of 96 random bits, for what must be unique but need not be secret.
    pub fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<12>())
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }
}
