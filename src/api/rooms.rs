//! Rooms: list, create, change, delete, restore, join and leave.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::schemas::{Counts, Items, RoomShape};
use crate::chat::accounts::Accounts;
use crate::chat::accounts::model::User;
use crate::chat::presence::Presence;
use crate::chat::rooms::model::{
    FixedMembers, Member, NewRoom, Reader, RoomChange, RoomName, RoomTopic,
};
use crate::chat::rooms::{AccessError, Rooms};
use crate::http::rate_limit::{RateLimiter, open_fixed};
use crate::http::request::auth::{CanDeleteRoom, CanRestore};
use crate::http::{AppState, CanRead, JsonBody, Problem, Viewer};
use crate::kernel::{FieldError, RoomId};
use crate::limits::group::MEMBERS;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(index, create))
        .routes(routes!(show, update, destroy))
        .routes(routes!(restore))
        .routes(routes!(join))
        .routes(routes!(leave))
        .routes(routes!(join_by_code))
        .routes(routes!(direct))
}

/// List the rooms you can see
#[utoipa::path(
    get,
    path = "/rooms",
    tag = "rooms",
    responses((
        status = 200,
        description = "Your rooms, your direct messages and all public rooms. Threads are in `GET /threads`.",
        body = Items<RoomShape<'static>>,
    )),
)]
async fn index(
    State(rooms): State<Rooms>,
    State(presence): State<Presence>,
    Viewer(me): Viewer,
) -> Result<Response, Problem> {
    let listed = rooms.list(&me.user).await?;
    let online = presence.online();
    let census = rooms.stats(&listed, &online).await?;
    let counts = |id| census.get(&id).map_or(Counts::default(), Counts::from);
    let items = listed.iter().map(|room| RoomShape::new(room, counts(room.id))).collect();
    Ok(Json(Items { items }).into_response())
}

/// A new room.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
#[schema(as = NewRoom, example = json!({"name": "Garden", "topic": "Who waters when", "visibility": "public"}))]
struct RoomForm {
    /// One line. Names of public rooms are unique, regardless of case.
    #[schema(required = true, min_length = 1, max_length = 64)]
    name: String,
    /// One line: what the room is for.
    #[schema(max_length = 250)]
    topic: String,
    /// A `private` room is only visible to its members. Joining it takes its room code or an
    /// invitation.
    #[schema(required = true, pattern = "^(public|private)$")]
    visibility: String,
}

/// Create a room
///
/// You become its owner.
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
    State(rooms): State<Rooms>,
    State(presence): State<Presence>,
    Viewer(me): Viewer,
    JsonBody(form): JsonBody<RoomForm>,
) -> Result<Response, Problem> {
    let new = NewRoom::parse(&form.name, &form.topic, &form.visibility);
    let member = rooms.create(&me.user, &new.map_err(Problem::invalid)?).await?;
    Ok((StatusCode::CREATED, reload(&rooms, &presence, &member).await?).into_response())
}

/// Get a room
#[utoipa::path(
    get,
    path = "/rooms/{id}",
    tag = "rooms",
    params(("id" = i64, Path, description = "The room.")),
    responses(
        (status = 200, description = "The room as you see it.", body = RoomShape<'static>),
        (status = 404, description = "There is no such room, or you cannot see it."),
    ),
)]
async fn show(
    State(rooms): State<Rooms>,
    State(presence): State<Presence>,
    CanRead(reader): CanRead,
) -> Result<Response, Problem> {
    document(&rooms, &presence, &reader).await
}

/// Changes to a room. Omitted fields stay unchanged.
#[derive(Deserialize, ToSchema)]
#[schema(as = RoomChange, example = json!({"topic": "Tomatoes, mostly"}))]
struct ChangeForm {
    #[schema(min_length = 1, max_length = 64)]
    name: Option<String>,
    #[schema(max_length = 250)]
    topic: Option<String>,
    /// Whether `@room` mentions the members only if the owner or an administrator writes it.
    wide_mentions_restricted: Option<bool>,
    /// Whether links in new messages get previews.
    link_previews: Option<bool>,
    /// An archived room can be read, but takes no messages. For its owner and for administrators who can read it.
    archived: Option<bool>,
}

