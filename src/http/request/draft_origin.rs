//! The origin of a text that a script has kept before it sends it. Since then, another user may have signed in
//! with the same browser, or the history may have been replaced, so that another room has the same id. In both
//! cases the text must not be posted.

use axum::http::StatusCode;

use crate::chat::rooms::model::Access;
use crate::http::Problem;
use crate::kernel::{Timestamp, UserId};

/// The author of a text and the creation time of its room, if the client sends them.
#[derive(Clone, Copy, Debug, Default)]
pub struct DraftOrigin {
    pub author: Option<UserId>,
    pub room_created: Option<Timestamp>,
}

impl DraftOrigin {
    /// Checks that the text is from this user and for this room.
    ///
    /// # Errors
    /// 409 for the text of another user, 404 for a text for another room.
    pub fn check(self, access: &Access) -> Result<(), Problem> {
        self.check_author(access.user().id)?;
        if self.room_created.is_some_and(|created| created != access.room_created()) {
            return Err(Problem::with_detail(StatusCode::NOT_FOUND, "waiting-room-gone"));
        }
        Ok(())
    }

    /// Checks only the author, for a room that does not exist yet.
    ///
    /// # Errors
    /// 409 for the text of another user.
    pub fn check_author(self, me: UserId) -> Result<(), Problem> {
        if self.author.is_some_and(|author| author != me) {
            return Err(Problem::with_detail(StatusCode::CONFLICT, "signed-in-as-another"));
        }
        Ok(())
    }
}
