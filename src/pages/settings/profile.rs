//! The user's own settings: name, e-mail address, password, appearance, sessions.

use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum_extra::extract::CookieJar;
use serde::Deserialize;

use crate::chat::accounts::model::{
    Authenticated, DisplayName, Email, PlainPassword, SessionInfo, ZoneName,
};
use crate::chat::accounts::{Accounts, ChangeError};
use crate::http::preferences::{Density, LetterKeys, Preference, Theme};
use crate::http::state::from_state;
use crate::http::{AppState, ClientInfo, FormBody, Language, Problem, Viewer, locale};
use crate::kernel::{Clock, FieldError};
use crate::pages::layout::calendar::Calendar;
use crate::pages::layout::form_state::FormState;
use crate::pages::layout::page::{Page, again, html};
use crate::pages::layout::rate_limited::wait;
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder};
use crate::pages::settings::about_form;
use crate::pages::settings::current_password::CurrentPassword;
use crate::pages::settings::token_view::{LIFETIMES, TokenView};
use crate::pages::settings::user_agent;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .route("/settings", get(show))
        .route("/settings/name", post(rename))
        .route("/settings/email", post(change_email))
        .route("/settings/password", post(change_password))
        .route("/settings/look", post(change_look))
        .route("/settings/time-zone", post(change_time_zone))
        .route("/settings/sessions", post(end_session))
}

#[derive(Template)]
#[template(path = "accounts/settings.html")]
struct SettingsPage {
    page: Page,
    side: Sidebar,
    name: FormState,
    about: FormState,
    /// The choices for the end of the status, and the keys of their texts.
    status_ends: Vec<(&'static str, &'static str)>,
    picture: FormState,
    email: FormState,
    password: FormState,
    time_zone: FormState,
    sessions: Vec<SessionView>,
    token: FormState,
    /// The secret of a new token. It is shown once.
    fresh_token: Option<String>,
    tokens: Vec<TokenView>,
    lifetimes: [(&'static str, &'static str); LIFETIMES.len()],
    /// The current password was entered a moment ago, so the forms do not ask for it.
    confirmed: bool,
}

struct SessionView {
    id: String,
    agent: String,
    browser: String,
    since: String,
    since_iso: String,
    current: bool,
}

impl SessionView {
    fn new(session: &SessionInfo, me: &Authenticated, calendar: &Calendar) -> Self {
        Self {
            id: session.credential.to_hex(),
            agent: session.agent.clone(),
            browser: user_agent::name(&session.agent, calendar.t),
            since: calendar.figures(session.created_at),
            since_iso: session.created_at.rfc3339(),
            current: session.credential == me.credential,
        }
    }
}

/// The forms of the page. At most one has field errors.
#[derive(Default)]
pub(in crate::pages) struct Forms {
    pub name: Option<FormState>,
    pub about: Option<FormState>,
    pub picture: FormState,
    pub email: Option<FormState>,
    pub password: FormState,
    pub time_zone: Option<FormState>,
    pub token: Option<FormState>,
    pub fresh_token: Option<String>,
    /// Time until the next attempt, after too many wrong passwords.
    pub wait: Option<Duration>,
}

async fn show(
    State(renderer): State<SettingsRenderer>,
    Viewer(me): Viewer,
    page: Page,
) -> Result<Response, Problem> {
    renderer.render(&me, page, Forms::default()).await
}

/// Renders the settings of a user.
pub(in crate::pages) struct SettingsRenderer {
    pub accounts: Accounts,
    pub sidebar: SidebarBuilder,
    pub clock: Clock,
}

from_state!(SettingsRenderer { accounts, sidebar, clock });

