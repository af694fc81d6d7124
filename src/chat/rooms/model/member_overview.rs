//! Which members a room page lists: at most a page of those online and a page of the others, by name.

use crate::chat::accounts::model::ListedUser;
use crate::kernel::UserId;
use crate::kernel::paging::Position;
use crate::limits::request::LIST_ENTRIES;

/// The members that a room page lists, and how many there are.
#[derive(Debug, Default)]
pub struct MemberOverview {
    /// The first ones by name.
    pub online: Vec<ListedUser>,
    pub offline: Vec<ListedUser>,
    pub online_count: usize,
    pub offline_count: usize,
    /// If not all members are listed: where the list of all continues. Those up to here are listed.
    pub more: Option<Position>,
    /// If not all members are listed: the ids of all, in ascending order.
    pub all: Vec<UserId>,
}

impl MemberOverview {
    pub fn count(&self) -> usize {
        self.online_count + self.offline_count
    }
}

/// The members that an overview lists, by their places in the list of all by name.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::chat::rooms) struct MemberSelection {
    pub online: Vec<UserId>,
    pub offline: Vec<UserId>,
    pub online_count: usize,
    /// The last member before the first one that is not listed; `None` if all are.
    pub listed_up_to: Option<UserId>,
}

impl MemberSelection {
    /// `members` are all members by name.
    pub fn of(members: &[UserId], is_online: impl Fn(UserId) -> bool) -> Self {
        let mut selection =
            Self { online: Vec::new(), offline: Vec::new(), online_count: 0, listed_up_to: None };
        let mut previous = None;
        for id in members.iter().copied() {
            let online = is_online(id);
            selection.online_count += usize::from(online);
            let list = if online { &mut selection.online } else { &mut selection.offline };
            if list.len() < LIST_ENTRIES {
                list.push(id);
            } else if selection.listed_up_to.is_none() {
                selection.listed_up_to = previous;
            }
            previous = Some(id);
        }
        selection
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(members: i64, is_online: impl Fn(i64) -> bool) -> MemberSelection {
        let members: Vec<UserId> = (1..=members).map(UserId).collect();
        MemberSelection::of(&members, |id| is_online(id.0))
    }

    #[test]
    fn a_selection_has_the_first_of_both_lists_and_counts_all() {
        let all = select(200, |id| id % 2 == 0);
        assert_eq!((all.online.len(), all.offline.len()), (100, 100));
        assert_eq!((all.online_count, all.listed_up_to), (100, None));

        let few_online = select(3_000, |id| id > 2_990);
        assert_eq!(few_online.online.first(), Some(&UserId(2_991)));
        assert_eq!((few_online.online.len(), few_online.online_count), (10, 10));
        assert_eq!(few_online.offline.last(), Some(&UserId(100)));
        assert_eq!(few_online.listed_up_to, Some(UserId(100)));

        let all_online = select(3_000, |_| true);
        assert_eq!((all_online.online.len(), all_online.online_count), (100, 3_000));
        assert!(all_online.offline.is_empty());
        assert_eq!(all_online.listed_up_to, Some(UserId(100)));

        let mixed = select(1_000, |id| id % 4 == 0);
        assert_eq!(mixed.offline.last(), Some(&UserId(133)));
        // 134 is the first one who is not listed. 400 is online and listed, too.
        assert_eq!(mixed.listed_up_to, Some(UserId(133)));
        assert_eq!(mixed.online.last(), Some(&UserId(400)));
    }
}
