//! Members of a room: list, invite, remove.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::schemas::{Paged, UserShape};
use crate::chat::accounts::Accounts;
use crate::chat::presence::Presence;
use crate::chat::rooms::{RoomError, Rooms};
use crate::http::{AppState, CanModerate, CanRead, JsonBody, Problem, Query};
use crate::kernel::paging::Limit;
use crate::kernel::{Clock, UserId};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(index, create)).routes(routes!(destroy))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct MembersQuery {
    /// Users with a greater `id` than this.
    #[param(nullable = false)]
    after: Option<i64>,
    /// The maximum number of users.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
}

/// List the members of a room
///
/// Ascending by `id`. While `more` is true, repeat the request with the `id` of the last item as
/// `after`.
#[utoipa::path(
    get,
    path = "/rooms/{id}/members",
    tag = "rooms",
    params(("id" = i64, Path, description = "The room."), MembersQuery),
    responses(
        (status = 200, description = "Users.", body = Paged<UserShape<'static>>),
        (status = 404, description = "There is no such room, or you cannot see it."),
        (status = 422, description = "The `limit` is out of range."),
    ),
)]
async fn index(
    State(rooms): State<Rooms>,
    State(presence): State<Presence>,
    State(clock): State<Clock>,
    CanRead(reader): CanRead,
    Query(query): Query<MembersQuery>,
) -> Result<Response, Problem> {
    let after = UserId(query.after.unwrap_or(0));
    let page = rooms.members_after(&reader, after, Limit::parse(query.limit)?).await?;
    let (online, now) = (presence.online(), clock.now());
    let shape = |user| UserShape::new(user, online.contains(&user.id), now);
    let items = page.items.iter().map(shape).collect();
    Ok(Json(Paged { items, more: page.more }).into_response())
}

/// The user to invite.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
#[schema(as = Invitation, example = json!({"name": "luis"}))]
struct InvitationForm {
    /// The user's name, in upper or lower case.
    #[schema(required = true)]
    name: String,
}

/// Invite a user to a room
///
/// The user becomes a member immediately, even after a removal. Inviting a member changes nothing.
#[utoipa::path(
    post,
    path = "/rooms/{id}/members",
    tag = "rooms",
    params(("id" = i64, Path, description = "The room.")),
    request_body = InvitationForm,
    responses(
        (status = 200, description = "The user, who is now a member.", body = UserShape<'static>),
        (status = 403, description = "You are not a member of this room."),
        (status = 404, description = "There is no such room that you can see, or no such user."),
        (status = 409, description = "A direct message always has two members."),
    ),
)]
async fn create(
    State(accounts): State<Accounts>,
    State(rooms): State<Rooms>,
    State(presence): State<Presence>,
    State(clock): State<Clock>,
    CanRead(reader): CanRead,
    JsonBody(form): JsonBody<InvitationForm>,
) -> Result<Response, Problem> {
    let guest = accounts.find(&form.name).await?.ok_or_else(Problem::not_found)?;
    rooms.invite(&reader, &guest).await?;
    Ok(Json(UserShape::new(&guest, presence.is_online(guest.id), clock.now())).into_response())
}

#[derive(Deserialize)]
struct Chosen {
    user_id: UserId,
}

/// Remove a member from a room
///
/// For the owner of the room, and for administrators who can read it. A removed user needs an
/// invitation from a member to come back; the room code is renewed, and no code lets them in.
/// Removing a user again changes nothing.
#[utoipa::path(
    delete,
    path = "/rooms/{id}/members/{user_id}",
    tag = "rooms",
    params(
        ("id" = i64, Path, description = "The room."),
        ("user_id" = i64, Path, description = "The member."),
    ),
    responses(
        (status = 204, description = "The user is no longer a member."),
        (status = 403, description = "You are neither the owner of the room nor an administrator."),
        (status = 404, description = "There is no such room that you can see, or the user is not a member."),
        (status = 409, description = "No user can be removed from the lobby, and you cannot remove yourself."),
    ),
)]
async fn destroy(
    State(accounts): State<Accounts>,
    State(rooms): State<Rooms>,
    CanModerate(moderator): CanModerate,
    chosen: Result<Path<Chosen>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path(Chosen { user_id }) = chosen.map_err(|_| Problem::not_found())?;
    let user = accounts.by_id(user_id).await?.ok_or_else(Problem::not_found)?;
    match rooms.remove(&moderator, &user).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(RoomError::NoMember) => {
            Err(Problem::with_detail(StatusCode::NOT_FOUND, "room-no-member"))
        }
        Err(error) => Err(error.into()),
    }
}
