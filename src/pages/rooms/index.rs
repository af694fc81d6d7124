//! The list of rooms that a user can see, with forms to create and join a room.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;

use crate::chat::accounts::model::User;
use crate::chat::presence::Presence;
use crate::chat::rooms::model::{NewRoom, Room, RoomStats};
use crate::chat::rooms::{RoomError, Rooms};
use crate::http::state::from_state;
use crate::http::{AppState, CanRead, FormBody, Problem, Query, Viewer};
use crate::kernel::{FieldError, RoomId};
use crate::pages::layout::form_state::FormState;
use crate::pages::layout::list::{ListLinks, ListQuery};
use crate::pages::layout::page::{Page, again, html, to_room};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder, icon};
use crate::pages::rooms::deleted::DeletedView;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .route("/rooms", get(index).post(create))
        .route("/rooms/{id}/join", post(join))
        .route("/rooms/{id}/leave", post(leave))
}

#[derive(Template)]
#[template(path = "rooms/index.html")]
struct DirectoryPage {
    page: Page,
    side: Sidebar,
    rooms: Vec<EntryView>,
    links: ListLinks,
    /// Rooms that the user deleted and can restore.
    deleted: Vec<DeletedView>,
    create: FormState,
    code: FormState,
}

struct EntryView {
    id: i64,
    name: String,
    topic: String,
    icon: &'static str,
    facts: String,
    member: bool,
}

async fn index(
    State(renderer): State<DirectoryRenderer>,
    Viewer(me): Viewer,
    Query(list): Query<ListQuery>,
    page: Page,
) -> Result<Response, Problem> {
    renderer.render(&me.user, page, &list, RoomForms::default()).await
}

/// The state of the two forms below the list.
#[derive(Default)]
pub(in crate::pages) struct RoomForms {
    pub create: FormState,
    pub code: FormState,
}

/// Renders the list of rooms.
pub(in crate::pages) struct DirectoryRenderer {
    rooms: Rooms,
    presence: Presence,
    sidebar: SidebarBuilder,
}

from_state!(DirectoryRenderer { rooms, presence, sidebar });

impl DirectoryRenderer {
    /// Renders a page of the list of rooms, with its two forms.
    pub async fn render(
        &self,
        me: &User,
        page: Page,
        list: &ListQuery,
        forms: RoomForms,
    ) -> Result<Response, Problem> {
        let side = self.sidebar.build(me, None, &page).await?;
        let found = self.rooms.page(me, &list.q, &list.start()).await?;
        let facts = Facts::of(&self.rooms, &self.presence, &found.items).await?;
        let deleted = self.rooms.deleted_by(me).await?.into_iter();
        let calendar = page.calendar();
        let links = ListLinks::new("/rooms", &list.q, &found);
        let entry = |room: Room| EntryView {
            id: room.id.0,
            icon: icon(&room),
            facts: facts.describe(&room, page.t),
            member: room.is_member(),
            name: room.name,
            topic: room.topic,
        };
        Ok(html(&DirectoryPage {
            side,
            rooms: found.items.into_iter().map(entry).collect(),
            links,
            deleted: deleted.map(|room| DeletedView::new(room, &calendar)).collect(),
            create: forms.create,
            code: forms.code,
            page,
        }))
    }
}

/// Member counts, online counts and owner of each room.
pub(in crate::pages) struct Facts(HashMap<RoomId, RoomStats>);

impl Facts {
    pub async fn of(service: &Rooms, presence: &Presence, rooms: &[Room]) -> Result<Self, Problem> {
        Ok(Self(service.stats(rooms, &presence.online()).await?))
    }

    /// For example "3 members · 1 online · Ana".
    pub fn describe(&self, room: &Room, t: crate::http::Language) -> String {
        let Some(RoomStats { members, online, owner }) = self.0.get(&room.id) else {
            return String::new();
        };
        let mut facts = vec![t.count("people-button", *members), t.count("online-count", *online)];
        facts.extend(owner.as_ref().map(|name| t.name("owned-by", name)));
        facts.join(" · ")
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RoomForm {
    name: String,
    topic: String,
    visibility: String,
}

async fn create(
    State(renderer): State<DirectoryRenderer>,
    State(rooms): State<Rooms>,
    Viewer(me): Viewer,
    page: Page,
    FormBody(typed): FormBody<RoomForm>,
) -> Result<Response, Problem> {
    let problems = match NewRoom::parse(&typed.name, &typed.topic, &typed.visibility) {
        Ok(new) => match rooms.create(&me.user, &new).await {
            Ok(member) => return Ok(to_room(member.room())),
            Err(RoomError::NameTaken) => vec![FieldError::new("name", "room-name-taken")],
            Err(error) => return Err(error.into()),
        },
        Err(problems) => problems,
    };
    let taken = problems.iter().any(|problem| problem.code == "room-name-taken");
    let status = if taken { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
    let create = FormState::default()
        .with("name", &typed.name)
        .with("topic", &typed.topic)
        .with("visibility", &typed.visibility)
        .add_error(page.t, &problems);
    let forms = RoomForms { create, ..RoomForms::default() };
    let shown = renderer.render(&me.user, page, &ListQuery::default(), forms).await?;
    Ok(again(status, shown))
}

async fn join(State(rooms): State<Rooms>, CanRead(reader): CanRead) -> Result<Response, Problem> {
    let member = rooms.join(&reader).await?;
    Ok(to_room(member.room()))
}

async fn leave(State(rooms): State<Rooms>, CanRead(reader): CanRead) -> Result<Response, Problem> {
    rooms.leave(&reader).await?;
    Ok(to_room(rooms.lobby().await?))
}
