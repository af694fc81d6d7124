//! The members of a room: their ids, and lists of them.

use crate::chat::accounts::model::{ListedUser, User};
use crate::chat::accounts::{LISTED_USER_COLUMNS, ListedUserRow, USER_COLUMNS, UserRow};
use crate::chat::names::model::NameFilter;
use crate::chat::names::store::fetch_list_page;
use crate::db::{Db, fetch_all, fetch_all_json, fetch_scalars, json_rows, positional_row};
use crate::kernel::paging::{Limit, ListPage, Page, PageStart};
use crate::kernel::{RoomId, UserId};

/// The ids of the members of a room with an open account.
pub(in crate::chat::rooms) async fn members(
    db: &Db,
    room: RoomId,
) -> Result<Vec<UserId>, sqlx::Error> {
    fetch_scalars!(
        db,
        "select m.user_id from memberships m join users u on u.id = m.user_id
         where m.room_id = $1 and u.deactivated_at is null",
        room,
    )
}

/// The members of a room by id, after `after`.
pub(in crate::chat::rooms) async fn members_after(
    db: &Db,
    room: RoomId,
    after: UserId,
    limit: Limit,
) -> Result<Page<User>, sqlx::Error> {
    let rows: Vec<UserRow> = fetch_all!(
        db,
        concat!(
            "select ",
            USER_COLUMNS!(),
            " from memberships m join users u on u.id = m.user_id
             where m.room_id = $1 and m.user_id > $2 and u.deactivated_at is null
             order by m.user_id limit $3"
        ),
        room,
        after,
        limit.plus_one(),
    )?;
    Ok(Page::cut(rows.into_iter().map(User::from).collect(), limit))
}

/// A page of the members of a room, by name.
pub(in crate::chat::rooms) async fn member_page(
    db: &Db,
    room: RoomId,
    filter: &NameFilter,
    start: &PageStart,
) -> Result<ListPage<ListedUser>, sqlx::Error> {
    let rows: Vec<ListedUserRow> = fetch_list_page!(
        db,
        start,
        LISTED_USER_COLUMNS!(),
        "from memberships m join users u on u.id = m.user_id
         where m.room_id = $1 and u.deactivated_at is null
           and u.filter_text like $2 escape '\\'",
        order by ("u.sort_key", "u.id") from "$3", "$4", "$5",
        room,
        filter.pattern(),
    )?;
    let rows = rows.into_iter().map(ListedUser::from).collect();
    Ok(ListPage::cut(rows, start, ListedUser::position))
}

/// The first `limit` members of a room, by name.
pub(in crate::chat::rooms) async fn first_members(
    db: &Db,
    room: RoomId,
    limit: i64,
) -> Result<Vec<ListedUser>, sqlx::Error> {
    let rows: Vec<ListedUserRow> = fetch_all_json!(
        db,
        LISTED_USER_COLUMNS!(),
        "from memberships m join users u on u.id = m.user_id
         where m.room_id = $1 and u.deactivated_at is null
         order by u.sort_key, u.id limit $2",
        room,
        limit,
    )?;
    Ok(rows.into_iter().map(ListedUser::from).collect())
}

/// The ids of all members of a room, by name.
pub(in crate::chat::rooms) async fn members_by_name(
    db: &Db,
    room: RoomId,
) -> Result<Vec<UserId>, sqlx::Error> {
    positional_row! {
        struct MemberRow {
            user: UserId,
        }
    }
    let rows: Vec<MemberRow> = fetch_all_json!(
        db,
        "u.id",
        "from memberships m join users u on u.id = m.user_id
         where m.room_id = $1 and u.deactivated_at is null
         order by u.sort_key, u.id",
        room,
    )?;
    Ok(rows.into_iter().map(|row| row.user).collect())
}

/// Those of the users who are members of the room, by name.
pub(in crate::chat::rooms) async fn members_among(
    db: &Db,
    room: RoomId,
    users: &[UserId],
) -> Result<Vec<ListedUser>, sqlx::Error> {
    let rows: Vec<ListedUserRow> = fetch_all_json!(
        db,
        LISTED_USER_COLUMNS!(),
        "from jsonb_each($2) given
         join memberships m on m.user_id = cast(given.value as bigint) and m.room_id = $1
         join users u on u.id = m.user_id
         where u.deactivated_at is null
         order by u.sort_key, u.id",
        room,
        json_rows(users),
    )?;
    Ok(rows.into_iter().map(ListedUser::from).collect())
}
