//! Messages, what may become one, and what may become of one.

use std::sync::Arc;

use crate::chat::accounts::model::User;
use crate::chat::rooms::model::{JoinRefusal, Member};
use crate::kernel::{FieldError, MessageId, Rev, RoomId, Seq, ServiceError, Timestamp, UserId};
use crate::text::visible::is_visible;

/// A message in its present state. Nothing in it depends on who looks.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: MessageId,
    pub room: RoomId,
    pub seq: Seq,
    pub rev: Rev,
    pub kind: Kind,
    pub author: User,
    /// Empty when it was deleted.
    pub body: String,
    /// The body as safe HTML, made by [`super::markup`] when it was written.
    pub html: String,
    pub reply_to: Option<MessageId>,
    pub created_at: Timestamp,
    pub edited_at: Option<Timestamp>,
    /// By whom it was deleted, if it was.
    pub deleted_by: Option<DeletedBy>,
    /// In the order in which each emoji was first used.
    pub reactions: Vec<Reactions>,
    /// What it was sent with, for as long as that is kept.
    pub nonce: Option<String>,
}

impl Message {
    pub fn is_deleted(&self) -> bool {
        self.deleted_by.is_some()
    }
}

/// In which role somebody deleted a message. Who it was is in the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletedBy {
    Author,
    Moderator,
}

impl DeletedBy {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Moderator => "moderator",
        }
    }

    /// The opposite of [`Self::as_str`].
    pub fn from_column(text: &str) -> Option<Self> {
        [Self::Author, Self::Moderator].into_iter().find(|by| by.as_str() == text)
    }
}

/// Who reacted to a message with one emoji: at least one person, the first one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reactions {
    pub emoji: String,
    pub users: Vec<UserId>,
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

/// 1 to 16,000 characters with something to see, as they were typed: only white space at the end and
/// empty lines before the text go. Lines end in `\n`; control characters are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageBody(String);

const MAX_BODY_CHARS: usize = 16_000;