/// Change a room
#[utoipa::path(
    patch,
    path = "/rooms/{id}",
    tag = "rooms",
    params(("id" = i64, Path, description = "The room.")),
    request_body = ChangeForm,
    responses(
        (status = 200, description = "The room after the change.", body = RoomShape<'static>),
        (status = 403, description = "You are not the owner."),
        (status = 404, description = "There is no such room, or you cannot see it."),
        (status = 409, description = "A public room has this name, or the name of this room cannot be changed: threads have none; or it cannot be archived."),
    ),
)]
async fn update(
    State(rooms): State<Rooms>,
    State(presence): State<Presence>,
    CanRead(reader): CanRead,
    JsonBody(form): JsonBody<ChangeForm>,
) -> Result<Response, Problem> {
    let change = RoomChange {
        name: form.name.as_deref().map(RoomName::parse).transpose()?,
        topic: form.topic.as_deref().map(RoomTopic::parse).transpose()?,
        wide_mentions_restricted: form.wide_mentions_restricted,
        link_previews: form.link_previews,
    };
    // All rights before the first change.
    let (user, room) = (reader.user(), reader.room().id);
    let owner = match form {
        ChangeForm {
            name: None,
            topic: None,
            wide_mentions_restricted: None,
            link_previews: None,
            archived: Some(_),
        } => None,
        _ => Some(rooms.owner(user, room).await?),
    };
    if let Some(archived) = form.archived {
        let moderator = rooms.moderator(user, room).await?;
        rooms.set_archived(&moderator, archived).await?;
    }
    if let Some(owner) = owner {
        rooms.update(&owner, &change).await?;
    }
    reload_room(&rooms, &presence, user, room).await
}

/// Delete a room
///
/// For its owner, and for administrators who can read it. The room disappears for all users
/// immediately; its messages are deleted after 24 hours.
#[utoipa::path(
    delete,
    path = "/rooms/{id}",
    tag = "rooms",
    params(("id" = i64, Path, description = "The room.")),
    responses(
        (status = 204, description = "The room is deleted."),
        (status = 403, description = "You are neither the owner nor an administrator."),
        (status = 404, description = "There is no such room, or you cannot see it."),
        (status = 409, description = "The lobby, direct messages and threads cannot be deleted."),
    ),
)]
async fn destroy(
    State(rooms): State<Rooms>,
    CanDeleteRoom(admin): CanDeleteRoom,
) -> Result<StatusCode, Problem> {
    rooms.delete(&admin).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Restore a deleted room
///
/// Within 24 hours, for the user who deleted it and for administrators. Its members, name and code
/// are restored.
#[utoipa::path(
    post,
    path = "/rooms/{id}/restore",
    tag = "rooms",
    params(("id" = i64, Path, description = "The room.")),
    responses(
        (status = 200, description = "The restored room.", body = RoomShape<'static>),
        (status = 204, description = "The room is restored. You are an administrator who cannot read it."),
        (status = 404, description = "There is no such deleted room, or you cannot restore it."),
        (status = 409, description = "Another public room has its name."),
    ),
)]
async fn restore(
    State(rooms): State<Rooms>,
    State(presence): State<Presence>,
    Viewer(me): Viewer,
    CanRestore(room): CanRestore,
) -> Result<Response, Problem> {
    rooms.restore(&room).await?;
    match rooms.reader(&me.user, room.id).await {
        Ok(reader) => document(&rooms, &presence, &reader).await,
        Err(AccessError::NotFound) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(error) => Err(error.into()),
    }
}

/// Join a public room, or follow a thread
///
/// A post to a public room joins it too. Following a thread of a public room joins the room. Joining again
/// changes nothing.
#[utoipa::path(
    post,
    path = "/rooms/{id}/join",
    tag = "rooms",
    params(("id" = i64, Path, description = "The room.")),
    responses(
        (status = 200, description = "The room, of which you are now a member.", body = RoomShape<'static>),
        (status = 403, description = "You were removed from this room. A member can invite you again."),
        (status = 404, description = "There is no such public room. Join a private room with `POST /join`."),
    ),
)]
async fn join(
    State(rooms): State<Rooms>,
    State(presence): State<Presence>,
    CanRead(reader): CanRead,
) -> Result<Response, Problem> {
    let member = rooms.join(&reader).await?;
    reload(&rooms, &presence, &member).await
}

