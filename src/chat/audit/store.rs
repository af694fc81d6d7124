//! The SQL of the audit log.

use super::model::{Action, AuditEntry, AuditId, Columns};
use crate::chat::accounts::model::UserRef;
use crate::db::{Db, Transaction, column_type, execute, fetch_all};
use crate::kernel::paging::{Limit, Page};
use crate::kernel::{Timestamp, UserId};

column_type!(AuditId as i64, |id| id.0, |id| Ok(Self(id)));

/// Records an action in the caller's transaction. The actor is `None` for the command line.
pub(in crate::chat) async fn record(
    transaction: &mut Transaction,
    actor: Option<UserId>,
    action: Action<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let Columns { action, subject, detail } = action.columns();
    execute!(
        transaction,
        "insert into audit (at, actor_id, action, subject_kind, subject_id, subject_name, detail)
         values ($1, $2, $3, $4, $5, $6, $7)",
        now,
        actor,
        action,
        subject.kind,
        subject.id,
        subject.name,
        detail.to_string(),
    )?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct AuditRow {
    id: AuditId,
    at: Timestamp,
    action: String,
    subject_kind: String,
    subject_id: Option<i64>,
    subject_name: Option<String>,
    detail: String,
    #[sqlx(flatten)]
    actor: ActorRow,
}

/// The acting user; no column is set for the command line.
#[derive(sqlx::FromRow)]
struct ActorRow {
    actor_id: Option<UserId>,
    name: Option<String>,
    display_name: Option<String>,
    bot: Option<i64>,
    avatar: Option<String>,
}

impl ActorRow {
    fn user(self) -> Option<UserRef> {
        Some(UserRef {
            id: self.actor_id?,
            name: self.name?,
            display_name: self.display_name?,
            bot: self.bot? != 0,
            avatar: self.avatar,
        })
    }
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            at: row.at,
            actor: row.actor.user(),
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
    let rows: Vec<AuditRow> = fetch_all!(
        db,
        "select a.id, a.at, a.action, a.subject_kind, a.subject_id, a.subject_name, a.detail,
                a.actor_id, u.name, u.display_name, u.bot, u.avatar
         from audit a left join users u on u.id = a.actor_id
         where a.id < $1 order by a.id desc limit $2",
        before.unwrap_or(AuditId(i64::MAX)),
        limit.plus_one(),
    )?;
    Ok(Page::cut(rows.into_iter().map(AuditEntry::from).collect(), limit))
}
