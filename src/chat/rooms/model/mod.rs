//! Rooms and the permissions on them.
//!
//! A permission is a value that only a check can create, and reading and posting require one, so code
//! that forgets the check does not compile.

mod access;
mod code;
mod fixed_members;
mod joining;
mod member_overview;
mod parent;
mod section;
mod visibility;

pub use self::access::Access;
pub(super) use self::access::Standing;
pub use self::code::Code;
pub use self::fixed_members::FixedMembers;
pub(in crate::chat) use self::joining::JoinMethod;
pub use self::joining::JoinRefusal;
pub(super) use self::joining::{JoinState, may_join};
pub use self::member_overview::MemberOverview;
pub(super) use self::member_overview::MemberSelection;
pub use self::parent::{Parent, ParentMessage};
pub use self::section::SectionName;
pub use self::visibility::Visibility;

use crate::chat::accounts::model::{Role, Status, User};
use crate::kernel::paging::Position;
use crate::kernel::{FieldError, Rev, RoomId, Seq, Timestamp, UserId};
use crate::text::names::{fold, one_line, visible_line};

/// A room as one user sees it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Room {
    pub id: RoomId,
    /// For a direct message or a group: the display names of the other users.
    pub name: String,
    pub topic: String,
    pub visibility: Visibility,
    pub lobby: bool,
    pub owner_id: Option<UserId>,
    /// The room code. Only members see it.
    pub code: Option<Code>,
    /// Together with the id it identifies the room, even across epochs (after a restored backup an id
    /// may belong to another room).
    pub created_at: Timestamp,
    /// When it was archived: it is read, but takes no messages any more.
    pub archived_at: Option<Timestamp>,
    pub last_seq: Seq,
    pub rev: Rev,
    /// The user's read marker; `None` if they are not a member.
    pub last_read_seq: Option<Seq>,
    /// Unread messages that are not deleted; 0 if the user is not a member.
    pub unread: i64,
    /// Unread mentions of the user.
    pub mentions: i64,
    /// The user keeps it at the top of the sidebar.
    pub favourite: bool,
    /// The section of the sidebar that the user put it into; empty if none.
    pub section: String,
    /// Whether the user has a draft for it.
    pub draft: bool,
    /// For a direct message: the other user.
    pub other: Option<UserId>,
    /// The avatar of the other user.
    pub other_avatar: Option<String>,
    /// The status of the other user. It may be over.
    pub other_status: Option<Status>,
    /// Only the owner and administrators may mention all members at once.
    pub wide_mentions_restricted: bool,
    /// Whether links in its messages get previews.
    pub link_previews: bool,
    /// The stored key of the name.
    pub sort_key: String,
    /// For a thread: what it belongs to.
    pub parent: Option<Parent>,
}

/// The state of a room and the user's read position in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub room: RoomId,
    pub rev: Rev,
    pub last_seq: Seq,
    pub last_read_seq: Seq,
    /// Unread messages that are not deleted.
    pub unread: i64,
    /// Unread mentions of the user.
    pub mentions: i64,
    /// For a thread: what it belongs to.
    pub parent: Option<ParentMessage>,
    /// For a thread with replies: when the last one came.
    pub last_reply_at: Timestamp,
}

/// Counts shown next to a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomStats {
    /// Number of members.
    pub members: usize,
    /// Number of members who are online.
    pub online: usize,
    /// Display name of the owner, if the room has one.
    pub owner: Option<String>,
}

impl Room {
    pub fn is_member(&self) -> bool {
        self.last_read_seq.is_some()
    }

    /// Whether its members neither leave nor are removed.
    pub fn keeps_members(&self) -> bool {
        self.lobby || self.visibility.has_fixed_members()
    }

    /// Its place in lists of rooms: the lobby comes first.
    pub fn position(&self) -> Position {
        Position::new(if self.lobby { "" } else { &self.sort_key }, self.id.0)
    }

    /// The room whose members, owner and removals decide: for a thread the one that it belongs to.
    pub fn gate(&self) -> RoomId {
        self.parent.as_ref().map_or(self.id, |parent| parent.head.room)
    }
}

/// A room's name: 1 to 64 characters on one line, at least one of them visible, without control
/// characters and direction marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomName(String);

