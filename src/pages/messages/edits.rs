//! What an edited message said before.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::chat::messages::Messages;
use crate::http::{AppState, CanReadMessage, Problem};
use crate::pages::layout::calendar::Moment;
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder};
use crate::pages::messages::list::single_message;
use crate::pages::messages::show::{RoomView, place_in_room};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/messages/{id}/edits", get(index))
}

#[derive(Template)]
#[template(path = "messages/edits.html")]
struct EditsPage {
    page: Page,
    side: Sidebar,
    room: RoomView,
    versions: Vec<VersionView>,
    /// The message as it is now.
    message: String,
    /// A link to the message's position in the room.
    back: String,
}

struct VersionView {
    html: String,
    at: Moment,
}

async fn index(
    State(messages): State<Messages>,
    State(sidebar): State<SidebarBuilder>,
    CanReadMessage { reader, message }: CanReadMessage,
    page: Page,
) -> Result<Response, Problem> {
    let side = sidebar.build(reader.user(), None, &page).await?;
    let calendar = page.calendar();
    let versions = messages.versions(&reader, message.id).await?.into_iter();
    let versions =
        versions.map(|(version, html)| VersionView { html, at: calendar.moment(version.at) });
    let shown = single_message(&message, &calendar).map_err(|error| Problem::internal(&error))?;
    Ok(html(&EditsPage {
        side,
        room: RoomView::new(reader.room(), page.t),
        versions: versions.collect(),
        message: shown,
        back: place_in_room(&message, reader.room().last_seq.0),
        page,
    }))
}
