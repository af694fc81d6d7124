//! The files and links of a room: the newest files in the panel beside its messages, and all of both as pages.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::chat::files::model::{FileKind, RecentFile};
use crate::chat::link_previews::model::LinkPreview;
use crate::chat::messages::Messages;
use crate::chat::messages::model::Message;
use crate::chat::rooms::model::{Reader, Room};
use crate::chat::search::Search;
use crate::chat::search::model::Found;
use crate::http::state::from_state;
use crate::http::{AppState, CanRead, Language, Problem, Query};
use crate::kernel::paging::Limit;
use crate::kernel::{MessageId, RoomId, Seq};
use crate::pages::files::attachments::FileView;
use crate::pages::layout::calendar::{Calendar, Moment};
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder};
use crate::pages::messages::show::{RoomView, place};
use crate::text::render::web_links;

/// Files per page.
const FILES: i64 = 60;
/// Messages with links per page.
const MESSAGES_WITH_LINKS: i64 = 40;
/// Files in the panel.
pub(super) const RECENT: i64 = 6;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/rooms/{id}/files", get(files)).route("/rooms/{id}/links", get(links))
}

/// A file in the panel.
pub(super) struct RecentView {
    pub message: MessageId,
    /// To the picture, or to the message.
    pub path: String,
    pub thumbnail: Option<String>,
    pub title: String,
    pub ending: String,
    pub name_start: String,
    pub name_end: String,
}

/// The newest files of a room: pictures, and the others.
pub(super) struct RecentFiles {
    pub pictures: Vec<RecentView>,
    pub others: Vec<RecentView>,
}

impl RecentFiles {
    pub fn new(found: &[RecentFile], room: &Room, t: Language) -> Self {
        let view = |found: &RecentFile| RecentView::new(found, room, t);
        let (pictures, others): (Vec<_>, Vec<_>) =
            found.iter().partition(|found| found.attachment.kind() == FileKind::Image);
        Self {
            pictures: pictures.into_iter().map(view).collect(),
            others: others.into_iter().map(view).collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.pictures.is_empty() && self.others.is_empty()
    }
}

impl RecentView {
    fn new(found: &RecentFile, room: &Room, t: Language) -> Self {
        let file = FileView::new(&found.attachment, t);
        let message = found.attachment.message;
        Self {
            message,
            path: match found.attachment.kind() {
                FileKind::Image => format!("/messages/{message}/files/{}", found.picture),
                _ => path_to(room, (found.place.room(), Seq(found.place.number()), message)),
            },
            thumbnail: file.thumbnail,
            title: file.title.to_owned(),
            ending: file.ending,
            name_start: file.name_start.to_owned(),
            name_end: file.name_end.to_owned(),
        }
    }
}

/// The way to a message of the room or of one of its threads. How long a thread is, is not known here.
fn path_to(room: &Room, message: (RoomId, Seq, MessageId)) -> String {
    let last = if message.0 == room.id { room.last_seq.0 } else { i64::MAX };
    place(message, last)
}

#[derive(Template)]
#[template(path = "files/of_room.html")]
struct FilesPage<'a> {
    page: Page,
    side: Sidebar,
    room: RoomView,
    pictures: Vec<FileRow<'a>>,
    others: Vec<FileRow<'a>>,
    older: Option<String>,
}

struct FileRow<'a> {
    file: FileView<'a>,
    /// The page of a picture.
    path: String,
    /// To the message.
    origin: String,
    author: &'a str,
    at: Moment,
}

impl<'a> FileRow<'a> {
    /// The files of a message: pictures, and others.
    fn of(message: &'a Message, room: &Room, calendar: &Calendar) -> (Vec<Self>, Vec<Self>) {
        let (pictures, others): (Vec<_>, Vec<_>) =
            message.attachments.iter().partition(|file| file.kind() == FileKind::Image);
        let id = message.id.0;
        let rows = |files: Vec<&'a _>| {
            let row = |(n, file): (usize, _)| Self {
                file: FileView::new(file, calendar.t),
                path: format!("/messages/{id}/files/{}", n + 1),
                origin: path_to(room, (message.room, message.seq, message.id)),
                author: &message.author.display_name,
                at: calendar.moment(message.created_at),
            };
            files.into_iter().enumerate().map(row).collect()
        };
        (rows(pictures), rows(others))
    }
}

