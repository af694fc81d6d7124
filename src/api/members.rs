//! Who is in a room: reading the list, inviting, removing.

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
use crate::chat::rooms::RoomError;
use crate::http::{AppState, CanModerate, CanRead, JsonBody, Problem, Query};
use crate::kernel::UserId;
use crate::kernel::paging::Limit;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(index, create)).routes(routes!(destroy))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Place {
    /// Users with a greater `id` than this.
    #[param(nullable = false)]
    after: Option<i64>,
    /// How many at most.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
}

/// The members of a room
///
/// Ascending by `id`. While `more` is true, ask again with the `id` of the last item as `after`.
#[utoipa::path(
    get,
    path = "/rooms/{id}/members",
    tag = "rooms",
    params(("id" = i64, Path, description = "The room."), Place),
    responses(
        (status = 200, description = "Users.", body = Paged<UserShape<'static>>),
        (status = 404, description = "No room, or none that you may see."),
        (status = 422, description = "A `limit` out of range."),
    ),
)]
async fn index(
    State(site): State<AppState>,
    CanRead(reader): CanRead,
    Query(place): Query<Place>,
) -> Result<Response, Problem> {
    let after = UserId(place.after.unwrap_or(0));
    let page = site.rooms.members_after(&reader, after, Limit::parse(place.limit)?).await?;
    let online = site.presence.online();
    let shape = |person| UserShape::new(person, online.contains(&person.id));
    let items = page.items.iter().map(shape).collect();
    Ok(Json(Paged { items, more: page.more }).into_response())
}

/// Whom to invite.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
#[schema(as = Invitation, example = json!({"name": "luis"}))]
struct InvitationForm {
    /// The name of a person, in any case.
    #[schema(required = true)]
    name: String,
}

/// Invite somebody into a room
///
/// They are a member from then on, also if they had been removed. Inviting a member changes nothing.
#[utoipa::path(
    post,
    path = "/rooms/{id}/members",
    tag = "rooms",
    params(("id" = i64, Path, description = "The room.")),
    request_body = InvitationForm,
    responses(
        (status = 200, description = "Who is a member now.", body = UserShape<'static>),
        (status = 403, description = "You are not in this room yourself."),
        (status = 404, description = "No room, or none that you may see; or nobody has this name."),
        (status = 409, description = "A direct conversation has its two people."),
    ),
)]
async fn create(
    State(site): State<AppState>,
    CanRead(reader): CanRead,
    JsonBody(form): JsonBody<InvitationForm>,
) -> Result<Response, Problem> {
    let guest = site.accounts.find(&form.name).await?.ok_or_else(Problem::not_found)?;
    site.rooms.invite(&reader, &guest).await?;
    Ok(Json(UserShape::new(&guest, site.presence.is_online(guest.id))).into_response())
}

#[derive(Deserialize)]
struct Chosen {
    user_id: UserId,
}

/// Remove a member from a room
///
/// For the owner of the room, and for administrators where they may read. Who was removed does not come
/// back, not by the code either, before a member invites them; the code of the room is renewed. Removing
/// again changes nothing.
#[utoipa::path(
    delete,
    path = "/rooms/{id}/members/{user_id}",
    tag = "rooms",
    params(
        ("id" = i64, Path, description = "The room."),
        ("user_id" = i64, Path, description = "The member."),
    ),
    responses(
        (status = 204, description = "They are out."),
        (status = 403, description = "You neither own the room nor administer Patio."),
        (status = 404, description = "No room, or none that you may see; or they are not in it."),
        (status = 409, description = "The lobby keeps everybody, and nobody removes themselves."),
    ),
)]
async fn destroy(
    State(site): State<AppState>,
    CanModerate(moderator): CanModerate,
    chosen: Result<Path<Chosen>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path(Chosen { user_id }) = chosen.map_err(|_| Problem::not_found())?;
    let person = site.accounts.by_id(user_id).await?.ok_or_else(Problem::not_found)?;
    match site.rooms.remove(&moderator, &person).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(RoomError::NoMember) => {
            Err(Problem::with_detail(StatusCode::NOT_FOUND, "room-no-member"))
        }
        Err(error) => Err(error.into()),
    }
}
