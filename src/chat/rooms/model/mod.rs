//! Rooms, and the rights to them. A right is a value: only a check can make one, and reading and
//! posting take one, so that a forgotten check does not compile.

mod code;
mod joining;

pub use self::code::Code;
pub(in crate::chat) use self::joining::JoinMethod;
pub use self::joining::JoinRefusal;
pub(super) use self::joining::{JoinState, may_join};
use crate::chat::accounts::model::{Role, User};
use crate::kernel::{FieldError, Rev, RoomId, Seq, Timestamp, UserId};
use crate::text::names::{fold, one_line, visible_line};

/// A room as one person sees it.
#[derive(Clone, Debug)]
pub struct Room {
    pub id: RoomId,
    /// For a direct conversation the display name of the other one.
    pub name: String,
    pub topic: String,
    pub visibility: Visibility,
    pub lobby: bool,
    pub owner_id: Option<UserId>,
    /// What lets others in; known to members alone.
    pub code: Option<Code>,
    /// With the id it tells this room from all others, also from those of a history that was replaced.
    pub created_at: Timestamp,
    pub last_seq: Seq,
    pub rev: Rev,
    /// How far this person has read; `None` for somebody who is no member.
    pub last_read_seq: Option<Seq>,
    /// How much this person has not read of what is still there; nothing for somebody who is no member.
    pub unread: i64,
    /// How often this person is mentioned in what they have not read.
    pub mentions: i64,
    /// In a direct conversation: with whom.
    pub other: Option<UserId>,
    /// The picture of that person.
    pub other_avatar: Option<String>,
}

/// How far a room of one's own is, and how far one has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub room: RoomId,
    pub rev: Rev,
    pub last_seq: Seq,
    pub last_read_seq: Seq,
    /// How much one has not read of what is still there.
    pub unread: i64,
    /// How often one is mentioned in what one has not read.
    pub mentions: i64,
}

/// What there is to tell about a room beside itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomStats {
    /// How many are in it.
    pub members: usize,
    /// How many of them are there just now.
    pub online: usize,
    /// What its owner is called, if it has one.
    pub owner: Option<String>,
}

impl Room {
    pub fn is_member(&self) -> bool {
        self.last_read_seq.is_some()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    Public,
    Private,
    Direct,
}

impl Visibility {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Direct => "direct",
        }
    }

    /// What people may choose from: a direct conversation is not made like a room.
    ///
    /// # Errors
    /// When it is neither `public` nor `private`.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        match text {
            "public" => Ok(Self::Public),
            "private" => Ok(Self::Private),
            _ => Err(FieldError::new("visibility", "visibility-unknown")),
        }
    }

    /// The opposite of [`Self::as_str`]; the table admits no fourth word.
    pub(super) fn from_column(text: &str) -> Self {
        match text {
            "public" => Self::Public,
            "direct" => Self::Direct,
            _ => Self::Private,
        }
    }
}

/// A room's name: 1 to 64 characters on one line with something to see, without control or direction
/// characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomName(String);

impl RoomName {
    /// # Errors
    /// When it is empty to the eye, too long, or more than a line.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        Self::of(visible_line(text))
    }

    /// A name that was given at some time.
    ///
    /// # Errors
    /// When it never was one.
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

    /// The form in which names are compared.
    pub fn folded(&self) -> String {
        fold(&self.0)
    }
}

/// What a room is for: at most 250 characters on one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomTopic(String);

impl RoomTopic {
    /// # Errors
    /// When it is too long, or more than a line.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        Self::of(visible_line(text))
    }

    /// A topic that was set at some time.
    ///
    /// # Errors
    /// When it never was one.
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

/// A room that somebody wants to make.
#[derive(Clone, Debug)]
pub struct NewRoom {
    pub name: RoomName,
    pub topic: RoomTopic,
    pub visibility: Visibility,
}

impl NewRoom {
    /// # Errors
    /// One complaint for each field that is wrong.
    pub fn parse(name: &str, topic: &str, visibility: &str) -> Result<Self, Vec<FieldError>> {
        match (RoomName::parse(name), RoomTopic::parse(topic), Visibility::parse(visibility)) {
            (Ok(name), Ok(topic), Ok(visibility)) => Ok(Self { name, topic, visibility }),
            (name, topic, visibility) => {
                Err([name.err(), topic.err(), visibility.err()].into_iter().flatten().collect())
            }
        }
    }
}

/// What an owner wants to change; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct RoomChange {
    pub name: Option<RoomName>,
    pub topic: Option<RoomTopic>,
}

/// The right to read a room. Made by [`super::Rooms::reader`] alone.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(super) person: User,
    pub(super) room: Room,
}

impl Reader {
    pub fn user(&self) -> &User {
        &self.person
    }

    pub fn room(&self) -> &Room {
        &self.room
    }
}

