//! People and tokens.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::schemas::{Items, UserShape};
use crate::chat::accounts::model::{DisplayName, NewAccount, TokenLabel, TokenLifetime, ZoneName};
use crate::chat::accounts::{ChangeError, LoginSource, RegisterError};
use crate::http::{AppState, ClientInfo, JsonBody, PathId, Problem, Viewer};
use crate::kernel::{FieldError, UserId};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(index, create))
        .routes(routes!(show))
        .routes(routes!(show_me, update_me))
        .routes(routes!(create_token))
        .routes(routes!(destroy_token))
}

/// Somebody who wants an account.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
#[schema(example = json!({"name": "ada", "email": "ada@example.org", "password": "lighthouse-tea-41"}))]
struct NewUser {
    /// How others call this person: letters of one script, digits, `.`, `_` and `-`. It stays.
    #[schema(required = true, min_length = 2, max_length = 32)]
    name: String,
    /// An e-mail address; nobody else sees it.
    #[schema(required = true, format = "email", min_length = 3, max_length = 254)]
    email: String,
    /// Not to be guessed; what is well known is refused.
    #[schema(required = true, format = "password", min_length = 8, max_length = 256)]
    password: String,
}

/// Make an account
///
/// The very first account of an installation becomes its administrator. An account has no token yet:
/// make one with `POST /tokens`.
#[utoipa::path(
    post,
    path = "/users",
    tag = "people",
    security(()),
    request_body = NewUser,
    responses(
        (status = 201, description = "The new account.", body = UserShape<'static>),
        (status = 403, description = "Sign-up is closed."),
        (status = 409, description = "The name or the address is taken; `errors` says which."),
        (status = 429, description = "Too many from this address."),
    ),
)]
async fn create(
    State(site): State<AppState>,
    client: ClientInfo,
    visitor: LoginSource,
    JsonBody(new): JsonBody<NewUser>,
) -> Result<Response, Problem> {
    site.rates.sign_up(client)?;
    let new = NewAccount::parse(&new.name, &new.email, &new.password).map_err(Problem::invalid)?;
    let proven = site.accounts.register(&new, &visitor).await.map_err(|error| match error {
        RegisterError::Closed => Problem::with_detail(StatusCode::FORBIDDEN, "register-closed"),
        RegisterError::Taken(fields) => {
            Problem { status: StatusCode::CONFLICT, ..Problem::invalid(fields) }
        }
        RegisterError::Guessable => FieldError::new("password", "password-guessable").into(),
        RegisterError::Fault(fault) => fault.into(),
    })?;
    Ok((StatusCode::CREATED, Json(UserShape::new(proven.person(), false))).into_response())
}

/// Everybody with an account
#[utoipa::path(
    get,
    path = "/users",
    tag = "people",
    responses((status = 200, description = "All of them, by name.", body = Items<UserShape<'static>>)),
)]
async fn index(State(site): State<AppState>, _: Viewer) -> Result<Response, Problem> {
    let people = site.accounts.users().await?;
    let online = site.presence.online();
    let items = people.iter().map(|person| UserShape::new(person, online.contains(&person.id)));
    Ok(Json(Items { items: items.collect() }).into_response())
}

/// One person
#[utoipa::path(
    get,
    path = "/users/{id}",
    tag = "people",
    params(("id" = i64, Path, description = "The person.")),
    responses(
        (status = 200, description = "Who it is.", body = UserShape<'static>),
        (status = 404, description = "Nobody with an open account."),
    ),
)]
async fn show(
    State(site): State<AppState>,
    _: Viewer,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    let person = site.accounts.by_id(UserId(id)).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(UserShape::new(&person, site.presence.is_online(person.id))).into_response())
}

/// Who the token belongs to
#[utoipa::path(
    get,
    path = "/me",
    tag = "people",
    responses((status = 200, description = "You.", body = UserShape<'static>)),
)]
async fn show_me(State(site): State<AppState>, Viewer(me): Viewer) -> Response {
    Json(UserShape::new(&me.person, site.presence.is_online(me.person.id))).into_response()
}

