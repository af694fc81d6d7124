//! Texts that a script has kept for a while before it sends them. Meanwhile another account may have
//! signed in with the same browser, and in a history that was replaced another room may have the number of
//! the one that the text is for: then it is posted nowhere.

use axum::http::StatusCode;

use crate::chat::rooms::model::Reader;
use crate::http::Problem;
use crate::kernel::{Timestamp, UserId};

/// Whose text it is and for which room, as far as its sender says.
#[derive(Clone, Copy, Debug, Default)]
pub struct DraftOrigin {
    pub author: Option<UserId>,
    pub room_created: Option<Timestamp>,
}

impl DraftOrigin {
    /// # Errors
    /// 409 for the text of another account, 404 for one that is for another room.
    pub fn check(self, reader: &Reader) -> Result<(), Problem> {
        self.check_author(reader.user().id)?;
        if self.room_created.is_some_and(|created| created != reader.room().created_at) {
            return Err(Problem::with_detail(StatusCode::NOT_FOUND, "waiting-room-gone"));
        }
        Ok(())
    }

    /// For a room that is not made yet.
    ///
    /// # Errors
    /// 409 for the text of another account.
    pub fn check_author(self, me: UserId) -> Result<(), Problem> {
        if self.author.is_some_and(|author| author != me) {
            return Err(Problem::with_detail(StatusCode::CONFLICT, "signed-in-as-another"));
        }
        Ok(())
    }
}
