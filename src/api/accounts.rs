//! Accounts and API tokens.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::schemas::{Items, UserShape};
use crate::chat::accounts::model::{
    About, DisplayName, NewAccount, ProfileChange, Status, TokenLabel, TokenLifetime, ZoneName,
};
use crate::chat::accounts::{Accounts, ChangeError, LoginSource, RegisterError};
use crate::chat::presence::Presence;
use crate::http::rate_limit::RateLimiter;
use crate::http::{AppState, ClientInfo, JsonBody, PathId, Problem, Viewer};
use crate::kernel::{Clock, FieldError, Timestamp, UserId};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(index, create))
        .routes(routes!(show))
        .routes(routes!(show_me, update_me))
        .routes(routes!(create_token))
        .routes(routes!(destroy_token))
}

/// A new account.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
#[schema(example = json!({"name": "ada", "email": "ada@example.org", "password": "lighthouse-tea-41"}))]
struct NewUser {
    /// The user's unique, permanent name: letters of one script, digits, `.`, `_` and `-`.
    #[schema(required = true, min_length = 2, max_length = 32)]
    name: String,
    /// An e-mail address. Other users cannot see it.
    #[schema(required = true, format = "email", min_length = 3, max_length = 254)]
    email: String,
    /// Must be hard to guess; well-known passwords are refused.
    #[schema(required = true, format = "password", min_length = 8, max_length = 256)]
    password: String,
}

/// Create an account
///
/// The first account of an installation becomes its administrator. A new account has no token:
/// create one with `POST /tokens`.
#[utoipa::path(
    post,
    path = "/users",
    tag = "people",
    security(()),
    request_body = NewUser,
    responses(
        (status = 201, description = "The new account.", body = UserShape<'static>),
        (status = 403, description = "Registration is closed."),
        (status = 409, description = "The name or e-mail address is taken; see `errors`."),
        (status = 429, description = "Too many registrations from this address."),
    ),
)]
async fn create(
    State(rate_limiter): State<RateLimiter>,
    State(accounts): State<Accounts>,
    State(clock): State<Clock>,
    client: ClientInfo,
    visitor: LoginSource,
    JsonBody(new): JsonBody<NewUser>,
) -> Result<Response, Problem> {
    rate_limiter.sign_up(client).await?;
    let new = NewAccount::parse(&new.name, &new.email, &new.password).map_err(Problem::invalid)?;
    let verified = accounts.register(&new, &visitor).await.map_err(|error| match error {
        RegisterError::Closed => Problem::with_detail(StatusCode::FORBIDDEN, "register-closed"),
        RegisterError::Taken(fields) => {
            Problem { status: StatusCode::CONFLICT, ..Problem::invalid(fields) }
        }
        RegisterError::Guessable => FieldError::new("password", "password-guessable").into(),
        RegisterError::Service(error) => error.into(),
    })?;
    Ok((StatusCode::CREATED, Json(UserShape::new(verified.user(), false, clock.now())))
        .into_response())
}

/// List users
#[utoipa::path(
    get,
    path = "/users",
    tag = "people",
    responses((status = 200, description = "All users, by name.", body = Items<UserShape<'static>>)),
)]
async fn index(
    State(accounts): State<Accounts>,
    State(presence): State<Presence>,
    State(clock): State<Clock>,
    _: Viewer,
) -> Result<Response, Problem> {
    let users = accounts.users().await?;
    let (online, now) = (presence.online(), clock.now());
    let items = users.iter().map(|user| UserShape::new(user, online.contains(&user.id), now));
    Ok(Json(Items { items: items.collect() }).into_response())
}

/// Get a user
#[utoipa::path(
    get,
    path = "/users/{id}",
    tag = "people",
    params(("id" = i64, Path, description = "The user.")),
    responses(
        (status = 200, description = "The user.", body = UserShape<'static>),
        (status = 404, description = "There is no user with this id, or the account is closed."),
    ),
)]
async fn show(
    State(accounts): State<Accounts>,
    State(presence): State<Presence>,
    State(clock): State<Clock>,
    _: Viewer,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    let user = accounts.by_id(UserId(id)).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(UserShape::new(&user, presence.is_online(user.id), clock.now())).into_response())
}

/// Get the user that the token belongs to
#[utoipa::path(
    get,
    path = "/me",
    tag = "people",
    responses((status = 200, description = "Your user.", body = UserShape<'static>)),
)]
async fn show_me(
    State(presence): State<Presence>,
    State(clock): State<Clock>,
    Viewer(me): Viewer,
) -> Response {
    Json(UserShape::new(&me.user, presence.is_online(me.user.id), clock.now())).into_response()
}

/// Changes to your account. Omitted fields stay unchanged.
#[derive(Deserialize, ToSchema)]
#[schema(as = UserChange, example = json!({
    "display_name": "Ada Lovelace", "time_zone": "Europe/London", "about": "Bread and bicycles.",
    "status": {"emoji": "🌙", "text": "back on Monday", "until": null}
}))]
struct MeForm {
    #[schema(min_length = 1, max_length = 64)]
    display_name: Option<String>,
    /// An IANA time zone name, for example `Europe/Madrid`.
    time_zone: Option<String>,
    /// What you say about yourself.
    #[schema(max_length = 500)]
    about: Option<String>,
    /// What you do now; null ends it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<StatusForm>)]
    #[expect(clippy::option_option, reason = "null ends the status, a missing field keeps it")]
    status: Option<Option<StatusForm>>,
}

