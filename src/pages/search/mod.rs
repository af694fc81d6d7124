//! Search results, newest first, each with the text around the first match, and the filters to narrow them.

mod chips;

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use self::chips::Chips;
use crate::chat::messages::Messages;
use crate::chat::messages::model::Message;
use crate::chat::presence::Presence;
use crate::chat::rooms::Rooms;
use crate::chat::rooms::model::Room;
use crate::chat::search::Search;
use crate::chat::search::model::{self, Cursor, Found, SnippetPart};
use crate::http::state::from_state;
use crate::http::{AppState, Problem, Query, Viewer};
use crate::kernel::paging::Limit;
use crate::kernel::{Clock, MessageId, RoomId};
use crate::pages::files::attachments::FileView;
use crate::pages::layout::calendar::{Calendar, Moment};
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder, icon, title};
use crate::pages::layout::user_view::{hue_of, initials};
use crate::pages::messages::show::place_in_room;

/// Results per page.
const RESULTS: i64 = 20;
/// Example queries, each with the text key of its description.
const EXAMPLES: [(&str, &str); 11] = [
    ("bogota", "search-help-words"),
    ("\"Bogotá\"", "search-help-exact"),
    ("-lima", "search-help-not"),
    ("from:ana", "search-help-from"),
    ("in:lobby", "search-help-in"),
    ("after:2026-01-31", "search-help-dates"),
    ("on:2026-01-31", "search-help-day"),
    ("has:image", "search-help-file"),
    ("filename:plan", "search-help-filename"),
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
struct SearchPage<'a> {
    page: Page,
    side: Sidebar,
    /// The query as entered.
    sought: String,
    /// The query is empty: the page explains the syntax.
    idle: bool,
    chips: Chips,
    results: Vec<ResultView<'a>>,
    /// The text that counts the results.
    count_key: &'static str,
    /// URL of the next page with older results.
    older: Option<String>,
    /// The index is incomplete: some messages are not indexed yet.
    incomplete: bool,
    examples: [(&'static str, &'static str); EXAMPLES.len()],
}

struct ResultView<'a> {
    /// Link to the message in its room.
    path: String,
    icon: &'static str,
    room: String,
    author: String,
    hue: i64,
    initials: String,
    photo: Option<String>,
    at: Moment,
    pieces: Vec<SnippetPart>,
    files: Vec<FileView<'a>>,
    /// How many files there are, in words.
    files_label: String,
}

impl<'a> ResultView<'a> {
    fn new(
        message: &'a Message,
        room: &Room,
        pieces: Vec<SnippetPart>,
        calendar: &Calendar,
    ) -> Self {
        let t = calendar.t;
        Self {
            files: message.attachments.iter().map(|file| FileView::new(file, t)).collect(),
            files_label: t.count("attachment-count", message.attachments.len()),
            path: place_in_room(message, room.last_seq.0),
            icon: icon(room),
            room: title(room, calendar.t),
            author: message.author.display_name.clone(),
            hue: hue_of(message.author.id),
            initials: initials(&message.author.display_name),
            photo: message.author.avatar.clone(),
            at: calendar.moment(message.created_at),
            pieces,
        }
    }
}

/// What the search page uses.
struct SearchServices {
    clock: Clock,
    messages: Messages,
    presence: Presence,
    rooms: Rooms,
    search: Search,
    sidebar: SidebarBuilder,
}

from_state!(SearchServices { clock, messages, presence, rooms, search, sidebar });

async fn index(
    State(services): State<SearchServices>,

    Viewer(me): Viewer,
    Query(params): Query<SearchQuery>,
    page: Page,
) -> Result<Response, Problem> {
    services.presence.touch(me.user.id);
    let query = model::Query::parse(&params.q, &me.zone);
    let limit = Limit::parse(Some(RESULTS))?;
    // A link with a broken cursor leads to the first page.
    let cursor = params.cursor.as_deref().and_then(|text| Cursor::parse(text).ok());
    let from = cursor.or(params.before.map(|id| Cursor::behind(MessageId(id))));
    let Found { hits, next, complete } =
        services.search.find(&me.user, &query, from, limit).await?;
    let found = services.messages.found(&hits).await?;
    let texts = found.iter().map(Message::text).collect();
    let excerpts = services.search.snippets(&query, texts).await?;
    let mut rooms = services.rooms.list(&me.user).await?;
    // The list has no threads.
    for message in &found {
        if rooms.iter().all(|room| room.id != message.room)
            && let Ok(reader) = services.rooms.reader(&me.user, message.room).await
        {
            rooms.push(reader.room().clone());
        }
    }
    let rooms: HashMap<RoomId, &Room> = rooms.iter().map(|room| (room.id, room)).collect();
    let calendar = page.calendar();
    let authors = found.iter().map(|message| &message.author);
    let in_rooms = found.iter().filter_map(|message| rooms.get(&message.room).copied());
    let chips = Chips::new(&params.q, &me, page.t, services.clock.now(), authors, in_rooms);
    let view = |(message, pieces)| {
        let message: &Message = message;
        let room = rooms.get(&message.room)?;
        Some(ResultView::new(message, room, pieces, &calendar))
    };
    Ok(html(&SearchPage {
        side: services.sidebar.build(&me.user, None, &page).await?,
        idle: query.is_empty(),
        chips,
        results: found.iter().zip(excerpts).filter_map(view).collect(),
        count_key: if next.is_some() { "search-count-first" } else { "search-count" },
        older: next.map(|next| older(&params.q, next)),
        incomplete: !complete,
        sought: params.q,
        examples: EXAMPLES,
        page,
    }))
}

fn older(sought: &str, next: Cursor) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("q", sought).append_pair("cursor", &next.to_string());
    format!("/search?{}", query.finish())
}
