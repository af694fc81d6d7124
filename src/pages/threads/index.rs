//! The threads that a user follows, the last active first.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use crate::chat::messages::Messages;
use crate::chat::messages::model::Message;
use crate::chat::presence::Presence;
use crate::chat::rooms::Rooms;
use crate::chat::rooms::model::Room;
use crate::http::state::from_state;
use crate::http::{AppState, Problem, Query, Viewer};
use crate::kernel::paging::Limit;
use crate::kernel::{MessageId, RoomId};
use crate::limits::request::LIST_ENTRIES;
use crate::pages::layout::calendar::{Calendar, Moment};
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder, icon_of};
use crate::pages::layout::user_view::{hue_of, initials};
use crate::pages::messages::list::{Face, faces};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/threads", get(index))
}

#[derive(Template)]
#[template(path = "threads/index.html")]
struct ThreadsPage {
    page: Page,
    side: Sidebar,
    threads: Vec<ThreadView>,
    /// The address of the next page.
    older: Option<String>,
}

struct ThreadView {
    /// The id of the head.
    id: i64,
    author: String,
    hue: i64,
    initials: String,
    photo: Option<String>,
    room: String,
    icon: &'static str,
    /// The text of the head, or that it is deleted.
    excerpt: String,
    replies: String,
    faces: Vec<Face>,
    last: Option<Moment>,
    unread: String,
    mentions: bool,
}

impl ThreadView {
    fn new(thread: &Room, head: &Message, calendar: &Calendar) -> Option<Self> {
        let parent = thread.parent.as_ref()?;
        let summary = head.thread.as_ref()?;
        let t = calendar.t;
        let deleted = || t.text("message-deleted").to_owned();
        let unread = usize::try_from(thread.unread).unwrap_or_default();
        Some(Self {
            id: head.id.0,
            author: head.author.display_name.clone(),
            hue: hue_of(head.author.id),
            initials: initials(&head.author.display_name),
            photo: head.author.avatar.clone(),
            room: parent.name.clone(),
            icon: icon_of(parent.visibility),
            excerpt: if head.is_deleted() { deleted() } else { head.excerpt() },
            replies: t
                .count("thread-replies", usize::try_from(summary.replies).unwrap_or_default()),
            faces: faces(summary),
            last: summary.last_reply_at.map(|at| calendar.moment(at)),
            unread: if unread > 0 { t.count("thread-unread", unread) } else { String::new() },
            mentions: thread.mentions > 0,
        })
    }
}

/// What the page uses.
struct ThreadsServices {
    rooms: Rooms,
    messages: Messages,
    presence: Presence,
    sidebar: SidebarBuilder,
}

from_state!(ThreadsServices { rooms, messages, presence, sidebar });

#[derive(Deserialize)]
struct ThreadsQuery {
    after: Option<i64>,
}

async fn index(
    State(services): State<ThreadsServices>,
    Viewer(me): Viewer,
    Query(query): Query<ThreadsQuery>,
    page: Page,
) -> Result<Response, Problem> {
    services.presence.touch(me.user.id);
    let limit = Limit::parse(Some(i64::try_from(LIST_ENTRIES).unwrap_or(50)))?;
    let after = query.after.map(RoomId);
    let found = services.rooms.followed(&me.user, after, limit).await?;
    let heads = services.messages.heads(&found.items).await?;
    let heads: HashMap<MessageId, &Message> = heads.iter().map(|head| (head.id, head)).collect();
    let calendar = page.calendar();
    let view = |thread: &Room| {
        let head = heads.get(&thread.parent.as_ref()?.head.message)?;
        ThreadView::new(thread, head, &calendar)
    };
    let threads = found.items.iter().filter_map(view).collect();
    let last = found.items.last().filter(|_| found.more);
    Ok(html(&ThreadsPage {
        side: services.sidebar.build(&me.user, None, &page).await?,
        threads,
        older: last.map(|room| format!("/threads?after={}", room.id)),
        page,
    }))
}
