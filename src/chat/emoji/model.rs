//! The types of custom emoji: names, images, and which ones exist.
//!
//! This module does no I/O.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use sha2::{Digest, Sha256};

use crate::kernel::{FieldError, ServiceError};
use crate::limits::emoji::IMAGE_BYTES;
use crate::media::ImageError;
use crate::text::emoji::{by_shortcode, is_of_codes};

/// The name of a custom emoji, without colons: 2 to 32 lower-case letters, digits, `-`, `_` and `+`.
/// Never the code of a standard emoji.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmojiName(String);

impl EmojiName {
    /// Colons around the name are left out.
    ///
    /// # Errors
    /// If it has another form, or is the code of a standard emoji.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let text = text.trim();
        let name = text.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).unwrap_or(text);
        if !(2..=32).contains(&name.len()) || !name.chars().all(is_of_codes) {
            return Err(FieldError::new("name", "emoji-name-shape"));
        }
        if by_shortcode(name).is_some() {
            return Err(FieldError::new("name", "emoji-name-standard"));
        }
        Ok(Self(name.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The image of a custom emoji: a small PNG. [`super::CustomEmoji`] makes it from an upload, an import
/// from an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmojiImage(Vec<u8>);

impl EmojiImage {
    /// `None` if it is no PNG or too large.
    pub fn stored(png: Vec<u8>) -> Option<Self> {
        let is_png = png.starts_with(b"\x89PNG\r\n\x1a\n");
        (is_png && png.len() <= IMAGE_BYTES).then_some(Self(png))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The beginning of its hash, in hexadecimal.
    pub fn version(&self) -> String {
        hex::encode(Sha256::digest(&self.0).get(..4).unwrap_or_default())
    }
}

/// A custom emoji.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmojiEntry {
    pub name: String,
    pub version: String,
}

impl EmojiEntry {
    /// The address of the image. Another image has another one.
    pub fn address(&self) -> String {
        format!("/emoji/{}.{}", self.name, self.version)
    }
}

/// The custom emoji that exist, as this process knows them: changes by other processes arrive within a
/// second. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct KnownEmoji(Arc<RwLock<BTreeMap<String, String>>>);

impl KnownEmoji {
    pub(super) fn replace(&self, entries: Vec<EmojiEntry>) {
        let entries = entries.into_iter().map(|entry| (entry.name, entry.version)).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = entries;
    }

    pub fn find(&self, name: &str) -> Option<EmojiEntry> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let version = known.get(name)?;
        Some(EmojiEntry { name: name.to_owned(), version: version.clone() })
    }

    /// All of them, by name.
    pub fn entries(&self) -> Vec<EmojiEntry> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let entry = |(name, version): (&String, &String)| EmojiEntry {
            name: name.clone(),
            version: version.clone(),
        };
        known.iter().map(entry).collect()
    }
}

/// Why a custom emoji was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddEmojiError {
    #[error(transparent)]
    Image(#[from] ImageError),
    /// There is one of this name.
    #[error("the name is taken")]
    Taken,
    /// The installation has the maximum number.
    #[error("too many custom emoji")]
    TooMany,
}

impl From<ServiceError> for AddEmojiError {
    fn from(error: ServiceError) -> Self {
        Self::Image(ImageError::Service(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_plain_and_no_standard_code() {
        for (text, name) in [("party-parrot", "party-parrot"), (":a1:", "a1"), (" x_+-9 ", "x_+-9")]
        {
            assert_eq!(EmojiName::parse(text).as_ref().map(EmojiName::as_str), Ok(name));
        }
        let long = "a".repeat(33);
        for bad in ["", "a", "A1", "ñu", "a b", "a:b", "::", "a.b", "a/b", &long] {
            let refused = FieldError::new("name", "emoji-name-shape");
            assert_eq!(EmojiName::parse(bad), Err(refused), "{bad}");
        }
        for taken in ["tada", "+1", ":thumbsup:"] {
            let refused = FieldError::new("name", "emoji-name-standard");
            assert_eq!(EmojiName::parse(taken), Err(refused), "{taken}");
        }
    }

    #[test]
    fn an_image_is_a_small_png() {
        let png = |length: usize| [&b"\x89PNG\r\n\x1a\n"[..], &vec![0; length - 8]].concat();
        assert!(EmojiImage::stored(png(IMAGE_BYTES)).is_some());
        assert!(EmojiImage::stored(png(IMAGE_BYTES + 1)).is_none());
        assert!(EmojiImage::stored(b"<svg/>".to_vec()).is_none());
        let version = EmojiImage::stored(png(9)).map(|image| image.version());
        assert_eq!(version.map(|version| version.len()), Some(8));
    }
}
