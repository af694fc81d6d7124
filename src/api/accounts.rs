//! People and tokens.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::shapes::{Items, User};
use crate::chat::accounts::model::NewAccount;
use crate::chat::accounts::{RegisterError, SignInError};
use crate::http::{Client, JsonBody, Problem, Site, Viewer};
use crate::kernel::Invalid;

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/users", get(index).post(create))
        .route("/me", get(show_me))
        .route("/tokens", post(create_token))
        .route("/tokens/current", delete(destroy_token))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NewUser {
    name: String,
    email: String,
    password: String,
}

async fn create(
    State(site): State<Site>,
    client: Client,
    JsonBody(new): JsonBody<NewUser>,
) -> Result<Response, Problem> {
    site.throttle.sign_up(client)?;
    let new = NewAccount::parse(&new.name, &new.email, &new.password).map_err(Problem::invalid)?;
    let person = site.accounts.register(&new).await.map_err(|error| match error {
        RegisterError::Closed => Problem::saying(StatusCode::FORBIDDEN, "register-closed"),
        RegisterError::Taken(fields) => {
            Problem { status: StatusCode::CONFLICT, ..Problem::invalid(fields) }
        }
        RegisterError::Guessable => Invalid::new("password", "password-guessable").into(),
        RegisterError::Fault(fault) => fault.into(),
    })?;
    Ok((StatusCode::CREATED, Json(User::new(&person, false))).into_response())
}

async fn index(State(site): State<Site>, _: Viewer) -> Result<Response, Problem> {
    let people = site.accounts.people().await?;
    let online = site.presence.online();
    let items = people.iter().map(|person| User::new(person, online.contains(&person.id)));
    Ok(Json(Items { items: items.collect() }).into_response())
}

async fn show_me(State(site): State<Site>, Viewer(me): Viewer) -> Response {
    Json(User::new(&me.person, site.presence.is_online(me.person.id))).into_response()
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NewToken {
    login: String,
    password: String,
    label: String,
}

#[derive(Serialize)]
struct IssuedToken<'a> {
    token: &'a str,
    user: User<'a>,
}

const LONGEST_LABEL: usize = 64;

async fn create_token(
    State(site): State<Site>,
    client: Client,
    JsonBody(new): JsonBody<NewToken>,
) -> Result<Response, Problem> {
    site.throttle.sign_in(client)?;
    let label = new.label.trim();
    if label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control) {
        return Err(Invalid::new("label", "label-length").into());
    }
    let signed_in = site.accounts.sign_in(&new.login, &new.password).await;
    let person = signed_in.map_err(|error| match error {
        SignInError::Wrong => Problem::saying(StatusCode::UNAUTHORIZED, "login-wrong"),
        SignInError::Fault(fault) => fault.into(),
    })?;
    let secret = site.accounts.issue_token(&person, label).await?;
    let user = User::new(&person, site.presence.is_online(person.id));
    let issued = IssuedToken { token: secret.reveal(), user };
    Ok((StatusCode::CREATED, Json(issued)).into_response())
}

async fn destroy_token(
    State(site): State<Site>,
    Viewer(me): Viewer,
) -> Result<StatusCode, Problem> {
    site.accounts.revoke_token(me.credential).await?;
    Ok(StatusCode::NO_CONTENT)
}
