//! The SQL of the audit log.

use super::model::{Action, AuditEntry, AuditId, Columns};
use crate::chat::accounts::model::{Role, User};
use crate::db::{Db, Transaction, reading, writing};
use crate::kernel::paging::{Limit, Page};
use crate::kernel::{Timestamp, UserId};

/// Records an action in the caller's transaction. The actor is `None` for the command line.
pub(in crate::chat) async fn record(
    transaction: &mut Transaction,
    (actor, now): (Option<UserId>, Timestamp),
    action: Action<'_>,
) -> Result<(), sqlx::Error> {
    let Columns { action, subject_kind, subject_id, subject_name, detail } = action.columns();
    writing!(*transaction, |connection| {
        sqlx::query(
            "insert into audit (at, actor_id, action, subject_kind, subject_id, subject_name, detail)
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(now.0)
        .bind(actor.map(|actor| actor.0))
        .bind(action)
        .bind(subject_kind)
        .bind(subject_id)
        .bind(subject_name)
        .bind(detail.to_string())
        .execute(connection)
        .await?
        .rows_affected()
    });
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    at: i64,
    action: String,
    subject_kind: String,
    subject_id: Option<i64>,
    subject_name: Option<String>,
    detail: String,
    actor_id: Option<i64>,
    name: Option<String>,
    display_name: Option<String>,
    bot: Option<i64>,
    role: Option<String>,
    avatar: Option<String>,
}

impl From<Row> for AuditEntry {
    fn from(row: Row) -> Self {
        let actor = row.actor_id.map(|id| User {
            id: UserId(id),
            name: row.name.unwrap_or_default(),
            display_name: row.display_name.unwrap_or_default(),
            bot: row.bot == Some(1),
            role: Role::from_column(&row.role.unwrap_or_default()),
            avatar: row.avatar,
        });
        Self {
            id: AuditId(row.id),
            at: Timestamp(row.at),
            actor,
            action: row.action,
            subject_kind: row.subject_kind,
            subject_id: row.subject_id,
            subject_name: row.subject_name,
            detail: serde_json::from_str(&row.detail).unwrap_or_default(),
        }
    }
}

/// Entries before the given one (or the newest), newest first.
pub(super) async fn page(
    db: &Db,
    before: Option<AuditId>,
    limit: Limit,
) -> Result<Page<AuditEntry>, sqlx::Error> {
    let rows: Vec<Row> = reading!(db, |pool| {
        sqlx::query_as(
            "select a.id, a.at, a.action, a.subject_kind, a.subject_id, a.subject_name, a.detail,
                    a.actor_id, u.name, u.display_name, u.bot, u.role, u.avatar
             from audit a left join users u on u.id = a.actor_id
             where a.id < $1 order by a.id desc limit $2",
        )
        .bind(before.map_or(i64::MAX, |id| id.0))
        .bind(limit.plus_one())
        .fetch_all(pool)
        .await?
    });
    Ok(Page::cut(rows.into_iter().map(AuditEntry::from).collect(), limit))
}
