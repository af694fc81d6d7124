//! Lists of users and accounts, by name.

use super::{USER_COLUMNS, UserRow, user_row};
use crate::chat::accounts::model::{Account, Erasure, ListedUser, User};
use crate::chat::names::model::NameFilter;
use crate::chat::names::store::fetch_list_page;
use crate::db::{Db, fetch_all_json, fetch_scalar};
use crate::kernel::paging::{ListPage, PageStart};
use crate::kernel::{Timestamp, UserId};

user_row! {
    /// The columns of [`LISTED_USER_COLUMNS!`].
    pub(in crate::chat) struct ListedUserRow {
        sort_key: String,
    }
}

/// The columns of a [`ListedUserRow`], of the table `u`.
macro_rules! LISTED_USER_COLUMNS {
    () => {
        concat!($crate::chat::accounts::USER_COLUMNS!(), ", coalesce(u.sort_key, '')")
    };
}
pub(in crate::chat) use LISTED_USER_COLUMNS;

impl From<ListedUserRow> for ListedUser {
    fn from(mut row: ListedUserRow) -> Self {
        Self { user: row.take_user(), sort_key: row.sort_key }
    }
}

/// All users with an open account, by name.
pub(in crate::chat::accounts) async fn list(db: &Db) -> Result<Vec<User>, sqlx::Error> {
    let rows: Vec<UserRow> = fetch_all_json!(
        db,
        USER_COLUMNS!(),
        "from users u where u.deactivated_at is null order by u.sort_key, u.id",
    )?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// A page of the users with an open account, by name.
pub(in crate::chat::accounts) async fn page(
    db: &Db,
    filter: &NameFilter,
    start: &PageStart,
) -> Result<ListPage<ListedUser>, sqlx::Error> {
    let rows: Vec<ListedUserRow> = fetch_list_page!(
        db,
        start,
        LISTED_USER_COLUMNS!(),
        "from users u where u.deactivated_at is null and u.filter_text like $1 escape '\\'",
        order by ("u.sort_key", "u.id") from "$2", "$3", "$4",
        filter.pattern(),
    )?;
    let rows = rows.into_iter().map(ListedUser::from).collect();
    Ok(ListPage::cut(rows, start, ListedUser::position))
}

/// How many accounts are open.
pub(in crate::chat::accounts) async fn count(db: &Db) -> Result<i64, sqlx::Error> {
    fetch_scalar!(db, "select count(*) from users where deactivated_at is null")
}

user_row! {
    /// The columns of `ACCOUNT_COLUMNS!`.
    struct AccountRow {
        sort_key: String,
        email: String,
        created_at: Timestamp,
        deactivated_at: Option<Timestamp>,
        deleted: Option<i64>,
        finished_at: Option<Timestamp>,
        percent: i64,
    }
}

/// The columns of an [`AccountRow`]. `deleted` counts the messages that an erasure deleted; null if none was
/// requested.
macro_rules! ACCOUNT_COLUMNS {
    () => {
        concat!(
            LISTED_USER_COLUMNS!(),
            ", u.email, u.created_at, u.deactivated_at, e.deleted, e.finished_at,
             case when e.newest > 0 then (e.newest + 1 - e.before) * 100 / e.newest
                  else 100 end"
        )
    };
}

impl From<AccountRow> for Account {
    fn from(mut row: AccountRow) -> Self {
        Self {
            user: row.take_user(),
            sort_key: row.sort_key,
            email: row.email,
            created_at: row.created_at,
            active: row.deactivated_at.is_none(),
            erasure: row.deleted.map(|deleted| Erasure {
                deleted,
                percent: row.percent.clamp(0, 100),
                finished: row.finished_at.is_some(),
            }),
        }
    }
}

/// All accounts, including closed ones, by name.
pub(in crate::chat::accounts) async fn accounts(db: &Db) -> Result<Vec<Account>, sqlx::Error> {
    let rows: Vec<AccountRow> = fetch_all_json!(
        db,
        ACCOUNT_COLUMNS!(),
        "from users u left join erasures e on e.user_id = u.id order by u.sort_key, u.id",
    )?;
    Ok(rows.into_iter().map(Account::from).collect())
}

/// A page of all accounts, including closed ones, by name. The filter finds addresses, too.
pub(in crate::chat::accounts) async fn account_page(
    db: &Db,
    filter: &NameFilter,
    start: &PageStart,
) -> Result<ListPage<Account>, sqlx::Error> {
    let rows: Vec<AccountRow> = fetch_list_page!(
        db,
        start,
        ACCOUNT_COLUMNS!(),
        "from users u left join erasures e on e.user_id = u.id
         where (u.filter_text like $1 escape '\\' or u.email like $1 escape '\\')",
        order by ("u.sort_key", "u.id") from "$2", "$3", "$4",
        filter.pattern(),
    )?;
    let rows = rows.into_iter().map(Account::from).collect();
    Ok(ListPage::cut(rows, start, Account::position))
}

/// An account, open or closed.
pub(in crate::chat::accounts) async fn account(
    db: &Db,
    user: UserId,
) -> Result<Option<Account>, sqlx::Error> {
    let rows: Vec<AccountRow> = fetch_all_json!(
        db,
        ACCOUNT_COLUMNS!(),
        "from users u left join erasures e on e.user_id = u.id where u.id = $1",
        user,
    )?;
    Ok(rows.into_iter().next().map(Account::from))
}
