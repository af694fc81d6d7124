//! The room page: history, composer, people, the other rooms.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::history::{MessageList, history};
use super::layout::{Frame, html};
use super::people::PersonView;
use crate::chat::rooms::model::Reader;
use crate::http::{CanRead, Problem, Query, Site, Viewer};
use crate::kernel::Invalid;

pub(super) fn router() -> Router<Site> {
    Router::new().route("/", get(home)).route("/rooms/{id}", get(show))
}

async fn home(State(site): State<Site>, _: Viewer) -> Result<Redirect, Problem> {
    let lobby = site.rooms.lobby().await?;
    Ok(Redirect::to(&format!("/rooms/{lobby}")))
}

#[derive(Deserialize)]
struct Place {
    before: Option<i64>,
}

async fn show(
    State(site): State<Site>,
    CanRead(reader): CanRead,
    Query(place): Query<Place>,
    page: Frame,
) -> Result<Response, Problem> {
    let shown = Shown { before: place.before, ..Shown::default() };
    room_page(&site, &reader, page, shown).await
}

/// What of a room's page depends on the request.
#[derive(Default)]
pub(super) struct Shown {
    /// The page of history before this `seq`; `None` for the newest.
    pub before: Option<i64>,
    /// A text that could not be posted, and why.
    pub draft: String,
    pub error: Option<Invalid>,
}

#[derive(Template)]
#[template(path = "rooms/show.html")]
struct RoomPage {
    page: Frame,
    room: RoomView,
    rooms: Vec<RoomLink>,
    me: PersonView,
    online: Vec<PersonView>,
    offline: Vec<PersonView>,
    list: MessageList,
    at_end: bool,
    epoch: String,
    nonce: String,
    draft: String,
    error: Option<String>,
}

struct RoomView {
    id: i64,
    name: String,
    topic: String,
    rev: i64,
    members: usize,
    members_label: String,
}

struct RoomLink {
    id: i64,
    name: String,
}

pub(super) async fn room_page(
    site: &Site,
    reader: &Reader,
    mut page: Frame,
    shown: Shown,
) -> Result<Response, Problem> {
    // Also when it answers a form that was posted elsewhere.
    page.set_path(format!("/rooms/{}", reader.room().id));
    site.presence.seen(reader.person().id);
    let list = history(site, reader, shown.before, page.t).await?;
    let rooms = site.rooms.list(reader.person()).await?;
    let people = people(site, reader).await?;
    let members = people.len();
    let (online, offline) = people.into_iter().partition(|person| person.online);
    let room = reader.room();
    let template = RoomPage {
        room: RoomView {
            id: room.id.0,
            name: room.name.clone(),
            topic: room.topic.clone(),
            rev: room.rev.0,
            members,
            members_label: page.t.count("people-button", members),
        },
        rooms: rooms.into_iter().map(|r| RoomLink { id: r.id.0, name: r.name }).collect(),
        me: PersonView::new(reader.person(), true),
        online,
        offline,
        list,
        at_end: shown.before.is_none(),
        epoch: site.about.epoch.clone(),
        nonce: site.random.token(),
        draft: shown.draft,
        error: shown.error.map(|error| page.t.complain(error)),
        page,
    };
    Ok(html(&template).into_response())
}

async fn people(site: &Site, reader: &Reader) -> Result<Vec<PersonView>, Problem> {
    let members = site.rooms.members(reader).await?;
    let online = site.presence.online();
    let people = site.accounts.people().await?.into_iter();
    Ok(people
        .filter(|person| members.contains(&person.id))
        .map(|person| PersonView::new(&person, online.contains(&person.id)))
        .collect())
}
