//! The members of direct messages and groups, which never change and identify the room.

use crate::chat::accounts::model::User;
use crate::chat::rooms::model::Visibility;
use crate::kernel::{FieldError, UserId};
use crate::limits::group::MEMBERS;

/// The smallest group. Two users have a direct message.
const FEWEST: usize = 3;

/// The members of a direct message or a group: no two rooms have the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedMembers {
    visibility: Visibility,
    /// In ascending order. The direct message of a user with themselves has one id twice.
    ids: Vec<UserId>,
}

impl FixedMembers {
    /// Of the direct message of two users, or of a user with themselves.
    pub fn pair(one: UserId, two: UserId) -> Self {
        Self { visibility: Visibility::Direct, ids: vec![one.min(two), one.max(two)] }
    }

    /// Of a user's group with others. Naming a user twice, or themselves, changes nothing.
    ///
    /// # Errors
    /// If there are fewer than 2 or more than 19 others.
    pub fn group(user: &User, others: &[User]) -> Result<Self, FieldError> {
        let mut ids: Vec<UserId> = others.iter().chain([user]).map(|user| user.id).collect();
        ids.sort_unstable();
        ids.dedup();
        let members = Self { visibility: Visibility::Group, ids };
        if members.is_valid() { Ok(members) } else { Err(FieldError::new("names", "group-size")) }
    }

    /// The members that a key names; `None` if it is no key of such a room.
    pub fn stored(visibility: Visibility, key: &str) -> Option<Self> {
        let ids: Result<Vec<UserId>, _> = key.split(':').map(|id| id.parse().map(UserId)).collect();
        let members = Self { visibility, ids: ids.ok()? };
        (members.is_valid() && members.key() == key).then_some(members)
    }

    fn is_valid(&self) -> bool {
        match self.visibility {
            Visibility::Direct => self.ids.len() == 2 && self.ids.is_sorted(),
            Visibility::Group => {
                (FEWEST..=MEMBERS).contains(&self.ids.len()) && self.ids.is_sorted_by(|a, b| a < b)
            }
            Visibility::Public | Visibility::Private | Visibility::Thread => false,
        }
    }

    pub fn visibility(&self) -> Visibility {
        self.visibility
    }

    /// What the room is stored under: the ids in ascending order, as `3:8:17`.
    pub fn key(&self) -> String {
        let ids: Vec<String> = self.ids.iter().map(ToString::to_string).collect();
        ids.join(":")
    }

    /// Each once.
    pub fn ids(&self) -> Vec<UserId> {
        let mut ids = self.ids.clone();
        ids.dedup();
        ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::accounts::model::{Profile, Role};

    fn users(ids: impl IntoIterator<Item = i64>) -> Vec<User> {
        let user = |id| User {
            id: UserId(id),
            name: String::new(),
            display_name: String::new(),
            bot: false,
            role: Role::Member,
            avatar: None,
            profile: Profile::default(),
        };
        ids.into_iter().map(user).collect()
    }

    #[test]
    fn a_group_has_3_to_20_members_in_any_order() {
        let group = |me: i64, others: &[i64]| {
            let members = FixedMembers::group(&users([me])[0], &users(others.iter().copied()));
            members.map(|members| members.key())
        };
        assert_eq!(group(8, &[17, 3]).as_deref(), Ok("3:8:17"));
        assert_eq!(group(17, &[8, 3, 8, 17]).as_deref(), Ok("3:8:17"));
        let most: Vec<i64> = (2..=20).collect();
        assert!(group(1, &most).is_ok());
        let too_many: Vec<i64> = (2..=21).collect();
        for others in [&[][..], &[1], &[2], &[2, 2, 1], &too_many] {
            assert!(group(1, others).is_err(), "{others:?}");
        }
    }

    #[test]
    fn a_key_is_read_only_as_it_is_written() {
        use Visibility::{Direct, Group, Private, Public};
        for (visibility, key) in
            [(Direct, "3:17"), (Direct, "3:3"), (Group, "3:8:17"), (Group, "1:2:3:4")]
        {
            let members = FixedMembers::stored(visibility, key).expect(key);
            assert_eq!((members.visibility(), members.key().as_str()), (visibility, key));
        }
        for (visibility, key) in [
            (Direct, "17:3"),
            (Direct, "3"),
            (Direct, "3:8:17"),
            (Direct, "03:17"),
            (Group, "3:17"),
            (Group, "3:17:8"),
            (Group, "3:3:8"),
            (Group, "3:8:+17"),
            (Group, ""),
            (Public, "3:17"),
            (Private, "3:8:17"),
        ] {
            assert!(FixedMembers::stored(visibility, key).is_none(), "{visibility:?} {key}");
        }
        assert_eq!(FixedMembers::pair(UserId(3), UserId(3)).ids(), [UserId(3)]);
    }
}
