//! Choosing a new password by a link that an administrator made.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use super::form::Form;
use super::layout::{Frame, again, html, unkept};
use super::settings::chosen_password;
use super::visit::Visit;
use crate::chat::accounts::model::Secret;
use crate::chat::accounts::{ResetError, Visitor};
use crate::http::{FormBody, Problem, Site};
use crate::kernel::Invalid;

pub(super) fn router() -> Router<Site> {
    Router::new().route("/reset/{link}", get(show).post(reset))
}

#[derive(Template)]
#[template(path = "accounts/reset.html")]
struct ResetPage {
    page: Frame,
    form: Form,
    link: String,
    name: String,
    display_name: String,
}

async fn show(
    State(site): State<Site>,
    Path(link): Path<String>,
    visitor: Visitor,
    page: Frame,
) -> Result<Response, Problem> {
    let person =
        site.accounts.by_reset(&Secret::new(link.as_str()), &visitor).await.map_err(explain)?;
    let (name, display_name) = (person.name, person.display_name);
    Ok(unkept(html(&ResetPage { page, form: Form::default(), link, name, display_name })))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ResetForm {
    password: String,
    password_confirmation: String,
}

async fn reset(
    State(site): State<Site>,
    Path(link): Path<String>,
    visit: Visit,
    page: Frame,
    FormBody(typed): FormBody<ResetForm>,
) -> Result<Response, Problem> {
    let secret = Secret::new(link.as_str());
    let person = site.accounts.by_reset(&secret, &visit.visitor).await.map_err(explain)?;
    let problems = match chosen_password(&typed.password, &typed.password_confirmation) {
        Ok(new) => match site.accounts.reset_password(&secret, &new, &visit.visitor).await {
            Ok(proven) => return visit.sign_in(&site, &proven, "/").await,
            Err(ResetError::Guessable) => vec![Invalid::new("password", "password-guessable")],
            Err(error) => return Err(explain(error)),
        },
        Err(problems) => problems,
    };
    let form = Form::default().complain(page.t, &problems);
    let (name, display_name) = (person.name, person.display_name);
    let shown = html(&ResetPage { page, form, link, name, display_name });
    Ok(unkept(again(StatusCode::UNPROCESSABLE_ENTITY, shown)))
}

fn explain(error: ResetError) -> Problem {
    match error {
        ResetError::Unknown => Problem::saying(StatusCode::NOT_FOUND, "reset-unknown"),
        ResetError::Guessable => Invalid::new("password", "password-guessable").into(),
        ResetError::TooMany(wait) => Problem::too_many(wait),
        ResetError::Fault(fault) => fault.into(),
    }
}
