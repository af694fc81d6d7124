//! Who pinned a message.

use serde::{Deserialize, Serialize};

use crate::kernel::UserId;

/// The user who pinned a message, under their current name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinner {
    pub id: UserId,
    pub display_name: String,
}

impl Pinner {
    /// Reads the column that `MESSAGE_COLUMNS!` of the store selects: the id and the name, one line each.
    pub(in crate::chat::messages) fn from_column(column: &str) -> Option<Self> {
        let (id, name) = column.split_once('\n')?;
        Some(Self { id: UserId(id.parse().ok()?), display_name: name.to_owned() })
    }
}
