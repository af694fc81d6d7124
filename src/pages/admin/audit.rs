//! The audit log as a page for administrators, one sentence per entry.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use jiff::civil::Date;
use serde::Deserialize;

use crate::chat::audit::Audit;
use crate::chat::audit::model::{AuditEntry, AuditId};
use crate::chat::presence::Presence;
use crate::http::request::auth::CanAdminister;
use crate::http::{AppState, Language, Problem, Query, Viewer};
use crate::kernel::paging::Limit;
use crate::pages::admin::AdminLayout;
use crate::pages::layout::calendar::{Calendar, Moment};
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::Sidebar;
use crate::pages::layout::user_view::UserView;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/admin/audit", get(index))
}

#[derive(Template)]
#[template(path = "admin/audit.html")]
struct AuditPage {
    page: Page,
    side: Sidebar,
    days: Vec<DayView>,
    /// Cursor of the page with earlier entries.
    earlier: Option<i64>,
}

struct DayView {
    date: String,
    label: String,
    entries: Vec<EntryView>,
}

struct EntryView {
    at: Moment,
    /// `None` for an action on the command line.
    actor: Option<UserView>,
    sentence: String,
}

#[derive(Deserialize)]
struct Before {
    before: Option<AuditId>,
}

async fn index(
    State(audit): State<Audit>,
    State(layout): State<AdminLayout>,
    Viewer(me): Viewer,
    CanAdminister(admin): CanAdminister,
    Query(asked): Query<Before>,
    page: Page,
) -> Result<Response, Problem> {
    let found = audit.page(&admin, asked.before, Limit::DEFAULT).await?;
    let earlier = found.items.last().filter(|_| found.more).map(|entry| entry.id.0);
    let side = layout.sidebar.build(&me.user, None, &page).await?;
    Ok(html(&AuditPage {
        side,
        days: by_day(&layout.presence, found.items, &page.calendar()),
        earlier,
        page,
    }))
}

fn by_day(presence: &Presence, entries: Vec<AuditEntry>, calendar: &Calendar) -> Vec<DayView> {
    let mut days: Vec<(Date, DayView)> = Vec::new();
    for entry in entries {
        let date = calendar.day(entry.at);
        let sentence = sentence(&entry, calendar.t);
        let online = |id| presence.is_online(id);
        let view = EntryView {
            at: calendar.moment(entry.at),
            actor: entry.actor.map(|user| {
                let online = online(user.id);
                UserView::of_ref(user, online)
            }),
            sentence,
        };
        match days.last_mut() {
            Some((day, view_of_day)) if *day == date => view_of_day.entries.push(view),
            _ => {
                let iso = date.to_string();
                let label = calendar.label(date);
                days.push((date, DayView { date: iso, label, entries: vec![view] }));
            }
        }
    }
    days.into_iter().map(|(_, day)| day).collect()
}

/// The action as a sentence. An action that another version of Patio recorded is shown by its code.
fn sentence(entry: &AuditEntry, t: Language) -> String {
    let key = match entry.action.as_str() {
        "message.delete" => "audit-message-delete",
        "message.remove_preview" => "audit-message-remove-preview",
        "room.delete" => "audit-room-delete",
        "room.restore" => "audit-room-restore",
        "room.archive" => "audit-room-archive",
        "room.unarchive" => "audit-room-unarchive",
        "room.rename" => "audit-room-rename",
        "member.remove" => "audit-member-remove",
        "user.close" => "audit-user-close",
        "user.reopen" => "audit-user-reopen",
        "user.erase_messages" => "audit-user-erase",
        "user.promote" => "audit-user-promote",
        "user.demote" => "audit-user-demote",
        "user.reset_link" => "audit-user-reset-link",
        "emoji.add" => "audit-emoji-add",
        "emoji.delete" => "audit-emoji-delete",
        "sign_up.open" => return t.text("audit-sign-up-open").to_owned(),
        "sign_up.close" => return t.text("audit-sign-up-close").to_owned(),
        unknown => return unknown.to_owned(),
    };
    let subject = entry.subject_name.as_deref().unwrap_or_default();
    let variables = [
        ("name", subject),
        ("author", entry.detail_text("author")),
        ("room", entry.detail_text("room")),
        ("new", entry.detail_text("new_name")),
    ];
    t.fill(key, variables)
}
