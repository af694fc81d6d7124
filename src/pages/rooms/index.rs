//! All rooms one may see; making one, and joining one of them.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;

use crate::chat::accounts::model::User;
use crate::chat::rooms::RoomError;
use crate::chat::rooms::model::{NewRoom, Room, RoomStats, Visibility};
use crate::http::{AppState, CanRead, FormBody, Problem, Viewer};
use crate::kernel::{FieldError, RoomId};
use crate::pages::layout::form_state::FormState;
use crate::pages::layout::page::{Page, again, html, to_room};
use crate::pages::layout::sidebar::{Sidebar, icon, sidebar};
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
    /// Those that the reader deleted and can restore.
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
    State(site): State<AppState>,
    Viewer(me): Viewer,
    page: Page,
) -> Result<Response, Problem> {
    directory(&site, &me.person, page, FormState::default(), FormState::default()).await
}

/// The page of all rooms, with its two forms as they are to be shown.
pub(in crate::pages) async fn directory(
    site: &AppState,
    me: &User,
    page: Page,
    create: FormState,
    code: FormState,
) -> Result<Response, Problem> {
    let side = sidebar(site, me, None, &page).await?;
    let rooms = entries(site, me, &page).await?;
    let deleted = site.rooms.deleted_by(me).await?.into_iter();
    let calendar = page.calendar();
    let deleted = deleted.map(|room| DeletedView::new(room, &calendar)).collect();
    Ok(html(&DirectoryPage { page, side, rooms, deleted, create, code }))
}

async fn entries(site: &AppState, me: &User, page: &Page) -> Result<Vec<EntryView>, Problem> {
    let facts = Facts::of(site, me).await?;
    let rooms = site.rooms.list(me).await?;
    let shown = rooms.iter().filter(|room| room.visibility != Visibility::Direct);
    Ok(shown
        .map(|room| EntryView {
            id: room.id.0,
            name: room.name.clone(),
            topic: room.topic.clone(),
            icon: icon(room),
            facts: facts.tell(room, page.t),
            member: room.is_member(),
        })
        .collect())
}

/// How many are in each room, how many of them are there, and who owns it.
pub(in crate::pages) struct Facts(HashMap<RoomId, RoomStats>);

impl Facts {
    pub async fn of(site: &AppState, me: &User) -> Result<Self, Problem> {
        Ok(Self(site.rooms.stats(me, &site.presence.online()).await?))
    }

    /// As "3 members · 1 online · Ana".
    pub fn tell(&self, room: &Room, t: crate::http::Language) -> String {
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
    State(site): State<AppState>,
    Viewer(me): Viewer,
    page: Page,
    FormBody(typed): FormBody<RoomForm>,
) -> Result<Response, Problem> {
    let problems = match NewRoom::parse(&typed.name, &typed.topic, &typed.visibility) {
        Ok(new) => match site.rooms.create(&me.person, &new).await {
            Ok(member) => return Ok(to_room(member.room())),
            Err(RoomError::NameTaken) => vec![FieldError::new("name", "room-name-taken")],
            Err(error) => return Err(error.into()),
        },
        Err(problems) => problems,
    };
    let taken = problems.iter().any(|problem| problem.code == "room-name-taken");
    let status = if taken { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
    let form = FormState::default()
        .with("name", &typed.name)
        .with("topic", &typed.topic)
        .with("visibility", &typed.visibility)
        .add_error(page.t, &problems);
    let shown = directory(&site, &me.person, page, form, FormState::default()).await?;
    Ok(again(status, shown))
}

async fn join(State(site): State<AppState>, CanRead(reader): CanRead) -> Result<Response, Problem> {
    let member = site.rooms.join(&reader).await?;
    Ok(to_room(member.room()))
}

async fn leave(
    State(site): State<AppState>,
    CanRead(reader): CanRead,
) -> Result<Response, Problem> {
    site.rooms.leave(&reader).await?;
    Ok(to_room(site.rooms.lobby().await?))
}
