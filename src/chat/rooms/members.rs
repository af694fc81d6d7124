//! Lists of the members of a room.

use std::collections::{HashMap, HashSet};

use super::model::{MemberOverview, MemberSelection, Reader};
use super::{Rooms, store};
use crate::chat::accounts::model::{ListedUser, User};
use crate::chat::names::model::NameFilter;
use crate::kernel::paging::{Limit, ListPage, Page, PageStart};
use crate::kernel::{ServiceError, UserId};
use crate::limits::request::LIST_ENTRIES;

impl Rooms {
    /// The ids of the members.
    pub async fn members(&self, reader: &Reader) -> Result<Vec<UserId>, ServiceError> {
        Ok(store::members(&self.db, reader.room.id).await?)
    }

    /// The members with an id greater than `after`, in ascending order of id.
    pub async fn members_after(
        &self,
        reader: &Reader,
        after: UserId,
        limit: Limit,
    ) -> Result<Page<User>, ServiceError> {
        Ok(store::members_after(&self.db, reader.room.id, after, limit).await?)
    }

    /// A page of the members, by name.
    pub async fn member_page(
        &self,
        reader: &Reader,
        filter: &NameFilter,
        start: &PageStart,
    ) -> Result<ListPage<ListedUser>, ServiceError> {
        Ok(store::member_page(&self.db, reader.room.id, filter, start).await?)
    }

    /// Those of the users who are members, by name.
    pub async fn members_among(
        &self,
        reader: &Reader,
        users: &[UserId],
    ) -> Result<Vec<ListedUser>, ServiceError> {
        Ok(store::members_among(&self.db, reader.room.id, users).await?)
    }

    /// The members that a room page lists, and how many there are.
    pub async fn member_overview(
        &self,
        reader: &Reader,
        is_online: impl Fn(UserId) -> bool,
    ) -> Result<MemberOverview, ServiceError> {
        let room = reader.room.id;
        let most = 2 * LIST_ENTRIES;
        let rows = i64::try_from(most + 1).unwrap_or(i64::MAX);
        let first = store::first_members(&self.db, room, rows).await?;
        // One query is enough for most rooms.
        let ids = if first.len() > most {
            store::members_by_name(&self.db, room).await?
        } else {
            first.iter().map(|listed| listed.user.id).collect()
        };
        let selection = MemberSelection::of(&ids, is_online);
        let known: HashSet<UserId> = first.iter().map(|listed| listed.user.id).collect();
        let wanted = selection.online.iter().chain(&selection.offline).copied();
        let unknown: Vec<UserId> = wanted.filter(|id| !known.contains(id)).collect();
        let rest = match unknown.as_slice() {
            [] => Vec::new(),
            unknown => store::members_among(&self.db, room, unknown).await?,
        };
        Ok(overview(&ids, &selection, first.into_iter().chain(rest)))
    }
}

fn overview(
    ids: &[UserId],
    selection: &MemberSelection,
    found: impl Iterator<Item = ListedUser>,
) -> MemberOverview {
    let mut found: HashMap<UserId, ListedUser> =
        found.map(|listed| (listed.user.id, listed)).collect();
    let last = selection.listed_up_to.and_then(|id| found.get(&id));
    let more = last.map(ListedUser::position);
    // A user who left since the first query is not found.
    let mut take = |ids: &[UserId]| ids.iter().filter_map(|id| found.remove(id)).collect();
    let mut all = if more.is_some() { ids.to_vec() } else { Vec::new() };
    all.sort_unstable();
    MemberOverview {
        online: take(&selection.online),
        offline: take(&selection.offline),
        online_count: selection.online_count,
        offline_count: ids.len() - selection.online_count,
        more,
        all,
    }
}
