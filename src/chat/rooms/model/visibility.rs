//! The kinds of rooms.

use serde::{Deserialize, Serialize};

use crate::kernel::FieldError;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    Public,
    Private,
    /// A direct message.
    Direct,
    /// Reached through a message. Its members follow it; another room decides who may read and write.
    Thread,
    /// The room of three to twenty users, the only one they have together.
    Group,
}

impl Visibility {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Direct => "direct",
            Self::Thread => "thread",
            Self::Group => "group",
        }
    }

    /// Whether the members identify the room, and never change.
    pub fn has_fixed_members(self) -> bool {
        matches!(self, Self::Direct | Self::Group)
    }

    /// Whether rooms of this kind have no owner and no code: they are not renamed or deleted, and no one
    /// else decides who belongs to them.
    pub fn is_permanent(self) -> bool {
        self.has_fixed_members() || self == Self::Thread
    }

    /// Parses what a user may choose for a new room. Direct messages, groups and threads are created in
    /// other ways.
    ///
    /// # Errors
    /// If it is neither `public` nor `private`.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        match text {
            "public" => Ok(Self::Public),
            "private" => Ok(Self::Private),
            _ => Err(FieldError::new("visibility", "visibility-unknown")),
        }
    }

    /// The inverse of [`Self::as_str`].
    pub(in crate::chat::rooms) fn stored(text: &str) -> Option<Self> {
        let all = [Self::Public, Self::Private, Self::Direct, Self::Group, Self::Thread];
        all.into_iter().find(|it| it.as_str() == text)
    }
}
