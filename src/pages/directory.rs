//! All rooms one may see; making one, and joining one of them.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::deleted_rooms::DeletedView;
use super::form::Form;
use super::layout::{Frame, again, html};
use super::side::{Side, icon, side};
use crate::chat::accounts::model::Person;
use crate::chat::rooms::RoomError;
use crate::chat::rooms::model::{Census, NewRoom, Room, Visibility};
use crate::http::{CanRead, FormBody, Problem, Site, Viewer};
use crate::kernel::{Invalid, RoomId};

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/rooms", get(index).post(create))
        .route("/rooms/{id}/join", post(join))
        .route("/rooms/{id}/leave", post(leave))
}

#[derive(Template)]
#[template(path = "rooms/index.html")]
struct DirectoryPage {
    page: Frame,
    side: Side,
    rooms: Vec<EntryView>,
    /// Those that the reader deleted and can restore.
    deleted: Vec<DeletedView>,
    create: Form,
    code: Form,
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
    State(site): State<Site>,
    Viewer(me): Viewer,
    page: Frame,
) -> Result<Response, Problem> {
    directory(&site, &me.person, page, Form::default(), Form::default()).await
}

/// The page of all rooms, with its two forms as they are to be shown.
pub(super) async fn directory(
    site: &Site,
    me: &Person,
    page: Frame,
    create: Form,
    code: Form,
) -> Result<Response, Problem> {
    let side = side(site, me, None, &page).await?;
    let rooms = entries(site, me, &page).await?;
    let deleted = site.rooms.deleted_by(me).await?.into_iter();
    let calendar = page.calendar();
    let deleted = deleted.map(|room| DeletedView::new(room, &calendar)).collect();
    Ok(html(&DirectoryPage { page, side, rooms, deleted, create, code }))
}

async fn entries(site: &Site, me: &Person, page: &Frame) -> Result<Vec<EntryView>, Problem> {
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
pub(super) struct Facts(HashMap<RoomId, Census>);

impl Facts {
    pub async fn of(site: &Site, me: &Person) -> Result<Self, Problem> {
        Ok(Self(site.rooms.census(me, &site.presence.online()).await?))
    }

    /// As "3 members · 1 online · Ana".
    pub fn tell(&self, room: &Room, t: crate::http::Language) -> String {
        let Some(Census { members, online, owner }) = self.0.get(&room.id) else {
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
    State(site): State<Site>,
    Viewer(me): Viewer,
    page: Frame,
    FormBody(typed): FormBody<RoomForm>,
) -> Result<Response, Problem> {
    let problems = match NewRoom::parse(&typed.name, &typed.topic, &typed.visibility) {
        Ok(new) => match site.rooms.create(&me.person, &new).await {
            Ok(member) => return Ok(to_room(member.room())),
            Err(RoomError::NameTaken) => vec![Invalid::new("name", "room-name-taken")],
            Err(error) => return Err(error.into()),
        },
        Err(problems) => problems,
    };
    let taken = problems.iter().any(|problem| problem.reason == "room-name-taken");
    let status = if taken { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
    let form = Form::default()
        .with("name", &typed.name)
        .with("topic", &typed.topic)
        .with("visibility", &typed.visibility)
        .complain(page.t, &problems);
    let shown = directory(&site, &me.person, page, form, Form::default()).await?;
    Ok(again(status, shown))
}

async fn join(State(site): State<Site>, CanRead(reader): CanRead) -> Result<Response, Problem> {
    let member = site.rooms.join(&reader).await?;
    Ok(to_room(member.room()))
}

async fn leave(State(site): State<Site>, CanRead(reader): CanRead) -> Result<Response, Problem> {
    site.rooms.leave(&reader).await?;
    Ok(to_room(site.rooms.lobby().await?))
}

pub(super) fn to_room(room: RoomId) -> Response {
    Redirect::to(&format!("/rooms/{room}")).into_response()
}
