//! The fields of the composer's form, and posting the message in them.

use serde::{Deserialize, Deserializer};

use crate::chat::files::model::{FileId, PostedFiles};
use crate::chat::messages::model::{
    Draft, Kind, Markup, MessageBody, Nonce, WriteOutcome, parse_files,
};
use crate::chat::messages::{Messages, WriteError};
use crate::chat::rooms::model::Member;
use crate::http::DraftOrigin;
use crate::kernel::{FieldError, MessageId, Timestamp, UserId};

#[derive(Deserialize, Default)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the form")]
pub(in crate::pages) struct PostForm {
    pub body: String,
    pub nonce: String,
    /// The author, set by the script. Another user may have signed in since the page was loaded.
    pub author: Option<UserId>,
    /// The creation time of the room the text was written for, set by a script that kept the text
    /// for a while. After the database was replaced, another room may have the same id.
    pub room_created: Option<Timestamp>,
    /// The message replied to; empty for none.
    #[serde(deserialize_with = "optional_number")]
    pub reply_to: Option<MessageId>,
    /// Shows how the text would look, and posts nothing.
    pub preview: bool,
    /// The text is a message, even if it looks like a command.
    pub literal: bool,
    /// The text is posted even if it mentions many members.
    pub confirmed: bool,
    /// For a reply in a thread: the room gets a copy.
    pub also: bool,
    /// The ids of files, in fields named `file`.
    #[serde(skip)]
    pub files: Vec<String>,
    /// Which of them came with the form itself. If it is sent twice, they come twice.
    #[serde(skip)]
    pub received: Vec<FileId>,
}

/// A form sends an empty field as an empty text.
fn optional_number<'de, D: Deserializer<'de>>(field: D) -> Result<Option<MessageId>, D::Error> {
    let text = String::deserialize(field)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(|id| Some(MessageId(id))).map_err(serde::de::Error::custom)
}

impl PostForm {
    /// The message of this form, with the text that is left when commands have been read.
    pub fn message(&self, body: String) -> Self {
        Self {
            body,
            nonce: self.nonce.clone(),
            reply_to: self.reply_to,
            literal: true,
            also: self.also,
            files: self.files.clone(),
            received: self.received.clone(),
            ..Self::default()
        }
    }

    pub fn kept(&self) -> DraftOrigin {
        DraftOrigin { author: self.author, room_created: self.room_created }
    }
}

/// Posts the message in a form. A page restored by the back button has an old nonce and maybe a new
/// text. Such a text is a new message, so it is posted again without a nonce. The same text with
/// the same nonce is the double click that nonces protect against.
pub(in crate::pages) async fn post_message(
    messages: &Messages,
    member: &Member,
    form: &PostForm,
    kind: Kind,
) -> Result<WriteOutcome, WriteError> {
    let draft = draft_of(form, kind)?;
    match messages.post(member.clone(), draft.clone()).await {
        Err(WriteError::NonceReused) => {
            messages.post(member.clone(), Draft { nonce: None, ..draft }).await
        }
        result => result,
    }
}

/// The same for a reply to a message, in its thread. `member` is one of the message's room.
pub(in crate::pages) async fn post_reply(
    messages: &Messages,
    member: &Member,
    head: MessageId,
    form: &PostForm,
    kind: Kind,
) -> Result<WriteOutcome, WriteError> {
    let draft = draft_of(form, kind)?;
    match messages.reply(member.clone(), head, draft.clone(), form.also).await {
        Err(WriteError::NonceReused) => {
            let draft = Draft { nonce: None, ..draft };
            messages.reply(member.clone(), head, draft, form.also).await
        }
        result => result,
    }
}

fn draft_of(form: &PostForm, kind: Kind) -> Result<Draft, WriteError> {
    let files = parse_files(&form.files).map_err(WriteError::Invalid)?;
    let files = PostedFiles { compare_contents: !form.received.is_empty(), ..files };
    let body = MessageBody::parse_beside(&form.body, !files.is_empty());
    let body = body.map_err(WriteError::Invalid)?;
    let nonce = (!form.nonce.is_empty()).then(|| Nonce::parse(&form.nonce)).transpose();
    let nonce = nonce.map_err(|_| WriteError::Invalid(FieldError::new("body", "nonce-shape")))?;
    Ok(Draft { kind, body, markup: Markup::Markdown, nonce, reply_to: form.reply_to, files })
}