#[derive(Template)]
#[template(path = "links/of_room.html")]
struct LinksPage<'a> {
    page: Page,
    side: Sidebar,
    room: RoomView,
    links: Vec<LinkRow<'a>>,
    older: Option<String>,
    /// Older messages are not indexed yet.
    incomplete: bool,
}

struct LinkRow<'a> {
    url: String,
    /// The title of the page, or else the address without its scheme.
    title: String,
    /// The site, if there is a title.
    site: Option<&'a str>,
    image: Option<String>,
    /// To the message.
    origin: String,
    author: &'a str,
    at: Moment,
}

impl<'a> LinkRow<'a> {
    /// The links of a message, each once.
    fn of(message: &'a Message, room: &Room, calendar: &Calendar) -> Vec<Self> {
        let mut rows: Vec<Self> = Vec::new();
        for url in web_links(&message.html) {
            if rows.iter().any(|row| row.url == url) {
                continue;
            }
            let preview = message.previews.iter().find(|preview| preview.url == url);
            rows.push(Self {
                title: preview.map_or_else(|| plain(&url), |found| found.page.title.clone()),
                site: preview.map(|found| found.page.site.as_str()),
                image: preview.and_then(|found| image_of(message.id, found)),
                url,
                origin: path_to(room, (message.room, message.seq, message.id)),
                author: &message.author.display_name,
                at: calendar.moment(message.created_at),
            });
        }
        rows
    }
}

fn image_of(message: MessageId, preview: &LinkPreview) -> Option<String> {
    preview.page.image.as_ref().map(|image| image.path(message, preview.n))
}

/// An address without what all have.
fn plain(url: &str) -> String {
    let rest = url.trim_start_matches("https://").trim_start_matches("http://");
    rest.trim_end_matches('/').to_owned()
}

#[derive(Deserialize)]
struct Before {
    before: Option<MessageId>,
}

struct FilesServices {
    messages: Messages,
    search: Search,
    sidebar: SidebarBuilder,
}

from_state!(FilesServices { messages, search, sidebar });

/// The way to the list of the room that a thread belongs to, which has those of its threads.
fn of_parent(reader: &Reader, list: &str) -> Option<Response> {
    let parent = reader.room().parent.as_ref()?;
    Some(Redirect::to(&format!("/rooms/{}/{list}", parent.head.room)).into_response())
}

async fn files(
    State(services): State<FilesServices>,
    CanRead(reader): CanRead,
    Query(query): Query<Before>,
    page: Page,
) -> Result<Response, Problem> {
    if let Some(elsewhere) = of_parent(&reader, "files") {
        return Ok(elsewhere);
    }
    let limit = Limit::parse(Some(FILES))?;
    let found = services.messages.with_files(&reader, query.before, limit).await?;
    let calendar = page.calendar();
    let (mut pictures, mut others) = (Vec::new(), Vec::new());
    for message in &found.items {
        let (more_pictures, more_others) = FileRow::of(message, reader.room(), &calendar);
        pictures.extend(more_pictures);
        others.extend(more_others);
    }
    let room = reader.room();
    let last = found.items.last().filter(|_| found.more);
    Ok(html(&FilesPage {
        side: services.sidebar.build(reader.user(), None, &page).await?,
        room: RoomView::new(room, page.t),
        pictures,
        others,
        older: last.map(|last| format!("/rooms/{}/files?before={}", room.id, last.id)),
        page,
    }))
}

async fn links(
    State(services): State<FilesServices>,
    CanRead(reader): CanRead,
    Query(query): Query<Before>,
    page: Page,
) -> Result<Response, Problem> {
    if let Some(elsewhere) = of_parent(&reader, "links") {
        return Ok(elsewhere);
    }
    let limit = Limit::parse(Some(MESSAGES_WITH_LINKS))?;
    let found = services.search.with_links(&reader, query.before, limit).await?;
    let Found { hits, next, complete } = found;
    let messages = services.messages.found(&hits).await?;
    let calendar = page.calendar();
    let room = reader.room();
    let last = hits.last().filter(|_| next.is_some());
    Ok(html(&LinksPage {
        side: services.sidebar.build(reader.user(), None, &page).await?,
        room: RoomView::new(room, page.t),
        links: messages.iter().flat_map(|message| LinkRow::of(message, room, &calendar)).collect(),
        older: last.map(|last| format!("/rooms/{}/links?before={}", room.id, last.message())),
        incomplete: !complete,
        page,
    }))
}
