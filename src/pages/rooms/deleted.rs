//! Deleting a room, and the page that offers to put it back: undoing in place of a question.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use crate::chat::accounts::model::User;
use crate::chat::rooms::AccessError;
use crate::chat::rooms::model::{DeletedRoom, RoomAdmin};
use crate::http::request::auth::{CanDeleteRoom, CanRestore};
use crate::http::{AppState, Problem, Viewer};
use crate::kernel::RoomId;
use crate::limits::deletion::ROOM_RESTORABLE;
use crate::pages::layout::calendar::{Calendar, Moment};
use crate::pages::layout::page::to_room;
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, sidebar};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .route("/rooms/{id}/delete", post(destroy))
        .route("/rooms/{id}/deleted", get(show))
        .route("/rooms/{id}/restore", post(restore))
}

#[derive(Template)]
#[template(path = "rooms/deleted.html")]
struct DeletedPage {
    page: Page,
    side: Sidebar,
    room: DeletedView,
}

/// A room that can be restored.
pub(in crate::pages) struct DeletedView {
    pub id: i64,
    pub name: String,
    /// Until when.
    pub until: Moment,
}

impl DeletedView {
    pub fn new(room: DeletedRoom, calendar: &Calendar) -> Self {
        let until = calendar.moment(room.deleted_at.plus(ROOM_RESTORABLE));
        Self { id: room.id.0, name: room.name, until }
    }
}

async fn destroy(
    State(site): State<AppState>,
    CanDeleteRoom(admin): CanDeleteRoom,
) -> Result<Response, Problem> {
    delete(&site, &admin).await
}

/// Leads to the page that offers to put it back.
pub(in crate::pages) async fn delete(
    site: &AppState,
    admin: &RoomAdmin,
) -> Result<Response, Problem> {
    site.rooms.delete(admin).await?;
    Ok(Redirect::to(&format!("/rooms/{}/deleted", admin.room().id)).into_response())
}

async fn show(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    CanRestore(room): CanRestore,
    page: Page,
) -> Result<Response, Problem> {
    let side = sidebar(&site, &me.person, None, &page).await?;
    Ok(html(&DeletedPage { side, room: DeletedView::new(room, &page.calendar()), page }))
}

async fn restore(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    CanRestore(room): CanRestore,
) -> Result<Response, Problem> {
    site.rooms.restore(&room).await?;
    to_where_it_is(&site, &me.person, room.id).await
}

/// To the room, or for administrators who may not read it to their list.
async fn to_where_it_is(site: &AppState, person: &User, room: RoomId) -> Result<Response, Problem> {
    match site.rooms.reader(person, room).await {
        Ok(_) => Ok(to_room(room)),
        Err(AccessError::NotFound) => Ok(Redirect::to("/admin/rooms").into_response()),
        Err(error) => Err(error.into()),
    }
}
