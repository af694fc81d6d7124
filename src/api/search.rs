//! Search.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::schemas::MessageShape;
use crate::chat::search::model::{self, Cursor, Found};
use crate::http::{AppState, Problem, Query, Viewer};
use crate::kernel::MessageId;
use crate::kernel::paging::Limit;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(index))
}

#[derive(Deserialize, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct SearchQuery {
    /// What to look for: words, `"phrases"`, `from:NAME`, `in:ROOM`, `on:DATE`, `before:DATE`,
    /// `after:DATE`, `has:link`, `is:direct`; a `-` before any of them leaves out. Days are those of your
    /// time zone.
    q: String,
    /// Messages with a smaller `id`.
    #[param(nullable = false, value_type = Option<i64>)]
    before: Option<MessageId>,
    /// The `next` of the page before, in place of `before`.
    #[param(nullable = false, value_type = Option<String>)]
    cursor: Option<String>,
    /// How many at most, 1 to 100.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
}

/// A page of what was found.
#[derive(Serialize, ToSchema)]
struct Results<'a> {
    items: Vec<MessageShape<'a>>,
    /// Whether the search goes on behind it. It may where nothing was found yet: one request
    /// compares only so many messages.
    more: bool,
    /// What to pass as `cursor` for the next page.
    next: Option<String>,
    /// False while messages from before an update or an import are still being indexed: some may be
    /// missing.
    complete: bool,
}

/// Searches all that you may read, the newest first.
#[utoipa::path(
    get,
    path = "/search",
    operation_id = "search",
    tag = "messages",
    params(SearchQuery),
    responses(
        (status = 200, description = "Messages, the newest first.", body = Results<'static>),
        (status = 422, description = "A `limit` out of range, or a `cursor` that is none."),
        (status = 429, description = "Too many searches, or more than two at the same time."),
    ),
)]
async fn index(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    Query(wanted): Query<SearchQuery>,
) -> Result<Response, Problem> {
    let limit = Limit::parse(wanted.limit)?;
    let cursor = wanted.cursor.as_deref().map(Cursor::parse).transpose()?;
    let query = model::Query::parse(&wanted.q, &me.zone);
    let from = cursor.or(wanted.before.map(Cursor::behind));
    let Found { hits, next, complete } = site.search.find(&me.person, &query, from, limit).await?;
    let found = site.messages.found(&hits).await?;
    let items = found.iter().map(MessageShape::from).collect();
    let (more, next) = (next.is_some(), next.map(|next| next.to_string()));
    Ok(Json(Results { items, more, next, complete }).into_response())
}
