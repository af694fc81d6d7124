//! Messages.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;

use super::shapes::{MessageShape, Paged};
use crate::chat::messages::model::{Draft, Kind, MessageBody, Nonce, Window};
use crate::http::{CanPost, CanRead, JsonBody, Problem, Query, Site};
use crate::kernel::paging::Limit;
use crate::kernel::{Invalid, MessageId, Rev, Seq};

pub(super) fn router() -> Router<Site> {
    Router::new().route("/rooms/{id}/messages", get(index).post(create))
}

#[derive(Deserialize)]
struct Place {
    before: Option<i64>,
    after: Option<i64>,
    around: Option<i64>,
    since_rev: Option<i64>,
    limit: Option<i64>,
}

/// What a query asks for: a part of the history, or what changed.
enum Wanted {
    Window(Window),
    Since(Rev),
}

impl Place {
    fn wanted(&self) -> Result<Wanted, Invalid> {
        match (self.before, self.after, self.around, self.since_rev) {
            (None, None, None, None) => Ok(Wanted::Window(Window::Newest)),
            (Some(seq), None, None, None) => Ok(Wanted::Window(Window::Before(Seq(seq)))),
            (None, Some(seq), None, None) => Ok(Wanted::Window(Window::After(Seq(seq)))),
            (None, None, Some(seq), None) => Ok(Wanted::Window(Window::Around(Seq(seq)))),
            (None, None, None, Some(rev)) => Ok(Wanted::Since(Rev(rev))),
            _ => Err(Invalid::new("query", "query-one-place")),
        }
    }
}

async fn index(
    State(site): State<Site>,
    CanRead(reader): CanRead,
    Query(place): Query<Place>,
) -> Result<Response, Problem> {
    let limit = Limit::parse(place.limit)?;
    let found = match place.wanted()? {
        Wanted::Window(window) => site.messages.page(&reader, window, limit).await?,
        Wanted::Since(rev) => site.messages.since(&reader, rev, limit).await?,
    };
    let items: Vec<MessageShape<'_>> = found.items.iter().map(MessageShape::from).collect();
    Ok(Json(Paged { items, more: found.more }).into_response())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NewMessage {
    body: String,
    nonce: Option<String>,
    reply_to: Option<MessageId>,
}

async fn create(
    State(site): State<Site>,
    CanPost(member): CanPost,
    JsonBody(new): JsonBody<NewMessage>,
) -> Result<Response, Problem> {
    let body = MessageBody::parse(&new.body)?;
    let nonce = new.nonce.as_deref().map(Nonce::parse).transpose()?;
    let draft = Draft { kind: Kind::Text, body, nonce, reply_to: new.reply_to };
    let posted = site.messages.post(member, draft).await?;
    let status = if posted.new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(MessageShape::from(&*posted.message))).into_response())
}
