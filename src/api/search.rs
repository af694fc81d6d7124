//! Message search.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::schemas::MessageShape;
use crate::chat::messages::Messages;
use crate::chat::search::Search;
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
    /// The query: words, `"phrases"`, `from:NAME`, `in:ROOM`, `on:DATE`, `before:DATE`,
    /// `after:DATE`, `has:link`, `has:file`, `has:image`, `has:video`, `has:audio`, `filename:NAME`,
    /// `is:direct`. A `-` before any of them excludes it. Dates are in your time zone.
    q: String,
    /// Messages with a smaller `id`.
    #[param(nullable = false, value_type = Option<i64>)]
    before: Option<MessageId>,
    /// The `next` of the previous page, instead of `before`.
    #[param(nullable = false, value_type = Option<String>)]
    cursor: Option<String>,
    /// The maximum number of messages, 1 to 100.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
}

/// A page of search results.
#[derive(Serialize, ToSchema)]
struct Results<'a> {
    items: Vec<MessageShape<'a>>,
    /// Whether there may be more results after this page. A page can be empty and still have more:
    /// one request compares a limited number of messages.
    more: bool,
    /// The `cursor` of the next page.
    next: Option<String>,
    /// False while old messages are being indexed after an update or import. Some results may be
    /// missing.
    complete: bool,
}

/// Searches all messages that you can read, newest first.
#[utoipa::path(
    get,
    path = "/search",
    operation_id = "search",
    tag = "messages",
    params(SearchQuery),
    responses(
        (status = 200, description = "Messages, newest first.", body = Results<'static>),
        (status = 422, description = "The `limit` is out of range, or the `cursor` is malformed."),
        (status = 429, description = "Too many searches, or more than two at the same time."),
    ),
)]
async fn index(
    State(search): State<Search>,
    State(messages): State<Messages>,
    Viewer(me): Viewer,
    Query(wanted): Query<SearchQuery>,
) -> Result<Response, Problem> {
    let limit = Limit::parse(wanted.limit)?;
    let cursor = wanted.cursor.as_deref().map(Cursor::parse).transpose()?;
    let query = model::Query::parse(&wanted.q, &me.zone);
    let from = cursor.or(wanted.before.map(Cursor::behind));
    let Found { hits, next, complete } = search.find(&me.user, &query, from, limit).await?;
    let found = messages.found(&hits).await?;
    let items = found.iter().map(MessageShape::from).collect();
    let more = next.is_some();
    let next = next.map(|next| next.to_string());
    Ok(Json(Results { items, more, next, complete }).into_response())
}
