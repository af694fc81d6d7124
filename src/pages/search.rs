//! Search: what was said, the newest first, each with the text around the first hit.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use super::history::Moment;
use super::layout::{Frame, html};
use super::message::place_in_room;
use super::people::{hue_of, initials};
use super::side::{Side, icon, side};
use crate::chat::messages::model::Message;
use crate::chat::rooms::model::Room;
use crate::chat::search::model::{self, Piece, excerpt};
use crate::http::{Language, Problem, Query, Site, Viewer};
use crate::kernel::paging::Limit;
use crate::kernel::{MessageId, RoomId};

/// Results on a page.
const RESULTS: i64 = 20;
/// What can be typed, each with the text that says what it does.
const EXAMPLES: [(&str, &str); 8] = [
    ("bogota", "search-help-words"),
    ("\"Bogotá\"", "search-help-exact"),
    ("-lima", "search-help-not"),
    ("from:ana", "search-help-from"),
    ("in:lobby", "search-help-in"),
    ("after:2026-01-31", "search-help-dates"),
    ("has:link", "search-help-link"),
    ("is:direct", "search-help-direct"),
];

pub(super) fn router() -> Router<Site> {
    Router::new().route("/search", get(index))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Wanted {
    q: String,
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "search/show.html")]
struct SearchPage {
    page: Frame,
    side: Side,
    /// As it was typed.
    sought: String,
    /// Nothing was asked for: the page says what can be.
    idle: bool,
    results: Vec<ResultView>,
    /// Where the page of older results is.
    older: Option<String>,
    examples: [(&'static str, &'static str); EXAMPLES.len()],
}

struct ResultView {
    /// Where the message stands in its room.
    path: String,
    icon: &'static str,
    room: String,
    author: String,
    hue: i64,
    initials: String,
    photo: Option<String>,
    at: Moment,
    pieces: Vec<Piece>,
}

impl ResultView {
    fn new(message: &Message, room: &Room, query: &model::Query, t: Language) -> Self {
        let hits = query.hits(&message.body).unwrap_or_default();
        Self {
            path: place_in_room(message, room.last_seq.0),
            icon: icon(room),
            room: room.name.clone(),
            author: message.author.display_name.clone(),
            hue: hue_of(message.author.id),
            initials: initials(&message.author.display_name),
            photo: message.author.avatar.clone(),
            at: Moment::new(message.created_at, t),
            pieces: excerpt(&message.body, &hits),
        }
    }
}

async fn index(
    State(site): State<Site>,
    Viewer(me): Viewer,
    Query(wanted): Query<Wanted>,
    page: Frame,
) -> Result<Response, Problem> {
    site.presence.seen(me.person.id);
    let query = model::Query::parse(&wanted.q);
    let limit = Limit::parse(Some(RESULTS))?;
    let hits = site.search.find(&me.person, &query, wanted.before.map(MessageId), limit).await?;
    let found = site.messages.found(&hits.items).await?;
    let rooms = site.rooms.list(&me.person).await?;
    let rooms: HashMap<RoomId, &Room> = rooms.iter().map(|room| (room.id, room)).collect();
    let view = |message: &Message| {
        let room = rooms.get(&message.room)?;
        Some(ResultView::new(message, room, &query, page.t))
    };
    let last = hits.items.last().filter(|_| hits.more);
    Ok(html(&SearchPage {
        side: side(&site, &me.person, None, &page).await?,
        idle: query.is_empty(),
        results: found.iter().filter_map(view).collect(),
        older: last.map(|hit| older(&wanted.q, hit.message())),
        sought: wanted.q,
        examples: EXAMPLES,
        page,
    }))
}

fn older(sought: &str, before: MessageId) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("q", sought).append_pair("before", &before.to_string());
    format!("/search?{}", query.finish())
}
