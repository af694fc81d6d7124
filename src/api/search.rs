//! Search.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::shapes::{MessageShape, Paged};
use crate::chat::search::model;
use crate::http::{Problem, Query, Site, Viewer};
use crate::kernel::MessageId;
use crate::kernel::paging::Limit;

pub(super) fn router() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(index))
}

#[derive(Deserialize, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct Wanted {
    /// What to look for: words, `"phrases"`, `from:NAME`, `in:ROOM`, `before:DATE`, `after:DATE`,
    /// `has:link`, `is:direct`, `-word`.
    q: String,
    /// Messages with a smaller `id`.
    #[param(nullable = false, value_type = Option<i64>)]
    before: Option<MessageId>,
    /// How many at most, 1 to 100.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
}

/// Searches all that you may read, the newest first.
#[utoipa::path(
    get,
    path = "/search",
    operation_id = "search",
    tag = "messages",
    params(Wanted),
    responses(
        (status = 200, description = "Messages, the newest first.", body = Paged<MessageShape<'static>>),
        (status = 422, description = "A `limit` out of range."),
        (status = 429, description = "Too many searches, or more than two at the same time."),
    ),
)]
async fn index(
    State(site): State<Site>,
    Viewer(me): Viewer,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let limit = Limit::parse(wanted.limit)?;
    let query = model::Query::parse(&wanted.q);
    let hits = site.search.find(&me.person, &query, wanted.before, limit).await?;
    let found = site.messages.found(&hits.items).await?;
    let items: Vec<MessageShape<'_>> = found.iter().map(MessageShape::from).collect();
    Ok(Json(Paged { items, more: hits.more }).into_response())
}
