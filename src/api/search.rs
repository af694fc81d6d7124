//! Search.

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use super::shapes::{MessageShape, Paged};
use crate::chat::search::model;
use crate::http::{Problem, Query, Site, Viewer};
use crate::kernel::MessageId;
use crate::kernel::paging::Limit;

pub(super) fn router() -> Router<Site> {
    Router::new().route("/search", get(index))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Wanted {
    q: String,
    before: Option<MessageId>,
    limit: Option<i64>,
}

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