/// What to change of yourself. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[schema(as = UserChange, example = json!({"display_name": "Ada Lovelace", "time_zone": "Europe/London"}))]
struct MeForm {
    #[schema(min_length = 1, max_length = 64)]
    display_name: Option<String>,
    /// An IANA name.
    time_zone: Option<String>,
}

/// Change your name or time zone
#[utoipa::path(
    patch,
    path = "/me",
    tag = "people",
    request_body = MeForm,
    responses(
        (status = 200, description = "You, as you are now.", body = UserShape<'static>),
        (status = 422, description = "No display name, one that looks like another user's, or no time zone."),
    ),
)]
async fn update_me(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    JsonBody(form): JsonBody<MeForm>,
) -> Result<Response, Problem> {
    let zone = form.time_zone.as_deref().map(ZoneName::parse).transpose()?;
    if let Some(name) = &form.display_name {
        let renamed = site.accounts.rename(&me, &DisplayName::parse(name)?).await;
        renamed.map_err(|error| match error {
            ChangeError::Fault(fault) => Problem::from(fault),
            // Names change without a password; nothing else can be wrong with them.
            _ => FieldError::new("display_name", "name-taken").into(),
        })?;
    }
    if let Some(zone) = &zone {
        site.accounts.set_time_zone(&me, zone).await?;
    }
    let person = site.accounts.by_id(me.person.id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(UserShape::new(&person, site.presence.is_online(person.id))).into_response())
}

/// Somebody who wants a token.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
#[schema(example = json!({"login": "ada", "password": "lighthouse-tea-41", "label": "weather bot"}))]
struct NewToken {
    /// Name or e-mail address.
    #[schema(required = true)]
    login: String,
    #[schema(required = true, format = "password")]
    password: String,
    /// Tells it from your other tokens.
    #[schema(max_length = 64)]
    label: String,
    /// After so many seconds it ends by itself. Without: it does not.
    #[schema(minimum = 1, maximum = 315_360_000)]
    expires_in: Option<i64>,
}

/// A new token, and whose it is.
#[derive(Serialize, ToSchema)]
struct IssuedToken<'a> {
    /// The secret for `Authorization: Bearer …`. It is not shown again.
    token: &'a str,
    user: UserShape<'a>,
}

/// Make a token
///
/// It is good until it is taken back, here or in the settings, until `expires_in` seconds have passed,
/// or the password or the e-mail address changes. One user has 20 tokens at most: one more ends the
/// one that was used least recently, with its live connections.
#[utoipa::path(
    post,
    path = "/tokens",
    tag = "people",
    security(()),
    request_body = NewToken,
    responses(
        (status = 201, description = "The token. Keep it: only its hash is stored.", body = IssuedToken<'static>),
        (status = 401, description = "Name or password is wrong."),
        (status = 429, description = "Too many tries from this address."),
    ),
)]
async fn create_token(
    State(site): State<AppState>,
    visitor: LoginSource,
    JsonBody(new): JsonBody<NewToken>,
) -> Result<Response, Problem> {
    let label = TokenLabel::parse(&new.label)?;
    let lifetime = new.expires_in.map(TokenLifetime::parse).transpose()?;
    let proven = site.accounts.sign_in(&new.login, &new.password, &visitor).await?;
    let secret = site.accounts.issue_token(&proven, &label, lifetime).await?;
    let person = proven.person();
    let user = UserShape::new(person, site.presence.is_online(person.id));
    let issued = IssuedToken { token: secret.expose_secret(), user };
    Ok((StatusCode::CREATED, Json(issued)).into_response())
}

/// Take back the token that this request carries
///
/// Every live connection made with it ends (close code 4401).
#[utoipa::path(
    delete,
    path = "/tokens/current",
    tag = "people",
    responses((status = 204, description = "It is void.")),
)]
async fn destroy_token(
    State(site): State<AppState>,
    Viewer(me): Viewer,
) -> Result<StatusCode, Problem> {
    site.accounts.revoke_token(me.credential).await?;
    Ok(StatusCode::NO_CONTENT)
}