impl MessageBody {
    /// # Errors
    /// When there is nothing to see, or too much.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let lines = text.replace("\r\n", "\n");
        let body: String = lines.chars().filter_map(kept).collect();
        let body = without_empty_lines_before(body.trim_end());
        if is_visible(body) {
            Self::of_length(body)
        } else {
            Err(FieldError::new("body", "body-empty"))
        }
    }

    /// A body that was posted at some time, whether it can be seen or not. It is taken as it is.
    ///
    /// # Errors
    /// When it never was one.
    pub fn stored(text: &str) -> Result<Self, FieldError> {
        let clean = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
        if text.is_empty() || text.trim_end() != text || !text.chars().all(clean) {
            return Err(FieldError::new("body", "body-empty"));
        }
        Self::of_length(text)
    }

    fn of_length(body: &str) -> Result<Self, FieldError> {
        if body.chars().count() > MAX_BODY_CHARS {
            return Err(FieldError::new("body", "body-long"));
        }
        Ok(Self(body.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Everything that ends a line becomes `\n` (UAX 14, class BK), so that lines stay lines.
fn kept(c: char) -> Option<char> {
    match c {
        '\t' => Some(c),
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
        c => (!c.is_control()).then_some(c),
    }
}

/// The first line that has something in it keeps its indentation.
fn without_empty_lines_before(mut text: &str) -> &str {
    while let Some((line, rest)) = text.split_once('\n') {
        if !line.trim().is_empty() {
            break;
        }
        text = rest;
    }
    text
}

/// What a client calls a send, so that sending again changes nothing: 1 to 64 visible ASCII
/// characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Nonce(String);

impl Nonce {
    /// # Errors
    /// When it is empty, too long, or has other characters.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        if (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(FieldError::new("nonce", "nonce-shape"))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One emoji as people see it: a single character, or several that make one picture (flags, keycaps,
/// families, tones of skin). The recommended spelling, whichever of them was typed, so that one
/// picture is one reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emoji(&'static str);

impl Emoji {
    /// # Errors
    /// When it is anything but one emoji of the Unicode standard.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        emojis::get(text.trim())
            .map(|emoji| Self(emoji.as_str()))
            .ok_or(FieldError::new("emoji", "emoji-one"))
    }

    pub fn as_str(self) -> &'static str {
        self.0
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
    pub rendered: Rendered,
    /// What search will know of it.
    pub tokens: String,
}

/// A text as HTML, as far as it can be told without asking who is called what.
#[derive(Clone, Debug)]
pub(super) struct Rendered {
    /// What it is where the names are nobody's.
    pub html: String,
    /// The folded names that may be somebody's, who is mentioned then.
    pub names: Vec<String>,
}

/// The right to edit a message. Made by [`super::Messages::author`] alone.
#[derive(Clone, Copy, Debug)]
pub struct Author {
    pub(super) room: RoomId,
    pub(super) message: MessageId,
}

/// The right to delete a message. Made by [`super::Messages`] alone: for its author, and for who
/// moderates its room.
#[derive(Clone, Debug)]
pub struct Deleter {
    pub(super) room: RoomId,
    pub(super) message: MessageId,
    pub(super) reason: DeletionReason,
}

/// On whose account a message is deleted.
#[derive(Clone, Debug)]
pub(super) enum DeletionReason {
    Author,
    /// All that the author wrote is deleted, which is recorded once for all of it.
    Erasure,
    /// Recorded in the audit log.
    Moderation {
        moderator: UserId,
        room_name: String,
        author: (UserId, String),
    },
}

impl DeletionReason {
    pub fn deleted_by(&self) -> DeletedBy {
        match self {
            Self::Author => DeletedBy::Author,
            Self::Erasure | Self::Moderation { .. } => DeletedBy::Moderator,
        }
    }
}

/// Somebody's reaction, with the right to it checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reaction {
    pub room: RoomId,
    pub message: MessageId,
    pub user: UserId,
    pub emoji: Emoji,
}

/// What the writer stores: a new message, or a change of one.
#[derive(Clone, Debug)]
pub(super) enum Write {
    Post(Box<Post>),
    Edit { author: Author, body: MessageBody, rendered: Rendered },
    Delete(Deleter),
    React(Member, Reaction),
    Unreact(Reaction),
}

impl Write {
    /// The message whose text it changes.
    pub fn edited_message(&self) -> Option<MessageId> {
        match self {
            Self::Edit { author, .. } => Some(author.message),
            Self::Delete(deleter) => Some(deleter.message),
            Self::Post(_) | Self::React(..) | Self::Unreact(_) => None,
        }
    }

    /// The folded names in it that may be somebody's.
    pub fn names(&self) -> &[String] {
        match self {
            Self::Post(post) => &post.rendered.names,
            Self::Edit { rendered, .. } => &rendered.names,
            Self::Delete(_) | Self::React(..) | Self::Unreact(_) => &[],
        }
    }

    pub fn as_post(&self) -> Option<&Post> {
        match self {
            Self::Post(post) => Some(post),
            _ => None,
        }
    }
}

/// What came of a write.
#[derive(Clone, Debug)]
pub struct WriteOutcome {
    /// As it is now.
    pub message: Arc<Message>,
    /// False when it was so already and nothing was written: the same nonce had posted it before,
    /// the text is the same, the reaction was there.
    pub changed: bool,
    /// Who is mentioned in it and was not before.
    pub mentioned: Vec<UserId>,
    /// Who became a member of the room by it.
    pub joined: Option<User>,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The nonce belongs to a message in another room or with another body.
    #[error("the nonce was used before")]
    NonceReused,
    #[error("invalid {}", .0.field)]
    Invalid(FieldError),
    /// There is no such message in the room.
    #[error("no such message")]
    NotFound,
    /// The room is not theirs to take part in.
    #[error("not let in")]
    JoinRefused(JoinRefusal),
    /// They see it, but somebody else wrote it.
    #[error("not the author")]
    NotTheAuthor,
    /// They see it, but somebody else wrote it, and they do not moderate its room.
    #[error("neither the author nor a moderator")]
    NotAModerator,
    /// What is deleted is neither edited nor reacted to.
    #[error("the message is deleted")]
    Deleted,
    #[error(transparent)]
    Fault(#[from] ServiceError),
}

/// Up to where everything in a room was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Published {
    pub rev: Rev,
    pub last_seq: Seq,
}

impl Default for Published {
    fn default() -> Self {
        Self { rev: Rev(0), last_seq: Seq(0) }
    }
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
    use proptest::prelude::*;
    use proptest::sample::select;
    use unicode_segmentation::UnicodeSegmentation;

    use super::*;

    #[test]
    fn a_body_keeps_its_spaces_and_its_lines_end_alike() {
        let body = |text| MessageBody::parse(text).map(|body| body.0);
        for (typed, kept) in [
            ("  hola \r\n a todos\r\n", "  hola \n a todos"),
            ("\n \t\n    if x:\n        return  1\n\n", "    if x:\n        return  1"),
            ("name    qty", "name    qty"),
            ("\u{3000}段落\u{2003}x", "\u{3000}段落\u{2003}x"),
            ("a\u{b}b\u{c}c\u{85}d\u{2028}e\u{2029}f\rg", "a\nb\nc\nd\ne\nf\ng"),
            ("a\n\n\nb", "a\n\n\nb"),
            ("a\u{0}b\u{7}\tc", "ab\tc"),
        ] {
            assert_eq!(body(typed).as_deref(), Ok(kept), "{typed:?}");
            assert_eq!(body(kept).as_deref(), Ok(kept), "twice changes nothing");
        }
    }

    #[test]
    fn a_body_has_something_to_see() {
        for empty in
            ["", "  \n ", "\u{0}\u{3000}", "\u{3164}", "\u{200b}\n\u{2800}", "\u{fe0f}", "\u{301}"]
        {
            assert!(MessageBody::parse(empty).is_err(), "{empty:?}");
        }
        for seen in ["\u{200b}x", "❤\u{fe0f}", ".", "👩\u{200d}👧"] {
            assert!(MessageBody::parse(seen).is_ok(), "{seen:?}");
        }
        assert!(MessageBody::stored("\u{3164}").is_ok(), "one from before is imported");
        assert!(MessageBody::stored("a\u{2028}b").is_ok(), "one from before is imported");
        assert!(MessageBody::stored("a\u{0}").is_err());
    }

    #[test]
    fn a_body_is_counted_in_characters_and_not_in_bytes() {
        assert!(MessageBody::parse(&"ñ".repeat(16_000)).is_ok());
        assert!(MessageBody::parse(&"a".repeat(16_001)).is_err());
    }

    #[test]
    fn an_emoji_is_one_picture_however_many_characters_it_takes() {
        for good in ["👍", "❤️", "🇪🇸", "👩‍👩‍👧‍👦", "1️⃣", "👋🏽", "🏴󠁧󠁢󠁷󠁬󠁳󠁿"]
        {
            assert_eq!(Emoji::parse(good).map(Emoji::as_str), Ok(good));
        }
        for bad in ["", " ", "a", "1", "#", "ñ", "👍👍", "👍a", ":+1:", "🇪", "\u{200d}", "<b>"]
        {
            assert!(Emoji::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn one_picture_has_one_spelling() {
        assert_eq!(Emoji::parse("\u{2764}"), Emoji::parse("\u{2764}\u{fe0f}"));
        assert_eq!(Emoji::parse(" 👍 "), Emoji::parse("👍"));
        assert_ne!(Emoji::parse("👍"), Emoji::parse("👍🏿"));
    }

    proptest! {
        /// The store puts emoji and numbers into one text and takes them apart again.
        #[test]
        fn an_emoji_is_one_grapheme_without_spaces_and_commas(
            text in prop_oneof![any::<String>(), "[👍❤️🇪🇸👩\u{200d}🏽1\u{20e3} ,]{1,6}"],
        ) {
            if let Ok(emoji) = Emoji::parse(&text) {
                prop_assert_eq!(emoji.as_str().graphemes(true).count(), 1);
                prop_assert!(!emoji.as_str().contains([' ', ',']));
                prop_assert!(!emoji.as_str().chars().any(char::is_alphabetic));
                prop_assert_eq!(Emoji::parse(emoji.as_str()), Ok(emoji));
            }
        }

        #[test]
        fn every_emoji_of_the_standard_is_one(emoji in select(emojis::iter().collect::<Vec<_>>())) {
            prop_assert_eq!(Emoji::parse(emoji.as_str()).map(Emoji::as_str), Ok(emoji.as_str()));
        }
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