impl SettingsRenderer {
    /// The page with the state of its forms.
    pub async fn render(
        &self,
        me: &Authenticated,
        mut page: Page,
        forms: Forms,
    ) -> Result<Response, Problem> {
        page.set_path("/settings".to_owned());
        let own_name = || FormState::default().with("display_name", &me.user.display_name);
        let address = self.accounts.email(me).await?;
        let own_email = || FormState::default().with("email", &address);
        let zone = &me.zone;
        let calendar = page.calendar();
        let own_zone = || FormState::default().with("time_zone", zone.iana_name().unwrap_or("UTC"));
        let own_token = || FormState::default().with("expires_in", LIFETIMES[0].0);
        let sessions = self.accounts.sessions(me).await?;
        let about = forms.about.unwrap_or_else(|| about_form::form(me, self.clock.now()));
        let template = SettingsPage {
            side: self.sidebar.build(&me.user, None, &page).await?,
            name: forms.name.unwrap_or_else(own_name),
            status_ends: about_form::ends(about.value("status_end")),
            about,
            picture: forms.picture,
            email: forms.email.unwrap_or_else(own_email),
            password: forms.password,
            time_zone: forms.time_zone.unwrap_or_else(own_zone),
            token: forms.token.unwrap_or_else(own_token),
            fresh_token: forms.fresh_token,
            tokens: self
                .accounts
                .tokens(me)
                .await?
                .iter()
                .map(|token| TokenView::new(token, &calendar))
                .collect(),
            lifetimes: LIFETIMES,
            confirmed: me.confirmation.is_some(),
            sessions: sessions
                .iter()
                .map(|session| SessionView::new(session, me, &calendar))
                .collect(),
            page,
        };
        Ok(html(&template))
    }

