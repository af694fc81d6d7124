//! Registering, signing in, signing out.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::form::Form;
use super::layout::{Frame, OwnPath, again, html};
use super::visit::Visit;
use crate::chat::accounts::model::NewAccount;
use crate::chat::accounts::{RegisterError, SignInError};
use crate::http::{FormBody, Problem, Site, Viewer};
use crate::kernel::Invalid;

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/login", get(show_login).post(login))
        .route("/register", get(show_register).post(register))
        .route("/logout", post(logout))
}

#[derive(Template)]
#[template(path = "accounts/login.html")]
struct LoginPage {
    page: Frame,
    form: Form,
    signup_open: bool,
}

#[derive(Template)]
#[template(path = "accounts/register.html")]
struct RegisterPage {
    page: Frame,
    form: Form,
    open: bool,
    first: bool,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct LoginForm {
    login: String,
    password: String,
    next: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RegisterForm {
    name: String,
    email: String,
    password: String,
    password_confirmation: String,
    next: String,
}

/// Signed in already: nothing to do here.
fn past_the_gate(page: &Frame) -> Response {
    Redirect::to(page.next().as_ref().map_or("/", OwnPath::as_str)).into_response()
}

async fn show_login(
    State(site): State<Site>,
    viewer: Option<Viewer>,
    page: Frame,
) -> Result<Response, Problem> {
    if viewer.is_some() {
        return Ok(past_the_gate(&page));
    }
    let state = site.accounts.sign_up_state().await?;
    if state.first {
        return Ok(Redirect::to("/register").into_response());
    }
    let form = Form::default().with("next", page.next().as_ref().map_or("", OwnPath::as_str));
    Ok(html(&LoginPage { page, form, signup_open: state.open }))
}

async fn login(
    State(site): State<Site>,
    visit: Visit,
    page: Frame,
    FormBody(typed): FormBody<LoginForm>,
) -> Result<Response, Problem> {
    site.throttle.sign_in(visit.client)?;
    match site.accounts.sign_in(&typed.login, &typed.password).await {
        Ok(person) => visit.sign_in(&site, &person, &typed.next).await,
        Err(SignInError::Fault(fault)) => Err(fault.into()),
        Err(SignInError::Wrong) => {
            let wrong = [Invalid::new("form", "login-wrong")];
            let form = Form::default()
                .with("login", &typed.login)
                .with("next", &typed.next)
                .complain(page.t, &wrong);
            let signup_open = site.accounts.sign_up_state().await?.open;
            Ok(again(
                StatusCode::UNPROCESSABLE_ENTITY,
                html(&LoginPage { page, form, signup_open }),
            ))
        }
    }
}

async fn show_register(
    State(site): State<Site>,
    viewer: Option<Viewer>,
    page: Frame,
) -> Result<Response, Problem> {
    if viewer.is_some() {
        return Ok(past_the_gate(&page));
    }
    let state = site.accounts.sign_up_state().await?;
    let form = Form::default().with("next", page.next().as_ref().map_or("", OwnPath::as_str));
    Ok(html(&RegisterPage { page, form, open: state.open, first: state.first }))
}

async fn register(
    State(site): State<Site>,
    visit: Visit,
    page: Frame,
    FormBody(typed): FormBody<RegisterForm>,
) -> Result<Response, Problem> {
    site.throttle.sign_up(visit.client)?;
    let problems = match parse(&typed) {
        Ok(new) => match site.accounts.register(&new).await {
            Ok(person) => return visit.sign_in(&site, &person, &typed.next).await,
            Err(RegisterError::Taken(fields)) => fields,
            Err(RegisterError::Guessable) => {
                vec![Invalid::new("password", "password-guessable")]
            }
            Err(RegisterError::Closed) => {
                return Err(Problem::saying(StatusCode::FORBIDDEN, "register-closed"));
            }
            Err(RegisterError::Fault(fault)) => return Err(fault.into()),
        },
        Err(problems) => problems,
    };
    let form = Form::default()
        .with("name", &typed.name)
        .with("email", &typed.email)
        .with("next", &typed.next)
        .complain(page.t, &problems);
    let state = site.accounts.sign_up_state().await?;
    Ok(again(
        StatusCode::UNPROCESSABLE_ENTITY,
        html(&RegisterPage { page, form, open: state.open, first: state.first }),
    ))
}

fn parse(typed: &RegisterForm) -> Result<NewAccount, Vec<Invalid>> {
    let differs = (typed.password != typed.password_confirmation)
        .then_some(Invalid::new("password_confirmation", "password-differs"));
    match (NewAccount::parse(&typed.name, &typed.email, &typed.password), differs) {
        (Ok(new), None) => Ok(new),
        (parsed, differs) => {
            Err(parsed.err().unwrap_or_default().into_iter().chain(differs).collect())
        }
    }
}

async fn logout(State(site): State<Site>, visit: Visit) -> Result<Response, Problem> {
    visit.sign_out(&site).await
}
