//! The list of saved messages, and the forms that save a message or take it off the list.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use crate::chat::accounts::model::User;
use crate::chat::messages::model::Message;
use crate::chat::presence::Presence;
use crate::chat::rooms::model::{Room, Visibility};
use crate::chat::rooms::{AccessError, Rooms};
use crate::chat::saved::SavedMessages;
use crate::http::state::from_state;
use crate::http::{AppState, CanReadMessage, FormBody, Problem, Query, Viewer};
use crate::kernel::paging::Limit;
use crate::kernel::{MessageId, RoomId};
use crate::pages::layout::calendar::{Calendar, Moment};
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder, icon, title};
use crate::pages::layout::user_view::{hue_of, initials};
use crate::pages::messages::show::place_in_room;
use crate::text::snippet::snippet;

/// Messages per page.
const MESSAGES: i64 = 20;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/saved", get(index)).route("/messages/{id}/saved", post(toggle))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SavedQuery {
    before: Option<i64>,
    /// A message that was just taken off the list.
    removed: Option<i64>,
}

#[derive(Template)]
#[template(path = "personal/saved.html")]
struct SavedPage {
    page: Page,
    side: Sidebar,
    messages: Vec<SavedView>,
    /// The last message of this page, if older ones follow.
    last: Option<i64>,
    removed: Option<i64>,
}

struct SavedView {
    id: i64,
    /// Link to the message in its room.
    path: String,
    icon: &'static str,
    room: String,
    direct: bool,
    author: String,
    hue: i64,
    initials: String,
    photo: Option<String>,
    at: Moment,
    text: String,
}

impl SavedView {
    fn new(message: &Message, room: &Room, calendar: &Calendar) -> Self {
        let pieces = snippet(&message.text_or_files(), &[]);
        Self {
            id: message.id.0,
            path: place_in_room(message, room.last_seq.0),
            icon: icon(room),
            room: title(room, calendar.t),
            direct: room.visibility == Visibility::Direct,
            author: message.author.display_name.clone(),
            hue: hue_of(message.author.id),
            initials: initials(&message.author.display_name),
            photo: message.author.avatar.clone(),
            at: calendar.moment(message.created_at),
            text: pieces.into_iter().map(|piece| piece.text).collect(),
        }
    }
}

/// What the page uses.
struct SavedServices {
    presence: Presence,
    rooms: Rooms,
    saved: SavedMessages,
    sidebar: SidebarBuilder,
}

from_state!(SavedServices { presence, rooms, saved, sidebar });

async fn index(
    State(services): State<SavedServices>,
    Viewer(me): Viewer,
    Query(query): Query<SavedQuery>,
    page: Page,
) -> Result<Response, Problem> {
    services.presence.touch(me.user.id);
    let limit = Limit::parse(Some(MESSAGES))?;
    let found = services.saved.page(&me.user, query.before.map(MessageId), limit).await?;
    let rooms = rooms_of(&services.rooms, &me.user, &found.items).await?;
    let calendar = page.calendar();
    let view =
        |message: &Message| Some(SavedView::new(message, rooms.get(&message.room)?, &calendar));
    let last = found.items.last().filter(|_| found.more).map(|message| message.id.0);
    Ok(html(&SavedPage {
        side: services.sidebar.build(&me.user, None, &page).await?,
        messages: found.items.iter().filter_map(view).collect(),
        last,
        removed: query.removed,
        page,
    }))
}

/// The rooms of the messages, as far as the user may read them at this moment.
async fn rooms_of(
    rooms: &Rooms,
    me: &User,
    messages: &[Message],
) -> Result<HashMap<RoomId, Room>, Problem> {
    let mut found = HashMap::new();
    for message in messages {
        if found.contains_key(&message.room) {
            continue;
        }
        match rooms.reader(me, message.room).await {
            Ok(reader) => drop(found.insert(message.room, reader.room().clone())),
            Err(AccessError::Service(error)) => return Err(error.into()),
            Err(_) => {}
        }
    }
    Ok(found)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SaveForm {
    /// Whether the message is to be saved.
    saved: bool,
    /// The form is on the list, and leads back there.
    list: bool,
}

async fn toggle(
    State(saved): State<SavedMessages>,
    CanReadMessage { reader, message }: CanReadMessage,
    FormBody(form): FormBody<SaveForm>,
) -> Result<Response, Problem> {
    if form.saved {
        saved.add(&reader, &message).await?;
    } else {
        saved.remove(&reader, &message).await?;
    }
    let to = match form {
        SaveForm { list: false, .. } => format!("/messages/{}", message.id),
        SaveForm { saved: true, .. } => "/saved".to_owned(),
        SaveForm { saved: false, .. } => format!("/saved?removed={}", message.id),
    };
    Ok(Redirect::to(&to).into_response())
}
