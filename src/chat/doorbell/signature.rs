//! Signs the notices of an installation, so that no one else on the same servers can make one, and no installation takes
//! in those of another one. What is signed is not secret: who may subscribe can read it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::db::EpochGuard;

/// The bytes of a signature: 128 bits of HMAC-SHA-256 (RFC 2104).
const LENGTH: usize = 16;

/// The key of an installation. Clones share it.
#[derive(Clone)]
pub struct Signer {
    key: Hmac<Sha256>,
    epoch: EpochGuard,
}

impl Signer {
    /// `key` is the same in all processes of the installation. Notices of another epoch are not valid.
    ///
    /// # Panics
    /// Never: HMAC takes a key of any length.
    pub fn new(key: &str, epoch: EpochGuard) -> Self {
        let key = Hmac::new_from_slice(key.as_bytes()).expect("BUG: HMAC takes any key");
        Self { key, epoch }
    }

    /// Returns the signature, followed by the text.
    pub fn sign(&self, subject: &str, text: &[u8]) -> Vec<u8> {
        let signature = self.hash(subject, text).finalize().into_bytes();
        let mut signed = Vec::with_capacity(LENGTH + text.len());
        signed.extend(signature.iter().take(LENGTH));
        signed.extend(text);
        signed
    }

    /// Returns the text, if it is signed with this key for this subject and epoch.
    pub fn verified<'a>(&self, subject: &str, signed: &'a [u8]) -> Option<&'a [u8]> {
        let (signature, text) = signed.split_at_checked(LENGTH)?;
        self.hash(subject, text).verify_truncated_left(signature).ok()?;
        Some(text)
    }

    fn hash(&self, subject: &str, text: &[u8]) -> Hmac<Sha256> {
        let mut hash = self.key.clone();
        // No epoch and no subject contains a zero.
        for part in [self.epoch.epoch().as_bytes(), b"\0", subject.as_bytes(), b"\0", text] {
            hash.update(part);
        }
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_topic_and_text_are_valid() {
        let signer = Signer::new("a key", EpochGuard::default());
        let other = Signer::new("another key", EpochGuard::default());
        let signed = signer.sign("changes", b"text");
        assert_eq!(signer.verified("changes", &signed), Some(&b"text"[..]));
        assert_eq!(signer.verified("messages", &signed), None, "another subject");
        assert_eq!(other.verified("changes", &signed), None, "another installation");
        for n in 0..signed.len() {
            let mut changed = signed.clone();
            changed[n] ^= 1;
            assert_eq!(signer.verified("changes", &changed), None, "byte {n}");
            assert_eq!(signer.verified("changes", &signed[..n]), None, "cut at {n}");
        }
        assert_eq!(signer.verified("x", &signer.sign("x", b"")), Some(&b""[..]));
    }
}
