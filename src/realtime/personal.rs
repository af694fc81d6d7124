//! Missed changes of what a user keeps for themselves: drafts and saved messages, in their current state.

use super::ChatServices;
use super::protocol::ServerFrame;
use crate::chat::accounts::model::User;
use crate::chat::drafts::model::DraftState;
use crate::chat::rooms::AccessError;
use crate::http::Problem;
use crate::kernel::{MessageId, RoomId};
use crate::limits::connection::{CHUNK, DRAFT};

/// Builds the frames of one catch-up. All its drafts together have a limited length; later ones come without text.
pub(super) struct PersonalFrames<'a> {
    services: &'a ChatServices,
    me: &'a User,
    bytes_left: usize,
}

impl<'a> PersonalFrames<'a> {
    pub fn new(services: &'a ChatServices, me: &'a User) -> Self {
        Self { services, me, bytes_left: CHUNK }
    }

    /// Returns the user's draft for a room; `None` if the user may no longer read the room.
    pub async fn draft(&mut self, room: RoomId) -> Result<Option<Vec<u8>>, Problem> {
        let reader = match self.services.rooms.reader(self.me, room).await {
            Ok(reader) => reader,
            Err(AccessError::Service(error)) => return Err(error.into()),
            Err(_) => return Ok(None),
        };
        let draft = self.services.drafts.find(&reader).await?;
        let used = draft.as_ref().map_or(0, |draft| draft.body.len());
        let state = draft.map_or(DraftState::Gone { nonce: None }, DraftState::Stored);
        let text = ServerFrame::draft(room, &state, DRAFT.min(self.bytes_left)).text();
        self.bytes_left = self.bytes_left.saturating_sub(used);
        Ok(Some(text))
    }

    /// Returns whether the user has saved the message.
    pub async fn saved(&self, message: MessageId) -> Result<Vec<u8>, Problem> {
        let saved = !self.services.saved.among(self.me, &[message]).await?.is_empty();
        Ok(ServerFrame::Saved { message, saved }.text())
    }
}
