//! User administration: roles, closing accounts, password reset links, and whether registration is
//! open.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use crate::chat::accounts::model::{
    Account, Admin, BearerSecret, Email, Erasure, Handle, Role, User,
};
use crate::chat::accounts::{Accounts, AdminError, RegisterError};
use crate::chat::presence::Presence;
use crate::config::Signup;
use crate::http::request::auth::CanAdminister;
use crate::http::request::csrf::{ProxyWarnings, Unclear};
use crate::http::state::from_state;
use crate::http::{AppState, FormBody, Language, Problem, Query, Viewer};
use crate::jobs::Jobs;
use crate::kernel::UserId;
use crate::pages::admin::jobs::JobView;
use crate::pages::layout::calendar::Calendar;
use crate::pages::layout::form_state::FormState;
use crate::pages::layout::list::{ListLinks, ListQuery};
use crate::pages::layout::page::{Page, again, html, unkept};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder};
use crate::pages::layout::user_view::UserView;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .route("/admin", get(show))
        .route("/admin/sign-up", post(switch_sign_up))
        .route("/admin/people", post(add))
        .route("/admin/people/role", post(set_role))
        .route("/admin/people/link", post(make_link))
        .route("/admin/people/open", post(open))
}

#[derive(Template)]
#[template(path = "admin/show.html")]
struct AdminPage {
    page: Page,
    side: Sidebar,
    people: Vec<AccountView>,
    links: ListLinks,
    /// How many of all users can sign in.
    active: String,
    sign_up: SignUp,
    add: FormState,
    link: Option<LinkView>,
    /// A request that was refused by the origin check but may have come from a page of this
    /// installation.
    unclear: Option<String>,
    /// Jobs that failed for the last time.
    jobs: Vec<JobView>,
    /// The user whose account was just closed.
    closed: Option<String>,
}

enum SignUp {
    Open,
    Closed,
    /// Set by the configuration, so the page offers no switch.
    Fixed,
}

struct AccountView {
    user: UserView,
    email: String,
    since: String,
    since_iso: String,
    active: bool,
    myself: bool,
    /// Progress of the deletion of the user's messages.
    erasure: Option<String>,
}

impl AccountView {
    fn new(account: &Account, presence: &Presence, me: UserId, calendar: &Calendar) -> Self {
        let id = account.user.id;
        Self {
            user: UserView::plain(account.user.clone(), presence.is_online(id)),
            email: account.email.clone(),
            since: calendar.day(account.created_at).to_string(),
            since_iso: account.created_at.rfc3339(),
            active: account.active,
            myself: id == me,
            erasure: account.erasure.map(|erasure| progress(erasure, calendar.t)),
        }
    }
}

/// The progress of such a deletion in words.
fn progress(erasure: Erasure, t: Language) -> String {
    let deleted = t.count("erasure-deleted", usize::try_from(erasure.deleted).unwrap_or_default());
    if erasure.finished {
        return deleted;
    }
    let percent = erasure.percent.to_string();
    t.fill("erasure-going-on", [("percent", percent.as_str()), ("deleted", deleted.as_str())])
}

/// A new password reset link. It is shown once.
struct LinkView {
    name: String,
    link: String,
}

impl LinkView {
    fn new(user: &User, secret: &BearerSecret, page: &Page) -> Self {
        let link = page.absolute(&format!("/reset/{}", secret.expose_secret()));
        Self { name: user.display_name.clone(), link }
    }
}

/// What the page shows besides the list of users.
#[derive(Default)]
struct Extras {
    add: FormState,
    link: Option<LinkView>,
    list: ListQuery,
}

async fn show(
    State(renderer): State<AdminRenderer>,
    Viewer(me): Viewer,
    admin: CanAdminister,
    Query(list): Query<ListQuery>,
    page: Page,
) -> Result<Response, Problem> {
    renderer.render(&me.user, &admin, page, Extras { list, ..Extras::default() }).await
}

/// Renders the administration.
pub(super) struct AdminRenderer {
    accounts: Accounts,
    jobs: Jobs,
    presence: Presence,
    proxy_warnings: Arc<ProxyWarnings>,
    sidebar: SidebarBuilder,
}

from_state!(AdminRenderer { accounts, jobs, presence, proxy_warnings, sidebar });

impl AdminRenderer {
    async fn render(
        &self,
        me: &User,
        CanAdminister(admin): &CanAdminister,
        mut page: Page,
        extras: Extras,
    ) -> Result<Response, Problem> {
        page.set_path("/admin".to_owned());
        let list = extras.list;
        let found = self.accounts.account_page(admin, &list.q, &list.start()).await?;
        let closed = match page.number("closed") {
            Some(id) => self.accounts.account(admin, UserId(id)).await?,
            None => None,
        };
        let sign_up = match (self.accounts.is_sign_up_fixed(), self.accounts.sign_up_state().await?)
        {
            (true, _) => SignUp::Fixed,
            (false, state) if state.open => SignUp::Open,
            (false, _) => SignUp::Closed,
        };
        let jobs = self.jobs.dead(admin).await?;
        let calendar = page.calendar();
        let template = AdminPage {
            side: self.sidebar.build(me, None, &page).await?,
            links: ListLinks::new("/admin", &list.q, &found),
            people: found
                .items
                .iter()
                .map(|account| AccountView::new(account, &self.presence, me.id, &calendar))
                .collect(),
            active: page.t.count("admin-people-count", self.accounts.count().await?),
            sign_up,
            add: extras.add,
            link: extras.link,
            unclear: self.proxy_warnings.unclear().map(|unclear| refused(unclear, page.t)),
            jobs: jobs.into_iter().map(|job| JobView::new(job, &calendar)).collect(),
            closed: closed
                .filter(|account| !account.active)
                .map(|account| account.user.display_name),
            page,
        };
        Ok(html(&template))
    }
}

