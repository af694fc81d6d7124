//! Rooms: which there are, making and changing them, coming and going.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::schemas::{Counts, Items, RoomShape};
use crate::chat::accounts::model::User;
use crate::chat::rooms::AccessError;
use crate::chat::rooms::model::{Member, NewRoom, Reader, RoomChange, RoomName, RoomTopic};
use crate::http::rate_limit::open_direct;
use crate::http::request::auth::{CanDeleteRoom, CanRestore};
use crate::http::{AppState, CanChange, CanRead, JsonBody, Problem, Viewer};
use crate::kernel::{RoomId, Seq};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(index, create))
        .routes(routes!(show, update, destroy))
        .routes(routes!(restore))
        .routes(routes!(join))
        .routes(routes!(leave))
        .routes(routes!(mark_read))
        .routes(routes!(join_by_code))
        .routes(routes!(direct))
}

/// The rooms you may see
#[utoipa::path(
    get,
    path = "/rooms",
    tag = "rooms",
    responses((
        status = 200,
        description = "Your own rooms, your direct conversations, and all public rooms.",
        body = Items<RoomShape<'static>>,
    )),
)]
async fn index(State(site): State<AppState>, Viewer(me): Viewer) -> Result<Response, Problem> {
    let rooms = site.rooms.list(&me.person).await?;
    let online = site.presence.online();
    let census = site.rooms.stats(&me.person, &online).await?;
    let counts = |id| census.get(&id).map_or(Counts::default(), Counts::from);
    let items = rooms.iter().map(|room| RoomShape::new(room, counts(room.id))).collect();
    Ok(Json(Items { items }).into_response())
}

/// A room to be made.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
#[schema(as = NewRoom, example = json!({"name": "Garden", "topic": "Who waters when", "visibility": "public"}))]
struct RoomForm {
    /// One line. Public names are unique, whatever their case.
    #[schema(required = true, min_length = 1, max_length = 64)]
    name: String,
    /// One line: what the room is for.
    #[schema(max_length = 250)]
    topic: String,
    /// `private` rooms take their code or an invitation, and nobody else sees them.
    #[schema(required = true, pattern = "^(public|private)$")]
    visibility: String,
}

/// Make a room
///
/// You own it.
#[utoipa::path(
    post,
    path = "/rooms",
    tag = "rooms",
    request_body = RoomForm,
    responses(
        (status = 201, description = "The new room.", body = RoomShape<'static>),
        (status = 409, description = "A public room has this name."),
    ),
)]
async fn create(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    JsonBody(form): JsonBody<RoomForm>,
) -> Result<Response, Problem> {
    let new = NewRoom::parse(&form.name, &form.topic, &form.visibility);
    let member = site.rooms.create(&me.person, &new.map_err(Problem::invalid)?).await?;
    Ok((StatusCode::CREATED, reload(&site, &member).await?).into_response())
}

/// One room
#[utoipa::path(
    get,
    path = "/rooms/{id}",
    tag = "rooms",
    params(("id" = i64, Path, description = "The room.")),
    responses(
        (status = 200, description = "The room as you see it.", body = RoomShape<'static>),
        (status = 404, description = "No room, or none that you may see."),
    ),
)]
async fn show(State(site): State<AppState>, CanRead(reader): CanRead) -> Result<Response, Problem> {
    document(&site, &reader).await
}

/// What to change of a room. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[schema(as = RoomChange, example = json!({"topic": "Tomatoes, mostly"}))]
struct ChangeForm {
    #[schema(min_length = 1, max_length = 64)]
    name: Option<String>,
    #[schema(max_length = 250)]
    topic: Option<String>,
}

/// Change a room
#[utoipa::path(
    patch,
    path = "/rooms/{id}",
    tag = "rooms",
    params(("id" = i64, Path, description = "The room.")),
    request_body = ChangeForm,
    responses(
        (status = 200, description = "The room as it is now.", body = RoomShape<'static>),
        (status = 403, description = "You do not own it."),
        (status = 404, description = "No room, or none that you may see."),
        (status = 409, description = "A public room has this name, or this one has none to change."),
    ),
)]
async fn update(
    State(site): State<AppState>,
    CanChange(owner): CanChange,
    JsonBody(form): JsonBody<ChangeForm>,
) -> Result<Response, Problem> {
    let change = RoomChange {
        name: form.name.as_deref().map(RoomName::parse).transpose()?,
        topic: form.topic.as_deref().map(RoomTopic::parse).transpose()?,
    };
    site.rooms.update(&owner, &change).await?;
    reload_room(&site, owner.user(), owner.room().id).await
}

