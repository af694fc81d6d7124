//! Deleting a room, and the page that offers to restore it. The undo replaces a confirmation.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use crate::chat::accounts::model::User;
use crate::chat::rooms::model::{DeletedRoom, RoomAdmin};
use crate::chat::rooms::{AccessError, Rooms};
use crate::http::request::auth::{CanDeleteRoom, CanRestore};
use crate::http::{AppState, Problem, Viewer};
use crate::kernel::RoomId;
use crate::limits::deletion::ROOM_RESTORABLE;
use crate::pages::layout::calendar::{Calendar, Moment};
use crate::pages::layout::page::{Page, html, to_room};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder};

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
    /// The end of the time in which the room can be restored.
    pub until: Moment,
}

impl DeletedView {
    pub fn new(room: DeletedRoom, calendar: &Calendar) -> Self {
        let until = calendar.moment(room.deleted_at.plus(ROOM_RESTORABLE));
        Self { id: room.id.0, name: room.name, until }
    }
}

async fn destroy(
    State(rooms): State<Rooms>,
    CanDeleteRoom(admin): CanDeleteRoom,
) -> Result<Response, Problem> {
    delete(&rooms, &admin).await
}

/// Deletes a room and redirects to the page that offers to restore it.
pub(in crate::pages) async fn delete(
    rooms: &Rooms,
    admin: &RoomAdmin,
) -> Result<Response, Problem> {
    rooms.delete(admin).await?;
    Ok(Redirect::to(&format!("/rooms/{}/deleted", admin.room().id)).into_response())
}

async fn show(
    State(sidebar): State<SidebarBuilder>,
    Viewer(me): Viewer,
    CanRestore(room): CanRestore,
    page: Page,
) -> Result<Response, Problem> {
    let side = sidebar.build(&me.user, None, &page).await?;
    Ok(html(&DeletedPage { side, room: DeletedView::new(room, &page.calendar()), page }))
}

async fn restore(
    State(rooms): State<Rooms>,
    Viewer(me): Viewer,
    CanRestore(room): CanRestore,
) -> Result<Response, Problem> {
    rooms.restore(&room).await?;
    redirect_to_room(&rooms, &me.user, room.id).await
}

/// Redirects to the room, or to the list of rooms if an administrator cannot read it.
async fn redirect_to_room(rooms: &Rooms, user: &User, room: RoomId) -> Result<Response, Problem> {
    match rooms.reader(user, room).await {
        Ok(_) => Ok(to_room(room)),
        Err(AccessError::NotFound) => Ok(Redirect::to("/admin/rooms").into_response()),
        Err(error) => Err(error.into()),
    }
}