impl RoomName {
    /// # Errors
    /// If no character is visible, it is too long, or it has more than one line.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        Self::of(visible_line(text))
    }

    /// A name that an earlier version or another installation stored.
    ///
    /// # Errors
    /// If no version could have stored it.
    pub fn stored(text: &str) -> Result<Self, FieldError> {
        Self::of(one_line(text))
    }

    fn of(line: Option<String>) -> Result<Self, FieldError> {
        line.filter(|name| (1..=64).contains(&name.chars().count()))
            .map(Self)
            .ok_or(FieldError::new("name", "room-name-shape"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The normalized name, used for comparisons.
    pub fn folded(&self) -> String {
        fold(&self.0)
    }
}

/// A room's topic: at most 250 characters on one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomTopic(String);

impl RoomTopic {
    /// # Errors
    /// If it is too long, or has more than one line.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        Self::of(visible_line(text))
    }

    /// A topic that an earlier version or another installation stored.
    ///
    /// # Errors
    /// If no version could have stored it.
    pub fn stored(text: &str) -> Result<Self, FieldError> {
        Self::of(one_line(text))
    }

    fn of(line: Option<String>) -> Result<Self, FieldError> {
        line.filter(|topic| topic.chars().count() <= 250)
            .map(Self)
            .ok_or(FieldError::new("topic", "room-topic-shape"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A room that a user wants to create.
#[derive(Clone, Debug)]
pub struct NewRoom {
    pub name: RoomName,
    pub topic: RoomTopic,
    pub visibility: Visibility,
}

impl NewRoom {
    /// # Errors
    /// One field error for each field that is wrong.
    pub fn parse(name: &str, topic: &str, visibility: &str) -> Result<Self, Vec<FieldError>> {
        match (RoomName::parse(name), RoomTopic::parse(topic), Visibility::parse(visibility)) {
            (Ok(name), Ok(topic), Ok(visibility)) => Ok(Self { name, topic, visibility }),
            (name, topic, visibility) => {
                Err([name.err(), topic.err(), visibility.err()].into_iter().flatten().collect())
            }
        }
    }
}

/// A change to a room; `None` keeps the current value.
#[derive(Clone, Debug, Default)]
pub struct RoomChange {
    pub name: Option<RoomName>,
    pub topic: Option<RoomTopic>,
    /// Whether only the owner and administrators may mention all members at once.
    pub wide_mentions_restricted: Option<bool>,
    pub link_previews: Option<bool>,
}

/// The permission to read a room. Only [`super::Rooms::reader`] makes it.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(super) user: User,
    pub(super) room: Room,
}

impl Reader {
    pub fn user(&self) -> &User {
        &self.user
    }

    pub fn room(&self) -> &Room {
        &self.room
    }

    /// The same without the content of the room.
    pub fn access(&self) -> Access {
        Access { user: self.user.clone(), standing: Standing::from(&self.room) }
    }
}

/// The permission to post in a room. Only [`super::Rooms`] makes it.
#[derive(Clone, Debug)]
pub struct Member {
    pub(super) user: User,
    pub(super) room: RoomId,
    /// The user is not a member of this public room, or does not follow this thread. The transaction that
    /// stores their post makes them a member.
    pub(super) joins: bool,
    /// For a thread: what it belongs to.
    pub(super) parent: Option<ParentMessage>,
}

impl Member {
    pub fn user(&self) -> &User {
        &self.user
    }

    /// The room whose members decide: for a thread the one that it belongs to.
    pub(in crate::chat) fn gate(&self) -> RoomId {
        self.parent.map_or(self.room, |parent| parent.room)
    }

    pub fn room(&self) -> RoomId {
        self.room
    }

    /// For a thread: what it belongs to.
    pub(in crate::chat) fn parent(&self) -> Option<ParentMessage> {
        self.parent
    }

    pub(in crate::chat) fn joins(&self) -> bool {
        self.joins
    }
}

/// The permission to change a room. Only [`super::Rooms::owner`] makes it.
#[derive(Clone, Debug)]
pub struct Owner {
    pub(super) user: User,
    pub(super) room: Room,
}

impl Owner {
    pub fn user(&self) -> &User {
        &self.user
    }

    pub fn room(&self) -> &Room {
        &self.room
    }
}

/// The permission to remove members of a room. Only [`super::Rooms::moderator`] makes it.
#[derive(Clone, Debug)]
pub struct Moderator {
    pub(super) user: User,
    pub(super) room: Room,
}

impl Moderator {
    pub fn user(&self) -> &User {
        &self.user
    }

    pub fn room(&self) -> &Room {
        &self.room
    }
}

/// The permission to rename and delete a room. It does not include reading: administrators have it for
/// all rooms except direct messages and groups. Only [`super::Rooms`] makes it.
#[derive(Clone, Debug)]
pub struct RoomAdmin {
    pub(super) actor: UserId,
    pub(super) room: Room,
}

impl RoomAdmin {
    pub fn room(&self) -> &Room {
        &self.room
    }
}

/// A deleted room with the permission to restore it. Only [`super::Rooms::deleted`] and
/// [`super::Rooms::deleted_by`] make it.
#[derive(Clone, Debug)]
pub struct DeletedRoom {
    pub id: RoomId,
    pub name: String,
    pub deleted_at: Timestamp,
    pub(super) actor: UserId,
}

/// A room in the administrators' list. They need not be able to read it.
#[derive(Clone, Debug)]
pub struct RoomSummary {
    pub id: RoomId,
    pub name: String,
    pub visibility: Visibility,
    pub lobby: bool,
    /// Handle and display name of the owner.
    pub owner: Option<(String, String)>,
    pub members: i64,
    pub messages: i64,
    /// When it was deleted; `None` if it is not.
    pub deleted_at: Option<Timestamp>,
    /// The stored key of the name.
    pub sort_key: String,
}

impl RoomSummary {
    /// Its place in lists of rooms: the lobby comes first.
    pub fn position(&self) -> Position {
        Position::new(if self.lobby { "" } else { &self.sort_key }, self.id.0)
    }
}

/// Whether the user may read the messages of a room.
pub(super) fn may_read(room: &Room) -> bool {
    Standing::from(room).may_read()
}

/// Whether the user may change a room: its owner may, and administrators may change the lobby, which
/// has no owner.
pub fn may_change(user: &User, room: &Room) -> bool {
    room.owner_id == Some(user.id) || (room.lobby && user.role == Role::Admin)
}

/// Whether the user may mention all members of a room at once (`@room`).
pub fn may_mention_all(user: &User, room: &Room) -> bool {
    !room.wide_mentions_restricted || room.owner_id == Some(user.id) || user.role == Role::Admin
}

/// Whether the user may moderate a room (delete messages of others, remove members): its owner and the
/// administrators that may read it. No one moderates a direct message or a group. A thread has the
/// moderators of the room it belongs to.
pub fn may_moderate(user: &User, room: &Room) -> bool {
    let owner = room.parent.as_ref().map_or(room.owner_id, |parent| parent.owner_id);
    !Standing::from(room).visibility.has_fixed_members()
        && may_read(room)
        && (owner == Some(user.id) || user.role == Role::Admin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::accounts::model::Profile;

    fn room(visibility: Visibility, last_read_seq: Option<Seq>) -> Room {
        Room {
            id: RoomId(1),
            name: String::new(),
            topic: String::new(),
            visibility,
            lobby: false,
            owner_id: Some(UserId(1)),
            code: None,
            created_at: Timestamp(0),
            archived_at: None,
            last_seq: Seq(7),
            rev: Rev(9),
            last_read_seq,
            unread: 0,
            mentions: 0,
            favourite: false,
            section: String::new(),
            draft: false,
            other: None,
            other_avatar: None,
            other_status: None,
            wide_mentions_restricted: false,
            link_previews: true,
            sort_key: String::new(),
            parent: None,
        }
    }

    fn user(id: i64, role: Role) -> User {
        User {
            id: UserId(id),
            name: String::new(),
            display_name: String::new(),
            bot: false,
            role,
            avatar: None,
            profile: Profile::default(),
        }
    }

    #[test]
    fn all_users_read_public_rooms_and_only_members_read_other_rooms() {
        let member = Some(Seq(0));
        assert!(may_read(&room(Visibility::Public, None)));
        for visibility in [Visibility::Private, Visibility::Direct, Visibility::Group] {
            assert!(may_read(&room(visibility, member)));
            assert!(!may_read(&room(visibility, None)));
        }
    }

    #[test]
    fn owners_change_rooms_and_administrators_change_the_lobby() {
        let theirs = room(Visibility::Public, None);
        assert!(may_change(&user(1, Role::Member), &theirs));
        assert!(!may_change(&user(2, Role::Admin), &theirs));
        let lobby = Room { lobby: true, owner_id: None, ..theirs };
        assert!(may_change(&user(2, Role::Admin), &lobby));
        assert!(!may_change(&user(2, Role::Member), &lobby));
    }

    #[test]
    fn owners_and_administrators_moderate_rooms_they_may_read() {
        use Visibility::{Direct, Group, Private, Public};
        let (owner, admin, other) =
            (user(1, Role::Member), user(2, Role::Admin), user(3, Role::Member));
        let (inside, outside) = (Some(Seq(0)), None);
        for (who, visibility, read, may) in [
            (&owner, Public, inside, true),
            (&owner, Private, inside, true),
            (&owner, Private, outside, false),
            (&owner, Direct, inside, false),
            (&owner, Group, inside, false),
            (&admin, Group, inside, false),
            (&admin, Public, outside, true),
            (&admin, Private, inside, true),
            (&admin, Private, outside, false),
            (&admin, Direct, inside, false),
            (&other, Public, inside, false),
            (&other, Private, inside, false),
        ] {
            let room = room(visibility, read);
            assert_eq!(may_moderate(who, &room), may, "{who:?} {visibility:?} {read:?}");
        }
    }

    #[test]
    fn room_names_and_topics_have_one_line() {
        assert_eq!(RoomName::parse(" Huerto  ").map(|name| name.0).as_deref(), Ok("Huerto"));
        for bad in ["", " ", "a\nb", "a\u{202e}b", "\u{200b}", "\u{3164}", &"ñ".repeat(65)] {
            assert!(RoomName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(RoomName::parse(&"ñ".repeat(64)).is_ok());
        assert!(RoomTopic::parse("").is_ok());
        assert!(RoomTopic::parse(&"ñ".repeat(250)).is_ok());
        assert!(RoomTopic::parse(&"ñ".repeat(251)).is_err());
    }
}