/// A room code.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
#[schema(as = RoomCode, example = json!({"code": "7K2M-9QXT-4HPW"}))]
struct CodeForm {
    /// Twelve characters in groups of four. Case and hyphens are ignored.
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
        (status = 200, description = "The room, of which you are now a member.", body = RoomShape<'static>),
        (status = 403, description = "You were removed from this room. A member can invite you again."),
        (status = 404, description = "There is no room with this code, or it has no members."),
    ),
)]
async fn join_by_code(
    State(rooms): State<Rooms>,
    State(presence): State<Presence>,
    Viewer(me): Viewer,
    JsonBody(form): JsonBody<CodeForm>,
) -> Result<Response, Problem> {
    let member = rooms.join_by_code(&me.user, &form.code).await?;
    reload(&rooms, &presence, &member).await
}

/// Leave a room, or stop following a thread
///
/// Leaving a room also ends that you follow its threads.
/// If the owner leaves, the longest-standing member becomes the owner.
#[utoipa::path(
    post,
    path = "/rooms/{id}/leave",
    tag = "rooms",
    params(("id" = i64, Path, description = "The room.")),
    responses(
        (status = 204, description = "You are no longer a member."),
        (status = 404, description = "There is no such room, or you cannot see it."),
        (status = 409, description = "The lobby and direct messages cannot be left, or you are not a member."),
    ),
)]
async fn leave(
    State(rooms): State<Rooms>,
    CanRead(reader): CanRead,
) -> Result<StatusCode, Problem> {
    rooms.leave(&reader).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The other user, or the other users of a group. Exactly one of both.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
#[schema(as = Addressee, example = json!({"name": "luis"}))]
struct DirectForm {
    /// The user's name, in upper or lower case.
    name: Option<String>,
    /// The names of the other members: 2 to 19 users.
    #[schema(min_items = 2, max_items = 19)]
    names: Option<Vec<String>>,
}

/// Get a direct message room or a group
///
/// It is created if it does not exist. Each set of users has one group; its members never change.
#[utoipa::path(
    post,
    path = "/direct",
    tag = "rooms",
    request_body = DirectForm,
    responses(
        (status = 200, description = "A room of visibility `direct` or `group`.", body = RoomShape<'static>),
        (status = 404, description = "There is no user with one of these names."),
        (status = 422, description = "There are fewer than 2 or more than 19 other users."),
    ),
)]
async fn direct(
    State(rooms): State<Rooms>,
    State(rate_limiter): State<RateLimiter>,
    State(presence): State<Presence>,
    State(accounts): State<Accounts>,
    Viewer(me): Viewer,
    JsonBody(form): JsonBody<DirectForm>,
) -> Result<Response, Problem> {
    let find = async |name: &str| accounts.find(name).await?.ok_or_else(Problem::not_found);
    let members = match (form.name, form.names) {
        (Some(name), None) => FixedMembers::pair(me.user.id, find(&name).await?.id),
        (None, Some(names)) if names.len() < MEMBERS => {
            let mut others = Vec::with_capacity(names.len());
            for name in &names {
                others.push(find(name).await?);
            }
            FixedMembers::group(&me.user, &others)?
        }
        _ => return Err(FieldError::new("names", "group-size").into()),
    };
    let member = open_fixed(&rooms, &rate_limiter, &me.user, &members).await?;
    reload(&rooms, &presence, &member).await
}

async fn reload(rooms: &Rooms, presence: &Presence, member: &Member) -> Result<Response, Problem> {
    reload_room(rooms, presence, member.user(), member.room()).await
}

/// The response with the room's state after a change.
async fn reload_room(
    rooms: &Rooms,
    presence: &Presence,
    user: &User,
    room: RoomId,
) -> Result<Response, Problem> {
    document(rooms, presence, &rooms.reader(user, room).await?).await
}

pub(super) async fn document(
    rooms: &Rooms,
    presence: &Presence,
    reader: &Reader,
) -> Result<Response, Problem> {
    let members = rooms.members(reader).await?;
    let counts = Counts::of(&members, &presence.online());
    Ok(Json(RoomShape::new(reader.room(), counts)).into_response())
}