/// The right to post in a room. Made by [`super::Rooms`] alone.
#[derive(Clone, Debug)]
pub struct Member {
    pub(super) person: User,
    pub(super) room: RoomId,
    /// Whether they still have to become a member: of a public room, by what they post. Only the
    /// transaction that stores it makes them one.
    pub(super) joins: bool,
}

impl Member {
    pub fn user(&self) -> &User {
        &self.person
    }

    pub fn room(&self) -> RoomId {
        self.room
    }

    pub(in crate::chat) fn joins(&self) -> bool {
        self.joins
    }
}

/// The right to change a room. Made by [`super::Rooms::owner`] alone.
#[derive(Clone, Debug)]
pub struct Owner {
    pub(super) person: User,
    pub(super) room: Room,
}

impl Owner {
    pub fn user(&self) -> &User {
        &self.person
    }

    pub fn room(&self) -> &Room {
        &self.room
    }
}

/// The right to remove members of a room. Made by [`super::Rooms::moderator`] alone.
#[derive(Clone, Debug)]
pub struct Moderator {
    pub(super) person: User,
    pub(super) room: Room,
}

impl Moderator {
    pub fn user(&self) -> &User {
        &self.person
    }

    pub fn room(&self) -> &Room {
        &self.room
    }
}

/// The right to rename and to delete a room. Says nothing about reading it: administrators have it for
/// every room but direct conversations. Made by [`super::Rooms`] alone.
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

/// A deleted room with the right to restore it. Made by [`super::Rooms::deleted`] alone.
#[derive(Clone, Debug)]
pub struct DeletedRoom {
    pub id: RoomId,
    pub name: String,
    pub deleted_at: Timestamp,
    pub(super) actor: UserId,
}

/// A room as administrators see it in their list, whether or not they may read it.
#[derive(Clone, Debug)]
pub struct RoomSummary {
    pub id: RoomId,
    pub name: String,
    pub visibility: Visibility,
    pub lobby: bool,
    /// Handle and display name.
    pub owner: Option<(String, String)>,
    pub members: i64,
    pub messages: i64,
    /// Since when it is deleted.
    pub deleted_at: Option<Timestamp>,
}

/// The one rule about who may see what is said in a room.
pub(super) fn may_read(room: &Room) -> bool {
    room.visibility == Visibility::Public || room.is_member()
}

/// Who may change a room: its owner; for the lobby, which nobody owns, an administrator.
pub fn may_change(person: &User, room: &Room) -> bool {
    room.owner_id == Some(person.id) || (room.lobby && person.role == Role::Admin)
}

/// Who may keep order in a room that they may read, deleting what others wrote and removing members: its
/// owner, and administrators. In a direct conversation, which is its two people's alone, nobody may.
pub fn may_moderate(person: &User, room: &Room) -> bool {
    room.visibility != Visibility::Direct
        && may_read(room)
        && (room.owner_id == Some(person.id) || person.role == Role::Admin)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            last_seq: Seq(7),
            rev: Rev(9),
            last_read_seq,
            unread: 0,
            mentions: 0,
            other: None,
            other_avatar: None,
        }
    }

    fn person(id: i64, role: Role) -> User {
        let (name, display_name) = (String::new(), String::new());
        User { id: UserId(id), name, display_name, bot: false, role, avatar: None }
    }

    #[test]
    fn a_public_room_is_read_by_everybody_and_any_other_by_its_members_alone() {
        let member = Some(Seq(0));
        assert!(may_read(&room(Visibility::Public, None)));
        for visibility in [Visibility::Private, Visibility::Direct] {
            assert!(may_read(&room(visibility, member)));
            assert!(!may_read(&room(visibility, None)));
        }
    }

    #[test]
    fn a_room_is_changed_by_its_owner_and_the_lobby_by_administrators() {
        let theirs = room(Visibility::Public, None);
        assert!(may_change(&person(1, Role::Member), &theirs));
        assert!(!may_change(&person(2, Role::Admin), &theirs));
        let lobby = Room { lobby: true, owner_id: None, ..theirs };
        assert!(may_change(&person(2, Role::Admin), &lobby));
        assert!(!may_change(&person(2, Role::Member), &lobby));
    }

    #[test]
    fn order_is_kept_by_the_owner_and_by_administrators_where_they_may_read() {
        use Visibility::{Direct, Private, Public};
        let (owner, admin, other) =
            (person(1, Role::Member), person(2, Role::Admin), person(3, Role::Member));
        let (inside, outside) = (Some(Seq(0)), None);
        for (who, visibility, read, may) in [
            (&owner, Public, inside, true),
            (&owner, Private, inside, true),
            (&owner, Private, outside, false),
            (&owner, Direct, inside, false),
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
    fn a_room_has_a_name_of_one_line_and_may_have_a_topic() {
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
