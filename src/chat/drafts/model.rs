//! Drafts and their texts.

use crate::chat::messages::model::Nonce;
use crate::kernel::{FieldError, MessageId, RoomId, Timestamp};
use crate::limits::user::DRAFT_CHARACTERS;

/// A text that was not sent: at most 64,000 characters, so that one that is too long for a message is kept, too.
/// It is stored as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftText(String);

impl DraftText {
    /// # Errors
    /// If it is too long.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        // NUL is the only character that PostgreSQL cannot store.
        let text = text.replace('\0', "");
        if text.chars().count() > DRAFT_CHARACTERS {
            return Err(FieldError::new("body", "draft-long"));
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// White space alone is no draft.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

/// What a device has in its composer.
#[derive(Clone, Debug)]
pub struct NewDraft {
    pub text: DraftText,
    pub reply_to: Option<MessageId>,
    /// With which the text will be sent.
    pub nonce: Option<Nonce>,
}

/// A draft of a user for a room.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct StoredDraft {
    #[sqlx(rename = "room_id")]
    pub room: RoomId,
    pub body: String,
    pub reply_to: Option<MessageId>,
    pub nonce: Option<String>,
    pub updated_at: Timestamp,
}

/// What became of a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftState {
    Stored(StoredDraft),
    /// It was sent or discarded. From its nonce a device knows whether it has the same text; `None` if only the change
    /// was read.
    Gone {
        nonce: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_kept_as_typed_up_to_its_limit() {
        let text = |typed: &str| DraftText::parse(typed).map(|text| text.0);
        for typed in ["", "  a \r\n\n", "\u{202e}x", &"ñ".repeat(64_000)] {
            assert_eq!(text(typed).as_deref(), Ok(typed));
        }
        assert_eq!(text("a\0b").as_deref(), Ok("ab"));
        assert!(text(&"ñ".repeat(64_001)).is_err());
    }

    #[test]
    fn white_space_alone_is_no_draft() {
        for (typed, blank) in [("", true), (" \n\t", true), ("\0 ", true), (" a", false)] {
            assert_eq!(DraftText::parse(typed).map(|text| text.is_blank()), Ok(blank), "{typed:?}");
        }
    }
}
