//! The fields of the composer's form, and the message that is made of them.

use serde::Deserialize;

use crate::chat::messages::WriteError;
use crate::chat::messages::model::{Draft, Kind, MessageBody, Nonce};
use crate::chat::rooms::model::Member;
use crate::http::{AppState, DraftOrigin};
use crate::kernel::{FieldError, Timestamp, UserId};

#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::pages) struct PostForm {
    pub body: String,
    pub nonce: String,
    /// Who wrote it, from a script: another account may have signed in since its page was loaded.
    pub author: Option<UserId>,
    /// When the room was made for which it was written, from a script that has kept it for a while: in a
    /// history that was replaced another room may have that number.
    pub room_created: Option<Timestamp>,
    /// Whatever it looks like, it is no command.
    pub literal: bool,
}

impl PostForm {
    pub fn kept(&self) -> DraftOrigin {
        DraftOrigin { author: self.author, room_created: self.room_created }
    }
}

/// Posts what a form has. A page that the back button brought back has an old nonce and maybe a
/// new text: it is a new message then. The same text again is the double click that nonces are for.
pub(in crate::pages) async fn post_message(
    site: &AppState,
    member: &Member,
    form: &PostForm,
    kind: Kind,
) -> Result<(), WriteError> {
    let body = MessageBody::parse(&form.body).map_err(WriteError::Invalid)?;
    let nonce = (!form.nonce.is_empty()).then(|| Nonce::parse(&form.nonce)).transpose();
    let nonce = nonce.map_err(|_| WriteError::Invalid(FieldError::new("body", "nonce-shape")))?;
    let draft = Draft { kind, body, nonce, reply_to: None };
    match site.messages.post(member.clone(), draft.clone()).await {
        Err(WriteError::NonceReused) => {
            site.messages.post(member.clone(), Draft { nonce: None, ..draft }).await?;
            Ok(())
        }
        result => result.map(|_| ()),
    }
}
