//! The notices between processes. Each one only hints at what is in the database, so a field that an older version does
//! not know is ignored, and a notice that cannot be read costs a query.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::changefeed::model::ProcessId;
use crate::chat::messages::model::Message;
use crate::kernel::{Rev, RoomId, Seq, UserId};

/// The longest text of new messages that travels, in bytes. Others are read from the database.
const LONGEST: usize = 16 * 1_024;

/// Messages of a room were posted or changed.
#[derive(Debug, Serialize, Deserialize)]
pub struct RoomUpdate {
    pub room: RoomId,
    /// The last of the changes.
    pub rev: Rev,
    /// The last message of the room.
    pub last_seq: Seq,
    /// Threads of the room whose heads changed.
    #[serde(default)]
    pub threads: Vec<RoomId>,
    /// [`ChangedMessage`]s in the order of `rev`, if they are short and plain.
    messages: Option<Box<RawValue>>,
}

/// A message after a change, and the users whom it mentions now and did not before.
#[derive(Debug, Serialize, Deserialize)]
pub struct ChangedMessage<M> {
    pub message: M,
    pub mentioned: Vec<UserId>,
}

impl RoomUpdate {
    /// Returns the changed messages; none if they have to be read from the database.
    pub fn messages(&self) -> Vec<ChangedMessage<Message>> {
        let json = self.messages.as_deref().map(RawValue::get);
        json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }

    /// Changes of one room, the last of which is `rev`.
    pub fn new(
        room: RoomId,
        (rev, last_seq): (Rev, Seq),
        messages: &[ChangedMessage<&Message>],
    ) -> Self {
        let threads = messages.iter().filter_map(|one| Some(one.message.thread.as_ref()?.room));
        let json = messages
            .iter()
            .all(|one| travels(one.message))
            .then(|| serde_json::value::to_raw_value(messages).ok())
            .flatten()
            .filter(|json| json.get().len() <= LONGEST);
        Self { room, rev, last_seq, threads: threads.collect(), messages: json }
    }
}

/// Files and previews stay behind: their rights are not for this way, and few messages have them.
fn travels(message: &Message) -> bool {
    message.attachments.is_empty() && message.previews.is_empty()
}

/// A user moved their read marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ReadMoved {
    pub user: UserId,
    pub room: RoomId,
}

/// A user is typing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Typing {
    pub user: UserId,
    pub room: RoomId,
}

/// Who is online at a process, as it reports to the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceReport {
    /// The process that reports.
    pub process: ProcessId,
    /// How often its users have changed, this time included.
    pub version: u64,
    pub change: PresenceChange,
}

/// What a process reports of the users who are online at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceChange {
    /// These came and went.
    Changed { came: Vec<UserId>, left: Vec<UserId> },
    /// It is still there.
    Unchanged,
    /// One of `parts` parts of its list.
    List { part: usize, parts: usize, users: Vec<UserId> },
    /// It wants the list of this process, or of all.
    Wanted(Option<ProcessId>),
    /// It ends. Its users will be elsewhere in a moment.
    Leaving,
}
