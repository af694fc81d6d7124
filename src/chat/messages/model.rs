//! Messages, and what may become one.

use crate::chat::accounts::model::Person;
use crate::chat::rooms::model::Member;
use crate::kernel::{Fault, Invalid, MessageId, Rev, RoomId, Seq, Timestamp};

/// A message in its present state. Nothing in it depends on who looks.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: MessageId,
    pub room: RoomId,
    pub seq: Seq,
    pub rev: Rev,
    pub kind: Kind,
    pub author: Person,
    pub body: String,
    /// The body as safe HTML, made by [`super::markup`] when it was posted.
    pub html: String,
    pub reply_to: Option<MessageId>,
    pub created_at: Timestamp,
    pub edited_at: Option<Timestamp>,
    pub deleted: bool,
    /// What it was sent with, for as long as that is kept.
    pub nonce: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Action,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Action => "action",
        }
    }

    /// The opposite of [`Self::as_str`]; the table admits no third word.
    pub(in crate::chat) fn from_column(text: &str) -> Self {
        if text == "action" { Self::Action } else { Self::Text }
    }
}

/// 1 to 16,000 characters after trimming, lines ended by `\n`, without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageBody(String);

const LONGEST_BODY: usize = 16_000;

impl MessageBody {
    /// # Errors
    /// When it is empty or too long.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let lines = text.replace("\r\n", "\n").replace('\r', "\n");
        let body: String =
            lines.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
        let body = body.trim();
        if body.is_empty() {
            return Err(Invalid::new("body", "body-empty"));
        }
        if body.chars().count() > LONGEST_BODY {
            return Err(Invalid::new("body", "body-long"));
        }
        Ok(Self(body.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a client calls a send, so that sending again changes nothing: 1 to 64 visible ASCII
/// characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Nonce(String);

impl Nonce {
    /// # Errors
    /// When it is empty, too long, or has other characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("nonce", "nonce-shape"))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A message that somebody wants to post.
#[derive(Clone, Debug)]
pub struct Draft {
    pub kind: Kind,
    pub body: MessageBody,
    pub nonce: Option<Nonce>,
    pub reply_to: Option<MessageId>,
}

/// A draft with the right to post it, and the room it belongs to.
#[derive(Clone, Debug)]
pub(super) struct Post {
    pub member: Member,
    pub draft: Draft,
    pub html: String,
}

/// What came of a post.
#[derive(Clone, Debug)]
pub struct Posted {
    pub message: std::sync::Arc<Message>,
    /// False when the same nonce had posted it before.
    pub new: bool,
}

/// Why a message was not posted.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The nonce belongs to a message in another room or with another body.
    #[error("the nonce was used before")]
    NonceReused,
    #[error("invalid {}", .0.field)]
    Invalid(Invalid),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Which part of a room's history to read. All are in ascending order of `seq`.
#[derive(Clone, Copy, Debug)]
pub enum Window {
    Newest,
    Before(Seq),
    After(Seq),
    Around(Seq),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_trimmed_and_its_lines_end_alike() {
        let body = |text| MessageBody::parse(text).map(|body| body.0);
        assert_eq!(body("  hola \r\n a todos\r\n").as_deref(), Ok("hola \n a todos"));
        assert_eq!(body("a\u{0}b\u{7}\tc").as_deref(), Ok("ab\tc"));
        for empty in ["", "  \n ", "\u{0}\u{3000}"] {
            assert!(body(empty).is_err(), "{empty:?}");
        }
    }

    #[test]
    fn a_body_is_counted_in_characters_and_not_in_bytes() {
        assert!(MessageBody::parse(&"ñ".repeat(16_000)).is_ok());
        assert!(MessageBody::parse(&"a".repeat(16_001)).is_err());
    }

    #[test]
    fn a_nonce_is_visible_ascii() {
        for good in ["a", "0190b6c0-7f3e-7c3a-9c0e-1234567890ab", "~!"] {
            assert!(Nonce::parse(good).is_ok(), "{good}");
        }
        for bad in ["", " ", "ñ", "a b", &"x".repeat(65)] {
            assert!(Nonce::parse(bad).is_err(), "{bad}");
        }
    }
}
