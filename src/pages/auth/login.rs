//! Registration, sign-in and sign-out.

use askama::Template;
use axum::extract::State;
use axum::http::header::VARY;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use axum_extra::extract::CookieJar;
use serde::{Deserialize, Serialize};

use crate::chat::accounts::model::{Email, Handle, NewAccount, PlainPassword};
use crate::chat::accounts::{Accounts, RegisterError, SignInError};
use crate::http::rate_limit::RateLimiter;
use crate::http::{AppState, ClientInfo, FormBody, Problem, Query, Viewer, cookies};
use crate::kernel::FieldError;
use crate::pages::auth::session_cookie::{CookiesKept, LoginSession};
use crate::pages::layout::form_state::FormState;
use crate::pages::layout::page::{OwnPath, Page, again, html};
use crate::pages::layout::rate_limited::wait;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .route("/login", get(show_login).post(login))
        .route("/register", get(show_register).post(register))
        .route("/register/available", get(show_available))
        .route("/logout", post(logout))
}

#[derive(Template)]
#[template(path = "accounts/login.html")]
struct LoginPage {
    page: Page,
    form: FormState,
    signup_open: bool,
}

#[derive(Template)]
#[template(path = "accounts/register.html")]
struct RegisterPage {
    page: Page,
    form: FormState,
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

impl RegisterForm {
    fn differs(&self) -> Option<FieldError> {
        (self.password != self.password_confirmation)
            .then_some(FieldError::new("password_confirmation", "password-differs"))
    }
}

/// The user is already signed in, so the form is skipped.
fn redirect_if_signed_in(page: &Page) -> Response {
    Redirect::to(page.next().as_ref().map_or("/", OwnPath::as_str)).into_response()
}

async fn show_login(
    State(accounts): State<Accounts>,
    viewer: Option<Viewer>,
    page: Page,
    cookies_kept: CookiesKept,
) -> Result<Response, Problem> {
    if viewer.is_some() {
        return Ok(redirect_if_signed_in(&page));
    }
    let sign_up = accounts.sign_up_state().await?;
    if sign_up.first {
        return Ok(Redirect::to("/register").into_response());
    }
    let mut form =
        FormState::default().with("next", page.next().as_ref().map_or("", OwnPath::as_str));
    if cookies_kept.dropped {
        form = form.with_error("form", page.t.name("login-no-cookies", page.absolute("")));
    }
    let probe = CookieJar::new().add(cookies::probe(cookies_kept.client));
    Ok((probe, html(&LoginPage { page, form, signup_open: sign_up.open })).into_response())
}

async fn login(
    State(accounts): State<Accounts>,
    login_session: LoginSession,
    page: Page,
    FormBody(typed): FormBody<LoginForm>,
) -> Result<Response, Problem> {
    match accounts.sign_in(&typed.login, &typed.password, &login_session.visitor).await {
        Ok(verified) => login_session.sign_in(verified, &typed.next).await,
        Err(SignInError::Service(error)) => Err(error.into()),
        Err(error) => {
            let (status, wrong, later) = match error {
                SignInError::TooMany(wait) => {
                    let wrong = FieldError::new("form", "password-too-many");
                    (StatusCode::TOO_MANY_REQUESTS, wrong, Some(wait))
                }
                _ => {
                    (StatusCode::UNPROCESSABLE_ENTITY, FieldError::new("form", "login-wrong"), None)
                }
            };
            let form = FormState::default()
                .with("login", &typed.login)
                .with("next", &typed.next)
                .add_error(page.t, &[wrong]);
            let signup_open = accounts.sign_up_state().await?.open;
            Ok(wait(again(status, html(&LoginPage { page, form, signup_open })), later))
        }
    }
}

async fn show_register(
    State(accounts): State<Accounts>,
    viewer: Option<Viewer>,
    client: ClientInfo,
    page: Page,
) -> Result<Response, Problem> {
    if viewer.is_some() {
        return Ok(redirect_if_signed_in(&page));
    }
    let sign_up = accounts.sign_up_state().await?;
    let form = FormState::default().with("next", page.next().as_ref().map_or("", OwnPath::as_str));
    let probe = CookieJar::new().add(cookies::probe(client));
    let shown = html(&RegisterPage { page, form, open: sign_up.open, first: sign_up.first });
    Ok((probe, shown).into_response())
}

async fn register(
    State(accounts): State<Accounts>,
    State(rate_limiter): State<RateLimiter>,
    login_session: LoginSession,
    page: Page,
    FormBody(typed): FormBody<RegisterForm>,
) -> Result<Response, Problem> {
    rate_limiter.sign_up(login_session.client).await?;
    let problems =
        match (NewAccount::parse(&typed.name, &typed.email, &typed.password), typed.differs()) {
            (Ok(new), None) => match accounts.register(&new, &login_session.visitor).await {
                Ok(verified) => {
                    return login_session.sign_in(verified, &typed.next).await;
                }
                Err(RegisterError::Taken(fields)) => fields,
                Err(RegisterError::Guessable) => {
                    vec![FieldError::new("password", "password-guessable")]
                }
                Err(RegisterError::Closed) => return Err(closed()),
                Err(RegisterError::Service(error)) => return Err(error.into()),
            },
            _ => field_errors(&accounts, &typed).await?,
        };
    let form = FormState::default()
        .with("name", &typed.name)
        .with("email", &typed.email)
        .with("next", &typed.next)
        .add_error(page.t, &problems);
    let sign_up = accounts.sign_up_state().await?;
    Ok(again(
        StatusCode::UNPROCESSABLE_ENTITY,
        html(&RegisterPage { page, form, open: sign_up.open, first: sign_up.first }),
    ))
}

/// All field errors together: fields that do not parse, a name or address that is taken, and a
/// password confirmation that differs. The strength of the password is only judged when there are
/// no such errors, because judging is slow.
async fn field_errors(
    accounts: &Accounts,
    typed: &RegisterForm,
) -> Result<Vec<FieldError>, Problem> {
    if !accounts.sign_up_state().await?.open {
        return Err(closed());
    }
    let name = Handle::parse(&typed.name);
    let email = Email::parse(&typed.email);
    let password = PlainPassword::parse(&typed.password);
    let taken = accounts.validate(name.as_ref().ok(), email.as_ref().ok()).await?;
    let unparsed = [name.err(), email.err(), password.err(), typed.differs()];
    Ok(unparsed.into_iter().flatten().chain(taken).collect())
}

fn closed() -> Problem {
    Problem::with_detail(StatusCode::FORBIDDEN, "register-closed")
}

/// The field of the registration form that is being typed. Exactly one is given.
#[derive(Deserialize)]
struct AvailabilityQuery {
    name: Option<String>,
    email: Option<String>,
}

#[derive(Serialize)]
struct Available {
    field: &'static str,
    complaint: Option<&'static str>,
}

/// The field of the form that is being typed, with what the form would say about it.
#[derive(Template)]
#[template(path = "accounts/_available.html")]
struct AvailableField {
    page: Page,
    form: FormState,
    field: &'static str,
    free: bool,
}

/// Returns the error that the form would show for a name or an e-mail address, and nothing more:
/// the caller is not authenticated. The form gets its field, programs get JSON.
async fn show_available(
    State(rate_limiter): State<RateLimiter>,
    State(accounts): State<Accounts>,
    client: ClientInfo,
    headers: HeaderMap,
    page: Page,
    Query(asked): Query<AvailabilityQuery>,
) -> Result<Response, Problem> {
    rate_limiter.availability(client).await?;
    if !accounts.sign_up_state().await?.open {
        return Err(closed());
    }
    let typed = asked.name.clone().or_else(|| asked.email.clone()).unwrap_or_default();
    let (field, parsed) = match (asked.name, asked.email) {
        (Some(name), None) => ("name", Handle::parse(&name).map(|name| (Some(name), None))),
        (None, Some(email)) => ("email", Email::parse(&email).map(|email| (None, Some(email)))),
        _ => return Err(Problem::with_detail(StatusCode::UNPROCESSABLE_ENTITY, "query-shape")),
    };
    let error = match parsed {
        Err(unparsed) => Some(unparsed),
        Ok((name, email)) => accounts.validate(name.as_ref(), email.as_ref()).await?.pop(),
    };
    let answer = if headers.contains_key("hx-request") {
        let mut form = FormState::default().with(field, &typed);
        let is_judged = is_plausible(field, &typed);
        if let Some(error) = error.filter(|_| is_judged) {
            form = form.add_error(page.t, &[error]);
        }
        html(&AvailableField { page, form, field, free: is_judged && error.is_none() })
    } else {
        let complaint = error.map(|error| page.t.error_text(error));
        Json(Available { field, complaint }).into_response()
    };
    Ok(([(VARY, "HX-Request")], answer).into_response())
}

/// Whether the text may be complete. Until then it is neither wrong nor available.
fn is_plausible(field: &str, typed: &str) -> bool {
    let typed = typed.trim();
    match field {
        "email" => typed.split_once('@').is_some_and(|(user, host)| {
            let domain = host.rsplit_once('.');
            !user.is_empty() && domain.is_some_and(|(a, b)| !a.is_empty() && !b.is_empty())
        }),
        _ => typed.chars().count() > 1,
    }
}

async fn logout(login_session: LoginSession) -> Result<Response, Problem> {
    login_session.sign_out().await
}
