//! What a command leads to: another page, a reply above the composer, the end of the session.

use axum::http::StatusCode;
use axum::response::Response;

use crate::kernel::RoomId;
use crate::pages::layout::page::to_room;
use crate::pages::rooms::view::CommandReply;

/// The result of a command.
pub(in crate::pages) enum CommandResult {
    /// A redirect to another page or to this one.
    Go(Response),
    Reply(CommandReply),
    /// Sign out.
    SignOut,
}

pub(super) fn go(room: RoomId) -> CommandResult {
    CommandResult::Go(to_room(room))
}

pub(super) fn reply(lines: Vec<String>) -> CommandResult {
    CommandResult::Reply(success(lines))
}

pub(super) fn success(lines: Vec<String>) -> CommandReply {
    CommandReply::new(StatusCode::OK, lines)
}

pub(super) fn refusal(lines: Vec<String>) -> CommandReply {
    CommandReply::new(StatusCode::UNPROCESSABLE_ENTITY, lines)
}
