//! Search: what was said, the newest first, each with the text around the first hit.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use crate::chat::messages::model::Message;
use crate::chat::rooms::model::Room;
use crate::chat::search::model::{self, Cursor, Found, SnippetPart};
use crate::http::{AppState, Problem, Query, Viewer};
use crate::kernel::paging::Limit;
use crate::kernel::{MessageId, RoomId};
use crate::pages::layout::calendar::{Calendar, Moment};
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, icon, sidebar};
use crate::pages::layout::user_view::{hue_of, initials};
use crate::pages::messages::show::place_in_room;

/// Results on a page.
const RESULTS: i64 = 20;
/// What can be typed, each with the text that says what it does.
const EXAMPLES: [(&str, &str); 9] = [
    ("bogota", "search-help-words"),
    ("\"Bogotá\"", "search-help-exact"),
    ("-lima", "search-help-not"),
    ("from:ana", "search-help-from"),
    ("in:lobby", "search-help-in"),
    ("after:2026-01-31", "search-help-dates"),
    ("on:2026-01-31", "search-help-day"),
    ("has:link", "search-help-link"),
    ("is:direct", "search-help-direct"),
];

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/search", get(index))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SearchQuery {
    q: String,
    before: Option<i64>,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "search/show.html")]
struct SearchPage {
    page: Page,
    side: Sidebar,
    /// As it was typed.
    sought: String,
    /// Nothing was asked for: the page says what can be.
    idle: bool,
    results: Vec<ResultView>,
    /// Where the page of older results is.
    older: Option<String>,
    /// Some messages are not in the index yet.
    incomplete: bool,
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
    pieces: Vec<SnippetPart>,
}

impl ResultView {
    fn new(message: &Message, room: &Room, pieces: Vec<SnippetPart>, calendar: &Calendar) -> Self {
        Self {
            path: place_in_room(message, room.last_seq.0),
            icon: icon(room),
            room: room.name.clone(),
            author: message.author.display_name.clone(),
            hue: hue_of(message.author.id),
            initials: initials(&message.author.display_name),
            photo: message.author.avatar.clone(),
            at: calendar.moment(message.created_at),
            pieces,
        }
    }
}

async fn index(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    Query(wanted): Query<SearchQuery>,
    page: Page,
) -> Result<Response, Problem> {
    site.presence.touch(me.person.id);
    let query = model::Query::parse(&wanted.q, &me.zone);
    let limit = Limit::parse(Some(RESULTS))?;
    // A link that is not whole any more leads to the first page.
    let cursor = wanted.cursor.as_deref().and_then(|text| Cursor::parse(text).ok());
    let from = cursor.or(wanted.before.map(|id| Cursor::behind(MessageId(id))));
    let Found { hits, next, complete } = site.search.find(&me.person, &query, from, limit).await?;
    let found = site.messages.found(&hits).await?;
    let texts = found.iter().map(|message| message.body.clone()).collect();
    let excerpts = site.search.snippets(&query, texts).await?;
    let rooms = site.rooms.list(&me.person).await?;
    let rooms: HashMap<RoomId, &Room> = rooms.iter().map(|room| (room.id, room)).collect();
    let calendar = page.calendar();
    let view = |(message, pieces): (&Message, Vec<SnippetPart>)| {
        let room = rooms.get(&message.room)?;
        Some(ResultView::new(message, room, pieces, &calendar))
    };
    Ok(html(&SearchPage {
        side: sidebar(&site, &me.person, None, &page).await?,
        idle: query.is_empty(),
        results: found.iter().zip(excerpts).filter_map(view).collect(),
        older: next.map(|next| older(&wanted.q, next)),
        incomplete: !complete,
        sought: wanted.q,
        examples: EXAMPLES,
        page,
    }))
}

fn older(sought: &str, next: Cursor) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("q", sought).append_pair("cursor", &next.to_string());
    format!("/search?{}", query.finish())
}
