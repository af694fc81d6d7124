//! The audit log, for administrators.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::schemas::{Author, Paged};
use crate::chat::audit::Audit;
use crate::chat::audit::model::{AuditEntry, AuditId};
use crate::http::request::auth::CanAdminister;
use crate::http::{AppState, Problem, Query};
use crate::kernel::paging::Limit;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(index))
}

/// The target of an action.
#[derive(Serialize, ToSchema)]
struct Subject<'a> {
    /// `user`, `room`, `message`, `emoji` or `settings`.
    kind: &'a str,
    id: Option<i64>,
    /// Its name at that time.
    name: Option<&'a str>,
}

/// A recorded action.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry, example = json!({
    "id": 12, "at": "2026-11-21T10:00:00.000Z",
    "actor": {"id": 2, "name": "ada", "display_name": "Ada Lovelace", "bot": false},
    "action": "message.delete", "subject": {"kind": "message", "id": 9, "name": null},
    "detail": {"room_id": 7, "room": "Garden", "author_id": 3, "author": "luis"}
}))]
struct AuditShape<'a> {
    #[schema(value_type = i64)]
    id: AuditId,
    #[schema(format = DateTime)]
    at: String,
    /// Null for the command line of the server.
    actor: Option<Author<'a>>,
    action: &'a str,
    subject: Subject<'a>,
    /// Names and numbers. Never contains message text.
    #[schema(value_type = Object)]
    detail: &'a Value,
}

impl<'a> From<&'a AuditEntry> for AuditShape<'a> {
    fn from(entry: &'a AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at.rfc3339(),
            actor: entry.actor.as_ref().map(Author::from),
            action: &entry.action,
            subject: Subject {
                kind: &entry.subject_kind,
                id: entry.subject_id,
                name: entry.subject_name.as_deref(),
            },
            detail: &entry.detail,
        }
    }
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Before {
    /// Entries with a smaller `id`.
    #[param(nullable = false, value_type = Option<i64>)]
    before: Option<AuditId>,
    /// The maximum number of entries.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
}

/// Read the audit log
///
/// For administrators: who deleted, renamed, removed, closed or promoted what, newest first.
/// Entries are never changed or deleted.
#[utoipa::path(
    get,
    path = "/audit",
    tag = "people",
    params(Before),
    responses(
        (status = 200, description = "Entries, newest first.", body = Paged<AuditShape<'static>>),
        (status = 403, description = "You are not an administrator."),
        (status = 422, description = "The `limit` is out of range."),
    ),
)]
async fn index(
    State(audit): State<Audit>,
    CanAdminister(admin): CanAdminister,
    Query(page): Query<Before>,
) -> Result<Response, Problem> {
    let limit = Limit::parse(page.limit)?;
    let found = audit.page(&admin, page.before, limit).await?;
    let items: Vec<AuditShape<'_>> = found.items.iter().map(AuditShape::from).collect();
    Ok(Json(Paged { items, more: found.more }).into_response())
}