    /// The page again, with field errors.
    pub async fn render_refused(
        &self,
        me: &Authenticated,
        page: Page,
        forms: Forms,
    ) -> Result<Response, Problem> {
        let later = forms.wait;
        let status = match later {
            Some(_) => StatusCode::TOO_MANY_REQUESTS,
            None => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Ok(wait(again(status, self.render(me, page, forms).await?), later))
    }
}

pub(in crate::pages) fn saved() -> Response {
    Redirect::to("/settings?saved=1").into_response()
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NameForm {
    display_name: String,
}

async fn rename(
    State(renderer): State<SettingsRenderer>,
    State(accounts): State<Accounts>,
    Viewer(me): Viewer,
    page: Page,
    FormBody(typed): FormBody<NameForm>,
) -> Result<Response, Problem> {
    let problem = match DisplayName::parse(&typed.display_name) {
        Ok(name) => match accounts.rename(&me, &name).await {
            Ok(()) => return Ok(saved()),
            Err(error) => explain(error)?,
        },
        Err(problem) => problem,
    };
    let form = FormState::default()
        .with("display_name", &typed.display_name)
        .add_error(page.t, &[problem]);
    renderer.render_refused(&me, page, Forms { name: Some(form), ..Forms::default() }).await
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct EmailForm {
    email: String,
    current_password: String,
}

async fn change_email(
    State(renderer): State<SettingsRenderer>,
    State(accounts): State<Accounts>,
    current: CurrentPassword,
    Viewer(mut me): Viewer,
    page: Page,
    FormBody(typed): FormBody<EmailForm>,
) -> Result<Response, Problem> {
    let mut wait = None;
    let problem = match Email::parse(&typed.email) {
        Ok(email) => {
            let changed = async {
                let verified = current.verify(&mut me, &typed.current_password).await?;
                accounts.change_email(&me, &email, &verified).await
            };
            match changed.await {
                Ok(()) => return Ok(saved()),
                Err(error) => {
                    wait = error.wait();
                    explain(error)?
                }
            }
        }
        Err(problem) => problem,
    };
    let form = FormState::default().with("email", &typed.email).add_error(page.t, &[problem]);
    renderer.render_refused(&me, page, Forms { email: Some(form), wait, ..Forms::default() }).await
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PasswordForm {
    current_password: String,
    password: String,
    password_confirmation: String,
}

async fn change_password(
    State(renderer): State<SettingsRenderer>,
    State(accounts): State<Accounts>,
    current: CurrentPassword,
    Viewer(mut me): Viewer,
    page: Page,
    FormBody(typed): FormBody<PasswordForm>,
) -> Result<Response, Problem> {
    let mut wait = None;
    let problems = match validate_new_password(&typed.password, &typed.password_confirmation) {
        Ok(new) => {
            let changed = async {
                let old = current.verify(&mut me, &typed.current_password).await?;
                match accounts.change_password(&me, &old, &new).await? {
                    Some(confirmation) => current.confirm(&mut me, confirmation).await,
                    None => Ok(()),
                }
            };
            match changed.await {
                Ok(()) => return Ok(saved()),
                Err(error) => {
                    wait = error.wait();
                    vec![explain(error)?]
                }
            }
        }
        Err(problems) => problems,
    };
    let password = FormState::default().add_error(page.t, &problems);
    renderer.render_refused(&me, page, Forms { password, wait, ..Forms::default() }).await
}

/// Parses a new password with its confirmation. Checks everything except the strength, which is
/// slow to judge.
pub(in crate::pages) fn validate_new_password(
    typed: &str,
    again: &str,
) -> Result<PlainPassword, Vec<FieldError>> {
    let differs =
        (typed != again).then_some(FieldError::new("password_confirmation", "password-differs"));
    match (PlainPassword::parse(typed), differs) {
        (Ok(new), None) => Ok(new),
        (password, differs) => Err(password.err().into_iter().chain(differs).collect()),
    }
}

/// Maps an error to the field it belongs to.
pub(in crate::pages) fn explain(error: ChangeError) -> Result<FieldError, Problem> {
    match error {
        ChangeError::WrongPassword => Ok(FieldError::new("current_password", "password-wrong")),
        ChangeError::NoPassword => Ok(FieldError::new("current_password", "password-missing")),
        ChangeError::NameTaken => Ok(FieldError::new("display_name", "name-taken")),
        ChangeError::TooMany(_) => Ok(FieldError::new("current_password", "password-too-many")),
        ChangeError::EmailTaken => Ok(FieldError::new("email", "email-taken")),
        ChangeError::Guessable => Ok(FieldError::new("password", "password-guessable")),
        ChangeError::Service(error) => Err(error.into()),
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ZoneForm {
    time_zone: String,
    /// The time zone that the browser suggests. It never replaces one that the user chose.
    suggested: Option<String>,
}

async fn change_time_zone(
    State(renderer): State<SettingsRenderer>,
    State(accounts): State<Accounts>,
    Viewer(me): Viewer,
    page: Page,
    FormBody(typed): FormBody<ZoneForm>,
) -> Result<Response, Problem> {
    match ZoneName::parse(&typed.time_zone) {
        Ok(zone) if typed.suggested.is_some() => {
            accounts.suggest_time_zone(&me, &zone).await?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        Ok(zone) => {
            accounts.set_time_zone(&me, &zone).await?;
            Ok(saved())
        }
        Err(problem) => {
            let form = FormState::default().with("time_zone", &typed.time_zone);
            let form = form.add_error(page.t, &[problem]);
            renderer
                .render_refused(&me, page, Forms { time_zone: Some(form), ..Forms::default() })
                .await
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct LookForm {
    language: String,
    theme: String,
    density: String,
    keys: String,
}

/// Stored in cookies only: the choices can differ per device. What the form leaves out stays.
async fn change_look(
    client: ClientInfo,
    _: Viewer,
    FormBody(typed): FormBody<LookForm>,
) -> Response {
    let language = Language::from_code(&typed.language);
    let chosen = [
        language.map(|language| locale::cookie(language, client)),
        Theme::from_word(&typed.theme).map(|theme| theme.cookie(client)),
        Density::from_word(&typed.density).map(|density| density.cookie(client)),
        LetterKeys::from_word(&typed.keys).map(|keys| keys.cookie(client)),
    ];
    let jar = chosen.into_iter().flatten().fold(CookieJar::new(), CookieJar::add);
    (jar, saved()).into_response()
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SessionForm {
    /// A session id; empty for all sessions except this one.
    session: String,
}

async fn end_session(
    State(accounts): State<Accounts>,
    Viewer(me): Viewer,
    FormBody(form): FormBody<SessionForm>,
) -> Result<Response, Problem> {
    if form.session.is_empty() {
        accounts.sign_out_elsewhere(&me).await?;
        return Ok(saved());
    }
    let own = accounts.sessions(&me).await?;
    let wanted = own.iter().find(|session| session.credential.to_hex() == form.session);
    let session = wanted.ok_or_else(Problem::not_found)?;
    accounts.revoke(session.credential).await?;
    Ok(saved())
}
