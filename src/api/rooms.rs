//! Rooms: which there are, making and changing them, coming and going.

use std::collections::HashMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;

use super::shapes::{Counts, Items, RoomShape};
use crate::chat::accounts::model::Person;
use crate::chat::rooms::model::{Member, NewRoom, Reader, RoomChange, RoomName, RoomTopic};
use crate::http::{CanChange, CanPost, CanRead, JsonBody, Problem, Site, Viewer};
use crate::kernel::{RoomId, Seq, UserId};

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/rooms", get(index).post(create))
        .route("/rooms/{id}", get(show).patch(update))
        .route("/rooms/{id}/join", post(join))
        .route("/rooms/{id}/leave", post(leave))
        .route("/rooms/{id}/read", put(mark_read))
        .route("/join", post(join_by_code))
        .route("/direct", post(direct))
}

async fn index(State(site): State<Site>, Viewer(me): Viewer) -> Result<Response, Problem> {
    let rooms = site.rooms.list(&me.person).await?;
    let online = site.presence.online();
    let mut members: HashMap<RoomId, Vec<UserId>> = HashMap::new();
    for (room, user) in site.rooms.memberships(&me.person).await? {
        members.entry(room).or_default().push(user);
    }
    let counts = |id| members.get(&id).map_or(Counts::default(), |all| Counts::of(all, &online));
    let items = rooms.iter().map(|room| RoomShape::new(room, counts(room.id))).collect();
    Ok(Json(Items { items }).into_response())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RoomForm {
    name: String,
    topic: String,
    visibility: String,
}

async fn create(
    State(site): State<Site>,
    Viewer(me): Viewer,
    JsonBody(form): JsonBody<RoomForm>,
) -> Result<Response, Problem> {
    let new = NewRoom::parse(&form.name, &form.topic, &form.visibility);
    let member = site.rooms.create(&me.person, &new.map_err(Problem::invalid)?).await?;
    Ok((StatusCode::CREATED, fresh(&site, &member).await?).into_response())
}

async fn show(State(site): State<Site>, CanRead(reader): CanRead) -> Result<Response, Problem> {
    document(&site, &reader).await
}

#[derive(Deserialize)]
struct ChangeForm {
    name: Option<String>,
    topic: Option<String>,
}

async fn update(
    State(site): State<Site>,
    CanChange(owner): CanChange,
    JsonBody(form): JsonBody<ChangeForm>,
) -> Result<Response, Problem> {
    let change = RoomChange {
        name: form.name.as_deref().map(RoomName::parse).transpose()?,
        topic: form.topic.as_deref().map(RoomTopic::parse).transpose()?,
    };
    site.rooms.update(&owner, &change).await?;
    anew(&site, owner.person(), owner.room().id).await
}

async fn join(State(site): State<Site>, CanPost(member): CanPost) -> Result<Response, Problem> {
    fresh(&site, &member).await
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CodeForm {
    code: String,
}

async fn join_by_code(
    State(site): State<Site>,
    Viewer(me): Viewer,
    JsonBody(form): JsonBody<CodeForm>,
) -> Result<Response, Problem> {
    let member = site.rooms.join_by_code(&me.person, &form.code).await?;
    fresh(&site, &member).await
}

async fn leave(State(site): State<Site>, CanRead(reader): CanRead) -> Result<StatusCode, Problem> {
    site.rooms.leave(&reader).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct DirectForm {
    name: String,
}

async fn direct(
    State(site): State<Site>,
    Viewer(me): Viewer,
    JsonBody(form): JsonBody<DirectForm>,
) -> Result<Response, Problem> {
    let other = site.accounts.find(&form.name).await?.ok_or_else(Problem::not_found)?;
    let member = site.rooms.direct(&me.person, &other).await?;
    fresh(&site, &member).await
}

#[derive(Deserialize)]
struct ReadForm {
    seq: Seq,
}

async fn mark_read(
    State(site): State<Site>,
    CanRead(reader): CanRead,
    JsonBody(form): JsonBody<ReadForm>,
) -> Result<StatusCode, Problem> {
    site.rooms.mark_read(&reader, form.seq).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn fresh(site: &Site, member: &Member) -> Result<Response, Problem> {
    anew(site, member.person(), member.room()).await
}

/// The room as it is after a change.
async fn anew(site: &Site, person: &Person, room: RoomId) -> Result<Response, Problem> {
    document(site, &site.rooms.reader(person, room).await?).await
}

async fn document(site: &Site, reader: &Reader) -> Result<Response, Problem> {
    let members = site.rooms.members(reader).await?;
    let counts = Counts::of(&members, &site.presence.online());
    Ok(Json(RoomShape::new(reader.room(), counts)).into_response())
}
