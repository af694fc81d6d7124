//! Choosing a new password with a reset link that an administrator created.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use crate::chat::accounts::model::BearerSecret;
use crate::chat::accounts::{Accounts, LoginSource, ResetError};
use crate::http::{AppState, FormBody, Problem};
use crate::kernel::FieldError;
use crate::pages::auth::session_cookie::LoginSession;
use crate::pages::layout::form_state::FormState;
use crate::pages::layout::page::{Page, again, html, unkept};
use crate::pages::settings::profile::validate_new_password;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/reset/{link}", get(show).post(reset))
}

#[derive(Template)]
#[template(path = "accounts/reset.html")]
struct ResetPage {
    page: Page,
    form: FormState,
    link: String,
    name: String,
    display_name: String,
}

async fn show(
    State(accounts): State<Accounts>,
    Path(link): Path<String>,
    visitor: LoginSource,
    page: Page,
) -> Result<Response, Problem> {
    let user =
        accounts.by_reset(&BearerSecret::new(link.as_str()), &visitor).await.map_err(explain)?;
    Ok(unkept(html(&ResetPage {
        page,
        form: FormState::default(),
        link,
        name: user.name,
        display_name: user.display_name,
    })))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ResetForm {
    password: String,
    password_confirmation: String,
}

async fn reset(
    State(accounts): State<Accounts>,
    Path(link): Path<String>,
    login_session: LoginSession,
    page: Page,
    FormBody(typed): FormBody<ResetForm>,
) -> Result<Response, Problem> {
    let secret = BearerSecret::new(link.as_str());
    let user = accounts.by_reset(&secret, &login_session.visitor).await.map_err(explain)?;
    let problems = match validate_new_password(&typed.password, &typed.password_confirmation) {
        Ok(new) => match accounts.reset_password(&secret, &new, &login_session.visitor).await {
            Ok(verified) => return login_session.sign_in(verified, "/").await,
            Err(ResetError::Guessable) => vec![FieldError::new("password", "password-guessable")],
            Err(error) => return Err(explain(error)),
        },
        Err(problems) => problems,
    };
    let form = FormState::default().add_error(page.t, &problems);
    let shown =
        html(&ResetPage { page, form, link, name: user.name, display_name: user.display_name });
    Ok(unkept(again(StatusCode::UNPROCESSABLE_ENTITY, shown)))
}

fn explain(error: ResetError) -> Problem {
    match error {
        ResetError::Unknown => Problem::with_detail(StatusCode::NOT_FOUND, "reset-unknown"),
        ResetError::Guessable => FieldError::new("password", "password-guessable").into(),
        ResetError::TooMany(wait) => Problem::too_many(wait),
        ResetError::Service(error) => error.into(),
    }
}