/// What you do now.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewStatus)]
struct StatusForm {
    /// One emoji of the Unicode standard.
    emoji: String,
    #[serde(default)]
    #[schema(max_length = 80)]
    text: String,
    /// When it ends, in the future. Without it the status stays until you change it.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

/// Tells null from a missing field.
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Change your name, time zone, profile or status
#[utoipa::path(
    patch,
    path = "/me",
    tag = "people",
    request_body = MeForm,
    responses(
        (status = 200, description = "Your user after the change.", body = UserShape<'static>),
        (status = 422, description = "A value is not allowed, or the display name looks like another user's; see `errors`."),
    ),
)]
async fn update_me(
    State(accounts): State<Accounts>,
    State(presence): State<Presence>,
    State(clock): State<Clock>,
    Viewer(me): Viewer,
    JsonBody(form): JsonBody<MeForm>,
) -> Result<Response, Problem> {
    let zone = form.time_zone.as_deref().map(ZoneName::parse).transpose()?;
    let name = form.display_name.as_deref().map(DisplayName::parse).transpose()?;
    let now = clock.now();
    let status = |form: StatusForm| Status::parse(&form.emoji, &form.text, form.until, now);
    let profile = ProfileChange {
        about: form.about.as_deref().map(About::parse).transpose()?,
        status: form.status.map(|form| form.map(status).transpose()).transpose()?,
    };
    if let Some(name) = &name {
        let renamed = accounts.rename(&me, name).await;
        renamed.map_err(|error| match error {
            ChangeError::Service(error) => Problem::from(error),
            // `rename` needs no password, so no other error is possible.
            _ => FieldError::new("display_name", "name-taken").into(),
        })?;
    }
    if let Some(zone) = &zone {
        accounts.set_time_zone(&me, zone).await?;
    }
    accounts.update_profile(&me.user, &profile).await?;
    let user = accounts.by_id(me.user.id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(UserShape::new(&user, presence.is_online(user.id), clock.now())).into_response())
}

/// A new token.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
#[schema(example = json!({"login": "ada", "password": "lighthouse-tea-41", "label": "weather bot"}))]
struct NewToken {
    /// Name or e-mail address.
    #[schema(required = true)]
    login: String,
    #[schema(required = true, format = "password")]
    password: String,
    /// A label that distinguishes it from your other tokens.
    #[schema(max_length = 64)]
    label: String,
    /// Lifetime in seconds. If omitted, the token does not expire.
    #[schema(minimum = 1, maximum = 315_360_000)]
    expires_in: Option<i64>,
}

/// A new token and its user.
#[derive(Serialize, ToSchema)]
struct IssuedToken<'a> {
    /// The secret for `Authorization: Bearer …`. It is not shown again.
    token: &'a str,
    user: UserShape<'a>,
}

/// Create a token
///
/// It is valid until it is revoked (here or in the settings), until `expires_in` seconds have
/// passed, or until the password or e-mail address changes. A user can have 20 tokens. One more
/// revokes the least recently used token and closes its live connections.
#[utoipa::path(
    post,
    path = "/tokens",
    tag = "people",
    security(()),
    request_body = NewToken,
    responses(
        (status = 201, description = "The token. Store it: the server only keeps its hash.", body = IssuedToken<'static>),
        (status = 401, description = "The name or password is wrong."),
        (status = 429, description = "Too many attempts from this address."),
    ),
)]
async fn create_token(
    State(accounts): State<Accounts>,
    State(presence): State<Presence>,
    State(clock): State<Clock>,
    visitor: LoginSource,
    JsonBody(new): JsonBody<NewToken>,
) -> Result<Response, Problem> {
    let label = TokenLabel::parse(&new.label)?;
    let lifetime = new.expires_in.map(TokenLifetime::parse).transpose()?;
    let verified = accounts.sign_in(&new.login, &new.password, &visitor).await?;
    let secret = accounts.issue_token(&verified, &label, lifetime).await?;
    let user = verified.user();
    let user = UserShape::new(user, presence.is_online(user.id), clock.now());
    let issued = IssuedToken { token: secret.expose_secret(), user };
    Ok((StatusCode::CREATED, Json(issued)).into_response())
}

/// Revoke the token of this request
///
/// All live connections that use it are closed (close code 4401).
#[utoipa::path(
    delete,
    path = "/tokens/current",
    tag = "people",
    responses((status = 204, description = "The token is revoked.")),
)]
async fn destroy_token(
    State(accounts): State<Accounts>,
    Viewer(me): Viewer,
) -> Result<StatusCode, Problem> {
    accounts.revoke(me.credential).await?;
    Ok(StatusCode::NO_CONTENT)
}