fn refused(unclear: &Unclear, t: Language) -> String {
    t.fill("admin-unclear-hint", [("page", &unclear.page), ("host", &unclear.host)])
}

fn saved() -> Response {
    Redirect::to("/admin?saved=1").into_response()
}

#[derive(Deserialize)]
struct SignUpForm {
    signup: SignUpWord,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum SignUpWord {
    Open,
    Closed,
}

async fn switch_sign_up(
    State(accounts): State<Accounts>,
    CanAdminister(admin): CanAdminister,
    FormBody(form): FormBody<SignUpForm>,
) -> Result<Response, Problem> {
    let signup = match form.signup {
        SignUpWord::Open => Signup::Open,
        SignUpWord::Closed => Signup::Closed,
    };
    accounts.set_sign_up(&admin, signup).await?;
    Ok(saved())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct AddForm {
    name: String,
    email: String,
}

async fn add(
    State(renderer): State<AdminRenderer>,
    State(accounts): State<Accounts>,
    Viewer(me): Viewer,
    admin: CanAdminister,
    page: Page,
    FormBody(typed): FormBody<AddForm>,
) -> Result<Response, Problem> {
    let problems = match (Handle::parse(&typed.name), Email::parse(&typed.email)) {
        (Ok(name), Ok(email)) => match accounts.add(&admin.0, &name, &email).await {
            Ok((user, secret)) => {
                let link = Some(LinkView::new(&user, &secret, &page));
                let extras = Extras { link, ..Extras::default() };
                let shown = renderer.render(&me.user, &admin, page, extras).await?;
                return Ok(unkept(shown));
            }
            Err(RegisterError::Taken(fields)) => fields,
            Err(RegisterError::Service(error)) => return Err(error.into()),
            // Cannot happen here: an administrator can add users while registration is closed, and
            // chooses no password.
            Err(error) => return Err(Problem::internal(&error)),
        },
        (name, email) => [name.err(), email.err()].into_iter().flatten().collect(),
    };
    let add = FormState::default()
        .with("name", &typed.name)
        .with("email", &typed.email)
        .add_error(page.t, &problems);
    let extras = Extras { add, ..Extras::default() };
    let shown = renderer.render(&me.user, &admin, page, extras).await?;
    Ok(again(StatusCode::UNPROCESSABLE_ENTITY, shown))
}

#[derive(Deserialize)]
struct PersonForm {
    user: i64,
}

/// Finds a user, with an open or a closed account.
async fn find(accounts: &Accounts, admin: &Admin, user: i64) -> Result<User, Problem> {
    let account = accounts.account(admin, UserId(user)).await?;
    account.map(|account| account.user).ok_or_else(Problem::not_found)
}

#[derive(Deserialize)]
struct RoleForm {
    user: i64,
    role: RoleWord,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RoleWord {
    Admin,
    Member,
}

async fn set_role(
    State(accounts): State<Accounts>,
    CanAdminister(admin): CanAdminister,
    FormBody(form): FormBody<RoleForm>,
) -> Result<Response, Problem> {
    let role = match form.role {
        RoleWord::Admin => Role::Admin,
        RoleWord::Member => Role::Member,
    };
    let user = find(&accounts, &admin, form.user).await?;
    accounts.set_role(&admin, user.id, role).await.map_err(explain)?;
    Ok(saved())
}

async fn make_link(
    State(renderer): State<AdminRenderer>,
    State(accounts): State<Accounts>,
    Viewer(me): Viewer,
    admin: CanAdminister,
    page: Page,
    FormBody(form): FormBody<PersonForm>,
) -> Result<Response, Problem> {
    let user = find(&accounts, &admin.0, form.user).await?;
    let secret = accounts.reset_link(&admin.0, user.id).await.map_err(explain)?;
    let link = Some(LinkView::new(&user, &secret, &page));
    let extras = Extras { link, ..Extras::default() };
    Ok(unkept(renderer.render(&me.user, &admin, page, extras).await?))
}

async fn open(
    State(accounts): State<Accounts>,
    CanAdminister(admin): CanAdminister,
    FormBody(form): FormBody<PersonForm>,
) -> Result<Response, Problem> {
    let user = find(&accounts, &admin, form.user).await?;
    accounts.reactivate(&admin, user.id).await?;
    Ok(saved())
}

pub(in crate::pages) fn explain(error: AdminError) -> Problem {
    match error {
        AdminError::LastAdmin => Problem::with_detail(StatusCode::CONFLICT, "last-administrator"),
        AdminError::NoAdmin => Problem::with_detail(StatusCode::FORBIDDEN, "not-an-administrator"),
        AdminError::Open => Problem::with_detail(StatusCode::CONFLICT, "account-is-open"),
        AdminError::Service(error) => error.into(),
    }
}
