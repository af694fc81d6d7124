//! Closing an account, after a confirmation page that names the user, because closing signs the
//! user out immediately. The form can also delete all messages of the user.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use crate::chat::accounts::Accounts;
use crate::chat::accounts::model::{Account, Admin};
use crate::http::request::auth::CanAdminister;
use crate::http::{AppState, FormBody, PathId, Problem, Viewer};
use crate::kernel::UserId;
use crate::pages::admin::AdminLayout;
use crate::pages::admin::users::explain;
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::Sidebar;
use crate::pages::layout::user_view::UserView;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .route("/admin/people/{id}/close", get(ask))
        .route("/admin/people/close", post(close))
        .route("/admin/people/erase", post(erase))
}

#[derive(Template)]
#[template(path = "admin/close.html")]
struct ClosePage {
    page: Page,
    side: Sidebar,
    user: UserView,
    active: bool,
}

async fn find(accounts: &Accounts, admin: &Admin, user: i64) -> Result<Account, Problem> {
    accounts.account(admin, UserId(user)).await?.ok_or_else(Problem::not_found)
}

async fn ask(
    State(accounts): State<Accounts>,
    State(layout): State<AdminLayout>,
    Viewer(me): Viewer,
    CanAdminister(admin): CanAdminister,
    PathId(id): PathId,
    page: Page,
) -> Result<Response, Problem> {
    let Account { user, active, .. } = find(&accounts, &admin, id).await?;
    let online = layout.presence.is_online(user.id);
    let side = layout.sidebar.build(&me.user, None, &page).await?;
    Ok(html(&ClosePage { side, user: UserView::plain(user, online), active, page }))
}

#[derive(Deserialize)]
struct CloseForm {
    user: i64,
    /// Also delete all messages of the user.
    #[serde(default)]
    erase: Option<String>,
}

async fn close(
    State(accounts): State<Accounts>,
    CanAdminister(admin): CanAdminister,
    FormBody(form): FormBody<CloseForm>,
) -> Result<Response, Problem> {
    let user = find(&accounts, &admin, form.user).await?.user.id;
    accounts.deactivate(&admin, user, form.erase.is_some()).await.map_err(explain)?;
    Ok(done(user))
}

#[derive(Deserialize)]
struct PersonForm {
    user: i64,
}

async fn erase(
    State(accounts): State<Accounts>,
    CanAdminister(admin): CanAdminister,
    FormBody(form): FormBody<PersonForm>,
) -> Result<Response, Problem> {
    let user = find(&accounts, &admin, form.user).await?.user.id;
    accounts.erase(&admin, user).await.map_err(explain)?;
    Ok(done(user))
}

/// Redirects to the list of users, which names the closed account and offers to reopen it.
fn done(user: UserId) -> Response {
    Redirect::to(&format!("/admin?closed={user}")).into_response()
}
