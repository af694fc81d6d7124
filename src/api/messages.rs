//! Messages.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, put};
use axum::{Json, Router};
use serde::Deserialize;

use super::shapes::{MessageShape, Paged};
use crate::chat::messages::model::{Draft, Emoji, Kind, MessageBody, Nonce, Window};
use crate::http::{CanAmend, CanPost, CanRead, CanSee, JsonBody, Problem, Query, Site};
use crate::kernel::paging::Limit;
use crate::kernel::{Invalid, MessageId, Rev, Seq};

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/rooms/{id}/messages", get(index).post(create))
        .route("/messages/{id}", patch(update).delete(destroy))
        .route("/messages/{id}/reactions/{emoji}", put(react).delete(unreact))
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

#[derive(Deserialize, Default)]
#[serde(default)]
struct Edit {
    body: String,
}

async fn update(
    State(site): State<Site>,
    CanAmend(author): CanAmend,
    JsonBody(edit): JsonBody<Edit>,
) -> Result<Response, Problem> {
    let edited = site.messages.edit(author, MessageBody::parse(&edit.body)?).await?;
    Ok(Json(MessageShape::from(&*edited.message)).into_response())
}

async fn destroy(
    State(site): State<Site>,
    CanAmend(author): CanAmend,
) -> Result<StatusCode, Problem> {
    site.messages.delete(author).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Chosen {
    emoji: String,
}

/// Reacting is taking part: in a public room it joins, as posting does.
async fn react(
    State(site): State<Site>,
    CanSee { reader, message }: CanSee,
    Path(chosen): Path<Chosen>,
) -> Result<StatusCode, Problem> {
    let emoji = Emoji::parse(&chosen.emoji)?;
    let member = site.rooms.member(reader.person(), message.room).await?;
    site.messages.react(&member, message.id, emoji).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn unreact(
    State(site): State<Site>,
    CanSee { reader, message }: CanSee,
    Path(chosen): Path<Chosen>,
) -> Result<StatusCode, Problem> {
    let emoji = Emoji::parse(&chosen.emoji)?;
    site.messages.unreact(&reader, message.id, emoji).await?;
    Ok(StatusCode::NO_CONTENT)
}
