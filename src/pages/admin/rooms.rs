//! The list of all rooms for administrators, private ones included: name, owner and size, with
//! forms to rename and delete a room. It shows no messages and no direct messages.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use crate::chat::accounts::model::{Admin, User};
use crate::chat::rooms::model::{RoomName, RoomSummary, Visibility};
use crate::chat::rooms::{RoomError, Rooms};
use crate::http::request::auth::CanAdminister;
use crate::http::state::from_state;
use crate::http::{AppState, FormBody, Language, PathId, Problem, Query, Viewer};
use crate::kernel::{FieldError, RoomId};
use crate::pages::layout::list::{ListLinks, ListQuery};
use crate::pages::layout::page::{Page, again, html};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder};
use crate::pages::rooms::deleted::delete;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .route("/admin/rooms", get(index))
        .route("/admin/rooms/{id}/name", post(rename))
        .route("/admin/rooms/{id}/delete", post(destroy))
}

#[derive(Template)]
#[template(path = "admin/rooms.html")]
struct RoomsPage {
    page: Page,
    side: Sidebar,
    rooms: Vec<RoomRow>,
    links: ListLinks,
}

struct RoomRow {
    id: i64,
    name: String,
    icon: &'static str,
    lobby: bool,
    deleted: bool,
    /// For example "3 members · 12 messages · owner: Ana".
    facts: String,
    /// The name in the rename form. After a refused rename this is the text that was entered.
    typed: String,
    error: Option<&'static str>,
}

impl RoomRow {
    fn new(room: RoomSummary, t: Language) -> Self {
        let count = |number: i64| usize::try_from(number).unwrap_or_default();
        let mut facts = vec![
            t.count("people-button", count(room.members)),
            t.count("message-count", count(room.messages)),
        ];
        let owner = room.owner.map(|(handle, name)| format!("{name} (@{handle})"));
        facts.extend(owner.map(|owner| t.name("owned-by", owner)));
        Self {
            id: room.id.0,
            icon: if room.visibility == Visibility::Public { "hash" } else { "lock" },
            lobby: room.lobby,
            deleted: room.deleted_at.is_some(),
            facts: facts.join(" · "),
            typed: room.name.clone(),
            name: room.name,
            error: None,
        }
    }
}

async fn index(
    State(renderer): State<RoomListRenderer>,
    Viewer(me): Viewer,
    CanAdminister(admin): CanAdminister,
    Query(list): Query<ListQuery>,
    page: Page,
) -> Result<Response, Problem> {
    let found = renderer.rooms.summary_page(&admin, &list.q, &list.start()).await?;
    let links = ListLinks::new("/admin/rooms", &list.q, &found);
    let rooms = found.items.into_iter().map(|room| RoomRow::new(room, page.t)).collect();
    renderer.render(&me.user, page, rooms, links).await
}

/// Renders the list of all rooms.
struct RoomListRenderer {
    rooms: Rooms,
    sidebar: SidebarBuilder,
}

from_state!(RoomListRenderer { rooms, sidebar });

impl RoomListRenderer {
    async fn render(
        &self,
        me: &User,
        mut page: Page,
        rooms: Vec<RoomRow>,
        links: ListLinks,
    ) -> Result<Response, Problem> {
        page.set_path("/admin/rooms".to_owned());
        let side = self.sidebar.build(me, None, &page).await?;
        Ok(html(&RoomsPage { page, side, rooms, links }))
    }

    /// Renders only the room that could not be renamed, wherever it is in the list.
    async fn render_refused(
        &self,
        me: &User,
        admin: &Admin,
        page: Page,
        refused: (RoomId, String, FieldError),
    ) -> Result<Response, Problem> {
        let (room, typed, field_error) = refused;
        let found = self.rooms.summary(admin, room).await?.ok_or_else(Problem::not_found)?;
        let position = found.position();
        let mut row = RoomRow::new(found, page.t);
        let links = ListLinks::around("/admin/rooms", &position);
        row.typed = typed;
        row.error = Some(page.t.error_text(field_error));
        self.render(me, page, vec![row], links).await
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NameForm {
    name: String,
}

async fn rename(
    State(renderer): State<RoomListRenderer>,
    Viewer(me): Viewer,
    admin: CanAdminister,
    PathId(id): PathId,
    page: Page,
    FormBody(form): FormBody<NameForm>,
) -> Result<Response, Problem> {
    let right = renderer.rooms.any_room_admin(&admin.0, &me.user, RoomId(id)).await?;
    let renamed = match RoomName::parse(&form.name) {
        Ok(name) => match renderer.rooms.rename(&right, &name).await {
            Ok(()) => Ok(()),
            Err(RoomError::NameTaken) => {
                Err((StatusCode::CONFLICT, FieldError::new("name", "room-name-taken")))
            }
            Err(error) => return Err(error.into()),
        },
        Err(field_error) => Err((StatusCode::UNPROCESSABLE_ENTITY, field_error)),
    };
    match renamed {
        Ok(()) => Ok(Redirect::to("/admin/rooms?saved=1").into_response()),
        Err((status, field_error)) => {
            let refused = (RoomId(id), form.name, field_error);
            Ok(again(status, renderer.render_refused(&me.user, &admin.0, page, refused).await?))
        }
    }
}

async fn destroy(
    State(rooms): State<Rooms>,
    Viewer(me): Viewer,
    CanAdminister(admin): CanAdminister,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    let right = rooms.any_room_admin(&admin, &me.user, RoomId(id)).await?;
    delete(&rooms, &right).await
}
