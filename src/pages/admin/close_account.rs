//! Closing an account: a page that names whose it is comes before it, since that person is out at once.
//! There, too, all that they wrote can be deleted.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use crate::chat::accounts::model::{Account, Admin};
use crate::http::request::auth::CanAdminister;
use crate::http::{AppState, FormBody, PathId, Problem, Viewer};
use crate::kernel::UserId;
use crate::pages::admin::users::explain;
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, sidebar};
use crate::pages::layout::user_view::PersonView;

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
    person: PersonView,
    active: bool,
}

async fn find(site: &AppState, admin: &Admin, user: i64) -> Result<Account, Problem> {
    let mut accounts = site.accounts.list(admin).await?.into_iter();
    accounts.find(|account| account.person.id.0 == user).ok_or_else(Problem::not_found)
}

async fn ask(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    CanAdminister(admin): CanAdminister,
    PathId(id): PathId,
    page: Page,
) -> Result<Response, Problem> {
    let Account { person, active, .. } = find(&site, &admin, id).await?;
    let online = site.presence.is_online(person.id);
    let side = sidebar(&site, &me.person, None, &page).await?;
    Ok(html(&ClosePage { side, person: PersonView::new(person, online), active, page }))
}

#[derive(Deserialize)]
struct CloseForm {
    user: i64,
    /// Whether all that they wrote is deleted, too.
    #[serde(default)]
    erase: Option<String>,
}

async fn close(
    State(site): State<AppState>,
    CanAdminister(admin): CanAdminister,
    FormBody(form): FormBody<CloseForm>,
) -> Result<Response, Problem> {
    let user = find(&site, &admin, form.user).await?.person.id;
    site.accounts.deactivate(&admin, user, form.erase.is_some()).await.map_err(explain)?;
    Ok(done(user))
}

#[derive(Deserialize)]
struct PersonForm {
    user: i64,
}

async fn erase(
    State(site): State<AppState>,
    CanAdminister(admin): CanAdminister,
    FormBody(form): FormBody<PersonForm>,
) -> Result<Response, Problem> {
    let user = find(&site, &admin, form.user).await?.person.id;
    site.accounts.erase(&admin, user).await.map_err(explain)?;
    Ok(done(user))
}

/// To the list, which says whose account it was and offers the way back.
fn done(user: UserId) -> Response {
    Redirect::to(&format!("/admin?closed={user}")).into_response()
}
