//! The list of drafts, with forms to discard one and to undo that; and where scripts store a draft.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::chat::accounts::model::User;
use crate::chat::drafts::Drafts;
use crate::chat::drafts::model::{DraftText, NewDraft, StoredDraft};
use crate::chat::messages::model::Nonce;
use crate::chat::presence::Presence;
use crate::chat::rooms::Rooms;
use crate::chat::rooms::model::{Reader, Room, Visibility};
use crate::http::state::from_state;
use crate::http::{AppState, CanRead, DraftForm, DraftOrigin, FormBody, Problem, Viewer};
use crate::kernel::{MessageId, RoomId, Timestamp, UserId};
use crate::pages::layout::calendar::{Calendar, Moment};
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder, icon, title};
use crate::pages::layout::user_view::{hue_of, initials};
use crate::text::snippet::snippet;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/drafts", get(index))
        .route("/rooms/{id}/draft", get(to_list).post(change).put(store))
}

#[derive(Template)]
#[template(path = "personal/drafts.html")]
struct DraftsPage {
    page: Page,
    side: Sidebar,
    drafts: Vec<DraftView>,
    /// A draft that was just discarded.
    discarded: Option<StoredDraft>,
}

struct DraftView {
    room: i64,
    /// Of the page to go on writing on.
    path: String,
    name: String,
    icon: &'static str,
    /// The other user of a direct message.
    other: Option<OtherView>,
    at: Moment,
    text: String,
}

struct OtherView {
    hue: i64,
    initials: String,
    photo: Option<String>,
}

impl DraftView {
    fn new(draft: &StoredDraft, room: &Room, calendar: &Calendar) -> Self {
        let other = room.other.filter(|_| room.visibility == Visibility::Direct);
        Self {
            room: room.id.0,
            path: match &room.parent {
                Some(parent) => format!("/threads/{}", parent.head.message),
                None => format!("/rooms/{}", room.id),
            },
            name: title(room, calendar.t),
            icon: icon(room),
            other: other.map(|other| OtherView {
                hue: hue_of(other),
                initials: initials(&room.name),
                photo: room.other_avatar.clone(),
            }),
            at: calendar.moment(draft.updated_at),
            text: snippet(&draft.body, &[]).into_iter().map(|piece| piece.text).collect(),
        }
    }
}

/// Renders the list.
struct DraftsRenderer {
    drafts: Drafts,
    presence: Presence,
    rooms: Rooms,
    sidebar: SidebarBuilder,
}

from_state!(DraftsRenderer { drafts, presence, rooms, sidebar });

impl DraftsRenderer {
    async fn render(
        &self,
        me: &User,
        mut page: Page,
        discarded: Option<StoredDraft>,
    ) -> Result<Response, Problem> {
        // The page's own path, even if the request was a posted form.
        page.set_path("/drafts".to_owned());
        self.presence.touch(me.id);
        let calendar = page.calendar();
        let drafts = self.drafts.list(me).await?;
        let ids: Vec<RoomId> = drafts.iter().map(|draft| draft.room).collect();
        let rooms = self.rooms.readable(me, &ids).await?;
        let rooms: HashMap<RoomId, Room> = rooms.into_iter().map(|room| (room.id, room)).collect();
        let view =
            |draft: &StoredDraft| Some(DraftView::new(draft, rooms.get(&draft.room)?, &calendar));
        let drafts = drafts.iter().filter_map(view).collect();
        let side = self.sidebar.build(me, None, &page).await?;
        Ok(html(&DraftsPage { page, side, drafts, discarded }))
    }
}

async fn index(
    State(renderer): State<DraftsRenderer>,
    Viewer(me): Viewer,
    page: Page,
) -> Result<Response, Problem> {
    renderer.render(&me.user, page, None).await
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct TypedDraft {
    /// Empty: the draft is discarded.
    body: String,
    reply_to: Option<MessageId>,
    nonce: String,
    /// Whose page it is, and when its room was made. Sent by scripts, whose page may be an old one.
    author: Option<UserId>,
    room_created: Option<Timestamp>,
}

async fn put(drafts: &Drafts, reader: &Reader, typed: &TypedDraft) -> Result<(), Problem> {
    let nonce = (!typed.nonce.is_empty()).then(|| Nonce::parse(&typed.nonce)).transpose()?;
    let text = DraftText::parse(&typed.body)?;
    Ok(drafts.put(reader, &NewDraft { text, reply_to: typed.reply_to, nonce }).await?)
}

/// For scripts. The text of another user's page is not stored: the connection of that page tells it so.
async fn store(
    State(drafts): State<Drafts>,
    CanRead(reader): CanRead,
    FormBody(typed): DraftForm<TypedDraft>,
) -> Result<StatusCode, Problem> {
    let origin = DraftOrigin { author: typed.author, room_created: typed.room_created };
    if origin.check(&reader.access()).is_err() {
        return Ok(StatusCode::OK);
    }
    put(&drafts, &reader, &typed).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The page that answers a form has this address: a reload and the links to other languages come here.
async fn to_list(_: Viewer) -> Redirect {
    Redirect::to("/drafts")
}

/// Discards a draft and offers to undo that, or does the latter.
async fn change(
    State(renderer): State<DraftsRenderer>,
    CanRead(reader): CanRead,
    page: Page,
    FormBody(typed): DraftForm<TypedDraft>,
) -> Result<Response, Problem> {
    let discarded = renderer.drafts.find(&reader).await?;
    put(&renderer.drafts, &reader, &typed).await?;
    if typed.body.is_empty() {
        renderer.render(reader.user(), page, discarded).await
    } else {
        Ok(Redirect::to("/drafts").into_response())
    }
}
