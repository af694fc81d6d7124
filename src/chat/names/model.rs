//! The subjects whose names lists sort and readers compare.

use crate::kernel::{RoomId, UserId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat) enum Subject {
    User(UserId),
    Room(RoomId),
}