/// Delete a room
///
/// For its owner, and for administrators where they may read it. It is gone for everybody at once; what
/// was said in it is deleted after 24 hours.
#[utoipa::path(
    delete,
    path = "/rooms/{id}",
    tag = "rooms",
    params(("id" = i64, Path, description = "The room.")),
    responses(
        (status = 204, description = "It is gone."),
        (status = 403, description = "You neither own it nor are an administrator."),
        (status = 404, description = "No room, or none that you may see."),
        (status = 409, description = "The lobby and direct conversations are not deleted."),
    ),
)]
async fn destroy(
    State(site): State<AppState>,
    CanDeleteRoom(admin): CanDeleteRoom,
) -> Result<StatusCode, Problem> {
    site.rooms.delete(&admin).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Restore a deleted room
///
/// Within 24 hours, for who deleted it and for administrators: with its members, its name and its code.
#[utoipa::path(
    post,
    path = "/rooms/{id}/restore",
    tag = "rooms",
    params(("id" = i64, Path, description = "The room.")),
    responses(
        (status = 200, description = "The room, as it was.", body = RoomShape<'static>),
        (status = 204, description = "It is back; you are an administrator who may not read it."),
        (status = 404, description = "No deleted room, or none that you may restore."),
        (status = 409, description = "A public room has its name now."),
    ),
)]
async fn restore(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    CanRestore(room): CanRestore,
) -> Result<Response, Problem> {
    site.rooms.restore(&room).await?;
    match site.rooms.reader(&me.person, room.id).await {
        Ok(reader) => document(&site, &reader).await,
        Err(AccessError::NotFound) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(error) => Err(error.into()),
    }
}

/// Join a public room
///
/// Posting in one joins too. Joining again changes nothing.
#[utoipa::path(
    post,
    path = "/rooms/{id}/join",
    tag = "rooms",
    params(("id" = i64, Path, description = "The room.")),
    responses(
        (status = 200, description = "The room, now also yours.", body = RoomShape<'static>),
        (status = 403, description = "You were removed from it: a member can invite you again."),
        (status = 404, description = "No such room; a private one takes its code (`POST /join`)."),
    ),
)]
async fn join(State(site): State<AppState>, CanRead(reader): CanRead) -> Result<Response, Problem> {
    let member = site.rooms.join(&reader).await?;
    reload(&site, &member).await
}

/// What lets one in.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
#[schema(as = RoomCode, example = json!({"code": "7K2M-9QXT-4HPW"}))]
struct CodeForm {
    /// Twelve characters in fours; case and hyphens do not matter.
    #[schema(required = true)]
    code: String,
}

/// Join a room by its code
#[utoipa::path(
    post,
    path = "/join",
    tag = "rooms",
    request_body = CodeForm,
    responses(
        (status = 200, description = "The room, now also yours.", body = RoomShape<'static>),
        (status = 403, description = "You were removed from this room: a member can invite you again."),
        (status = 404, description = "No room has this code, or nobody is in it any more."),
    ),
)]
async fn join_by_code(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    JsonBody(form): JsonBody<CodeForm>,
) -> Result<Response, Problem> {
    let member = site.rooms.join_by_code(&me.person, &form.code).await?;
    reload(&site, &member).await
}

/// Leave a room
///
/// Who owns it hands it to its longest member.
#[utoipa::path(
    post,
    path = "/rooms/{id}/leave",
    tag = "rooms",
    params(("id" = i64, Path, description = "The room.")),
    responses(
        (status = 204, description = "You are out."),
        (status = 404, description = "No room, or none that you may see."),
        (status = 409, description = "The lobby and direct conversations are not left, nor is what you are not in."),
    ),
)]
async fn leave(
    State(site): State<AppState>,
    CanRead(reader): CanRead,
) -> Result<StatusCode, Problem> {
    site.rooms.leave(&reader).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// With whom.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
#[schema(as = Addressee, example = json!({"name": "luis"}))]
struct DirectForm {
    /// The name of a person, in any case.
    #[schema(required = true)]
    name: String,
}

/// The conversation with somebody
///
/// It is made if there is none yet.
#[utoipa::path(
    post,
    path = "/direct",
    tag = "rooms",
    request_body = DirectForm,
    responses(
        (status = 200, description = "A room of visibility `direct`.", body = RoomShape<'static>),
        (status = 404, description = "Nobody has this name."),
    ),
)]
async fn direct(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    JsonBody(form): JsonBody<DirectForm>,
) -> Result<Response, Problem> {
    let other = site.accounts.find(&form.name).await?.ok_or_else(Problem::not_found)?;
    let member = open_direct(&site, &me.person, &other).await?;
    reload(&site, &member).await
}

/// How far you have read.
#[derive(Deserialize, ToSchema)]
#[schema(as = ReadMark, example = json!({"seq": 51}))]
struct ReadForm {
    #[schema(value_type = i64)]
    seq: Seq,
}

/// Move your read mark
///
/// It never moves back, nor beyond the last message. What you post is read by itself.
#[utoipa::path(
    put,
    path = "/rooms/{id}/read",
    tag = "rooms",
    params(("id" = i64, Path, description = "The room.")),
    request_body = ReadForm,
    responses(
        (status = 204, description = "Noted; your other connections are told."),
        (status = 404, description = "No room, or none that you may see."),
    ),
)]
async fn mark_read(
    State(site): State<AppState>,
    CanRead(reader): CanRead,
    JsonBody(form): JsonBody<ReadForm>,
) -> Result<StatusCode, Problem> {
    site.rooms.mark_read(&reader, form.seq).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn reload(site: &AppState, member: &Member) -> Result<Response, Problem> {
    reload_room(site, member.user(), member.room()).await
}

/// The room as it is after a change.
async fn reload_room(site: &AppState, person: &User, room: RoomId) -> Result<Response, Problem> {
    document(site, &site.rooms.reader(person, room).await?).await
}

async fn document(site: &AppState, reader: &Reader) -> Result<Response, Problem> {
    let members = site.rooms.members(reader).await?;
    let counts = Counts::of(&members, &site.presence.online());
    Ok(Json(RoomShape::new(reader.room(), counts)).into_response())
}
