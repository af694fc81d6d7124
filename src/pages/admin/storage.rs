//! What files take, for administrators: in total, per room and per user, and what a check of the storage found.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use crate::chat::accounts::model::{Admin, User};
use crate::chat::files::Files;
use crate::chat::files::model::Content;
use crate::chat::files::usage::{RoomUsage, Usage, UserUsage};
use crate::http::request::auth::CanAdminister;
use crate::http::state::from_state;
use crate::http::{AppState, Language, Problem, Viewer};
use crate::kernel::MessageId;
use crate::pages::admin::usage_bar::{UsageBar, unsigned};
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/admin/storage", get(show)).route("/admin/storage/check", post(check))
}

#[derive(Template)]
#[template(path = "admin/storage.html")]
struct StoragePage {
    page: Page,
    side: Sidebar,
    bar: UsageBar,
    /// Names and values.
    facts: Vec<(&'static str, String)>,
    rooms: UsageList,
    users: UsageList,
    check: Option<CheckView>,
    unreadable: Vec<UnreadableRow>,
}

/// Rooms or users, those with most first.
struct UsageList {
    rows: Vec<Row>,
    /// The bytes of the first: what the bars are measured by.
    largest: i64,
}

impl FromIterator<Row> for UsageList {
    fn from_iter<I: IntoIterator<Item = Row>>(rows: I) -> Self {
        let rows: Vec<Row> = rows.into_iter().collect();
        let largest = rows.iter().map(|row| row.bytes).max().unwrap_or_default();
        Self { rows, largest }
    }
}

/// A room or user with its files.
struct Row {
    name: String,
    /// `12 files · 3.4 MB`
    facts: String,
    bytes: i64,
}

/// The last check.
struct CheckView {
    /// How far it is, if it runs.
    percent: Option<i64>,
    /// How far it is, or when it ended and what it found.
    lines: Vec<String>,
}

/// A content that a message names and that cannot be read.
struct UnreadableRow {
    message: i64,
    label: String,
    size: String,
    hash: String,
}

impl UnreadableRow {
    fn new((message, content): (MessageId, Content), t: Language) -> Self {
        Self {
            message: message.0,
            label: t.name("storage-message", message.0.to_string()),
            size: t.size(content.size),
            hash: content.hash.as_str().to_owned(),
        }
    }
}

fn count(t: Language, key: &'static str, number: i64) -> String {
    t.count(key, usize::try_from(number).unwrap_or_default())
}

fn row(name: String, files: i64, bytes: i64, t: Language) -> Row {
    let facts = format!("{} · {}", count(t, "storage-files", files), t.size(unsigned(bytes)));
    Row { name, facts, bytes }
}

fn room_row(found: RoomUsage, t: Language) -> Row {
    let name = match found.room.0 {
        0 => t.text("storage-direct").to_owned(),
        _ => found.name,
    };
    row(name, found.files, found.bytes, t)
}

fn user_row(found: &UserUsage, t: Language) -> Row {
    row(format!("{} (@{})", found.display_name, found.name), found.files, found.bytes, t)
}

/// Shows the page.
struct StorageRenderer {
    files: Files,
    sidebar: SidebarBuilder,
}

from_state!(StorageRenderer { files, sidebar });

impl StorageRenderer {
    async fn render(&self, me: &User, admin: &Admin, page: Page) -> Result<Response, Problem> {
        let usage = self.files.usage(admin).await?;
        let bar = UsageBar::new(&usage, self.files.limits().installation, page.t);
        let facts = self.facts(&usage, page.t);
        let check = self.check(admin, &page).await?;
        let found = self.files.unreadable(admin).await?;
        let t = page.t;
        let unreadable = found.into_iter().map(|found| UnreadableRow::new(found, t)).collect();
        let rooms = usage.rooms.into_iter().map(|found| room_row(found, t)).collect();
        let users = usage.users.iter().map(|found| user_row(found, t)).collect();
        let side = self.sidebar.build(me, None, &page).await?;
        Ok(html(&StoragePage { page, side, bar, facts, rooms, users, check, unreadable }))
    }

    fn facts(&self, usage: &Usage, t: Language) -> Vec<(&'static str, String)> {
        let total = &usage.total;
        let sized = |number: String, bytes: i64| format!("{number} · {}", t.size(unsigned(bytes)));
        let limits = self.files.limits();
        let limit = |limit: Option<u64>| match limit {
            Some(bytes) => t.size(bytes),
            None => t.text("storage-no-limit").to_owned(),
        };
        let stored = sized(count(t, "storage-contents", total.contents), total.bytes);
        vec![
            (t.text("storage-stored"), stored),
            (t.text("storage-quota"), limit(limits.installation)),
            (t.text("storage-user-quota"), limit(limits.quota)),
            (t.text("storage-largest"), t.size(limits.largest)),
        ]
    }

    async fn check(&self, admin: &Admin, page: &Page) -> Result<Option<CheckView>, Problem> {
        let Some(check) = self.files.last_check(admin).await? else { return Ok(None) };
        let t = page.t;
        let Some(finished_at) = check.finished_at else {
            let percent = check.percent();
            let lines = vec![t.name("storage-check-runs", percent.to_string())];
            return Ok(Some(CheckView { percent: Some(percent), lines }));
        };
        let ended = page.calendar().moment(finished_at).full;
        let sized =
            |key, number, bytes| format!("{} · {}", count(t, key, number), t.size(unsigned(bytes)));
        let lines = vec![
            t.name("storage-check-ended", ended),
            sized("storage-sound", check.contents, check.bytes),
            count(t, "storage-missing", check.missing),
            sized("storage-orphans", check.orphans, check.orphan_bytes),
        ];
        Ok(Some(CheckView { percent: None, lines }))
    }
}

async fn show(
    State(renderer): State<StorageRenderer>,
    Viewer(me): Viewer,
    CanAdminister(admin): CanAdminister,
    page: Page,
) -> Result<Response, Problem> {
    renderer.render(&me.user, &admin, page).await
}

async fn check(
    State(files): State<Files>,
    CanAdminister(admin): CanAdminister,
) -> Result<Response, Problem> {
    files.start_check(&admin).await?;
    Ok(Redirect::to("/admin/storage").into_response())
}
