//! The pinned messages of a room, and the forms that pin and unpin.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};

use crate::chat::messages::Messages;
use crate::http::{AppState, CanPin, CanRead, Problem};
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder};
use crate::pages::messages::list::single_message;
use crate::pages::messages::show::{RoomView, place_in_room, to_message};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .route("/rooms/{id}/pins", get(index))
        .route("/messages/{id}/pin", post(create))
        .route("/messages/{id}/unpin", post(destroy))
}

#[derive(Template)]
#[template(path = "messages/pins.html")]
struct PinsPage {
    page: Page,
    side: Sidebar,
    room: RoomView,
    pins: Vec<PinView>,
}

struct PinView {
    id: i64,
    /// A link to its position in the room.
    place: String,
    /// The message as the room shows it.
    message: String,
}

async fn index(
    State(messages): State<Messages>,
    State(sidebar): State<SidebarBuilder>,
    CanRead(reader): CanRead,
    page: Page,
) -> Result<Response, Problem> {
    let side = sidebar.build(reader.user(), None, &page).await?;
    let mut pins = Vec::new();
    for message in messages.pinned(&reader).await? {
        let shown = single_message(&message, &page.calendar())
            .map_err(|error| Problem::internal(&error))?;
        pins.push(PinView {
            id: message.id.0,
            place: place_in_room(&message, reader.room().last_seq.0),
            message: shown,
        });
    }
    Ok(html(&PinsPage { side, room: RoomView::new(reader.room(), page.t), pins, page }))
}

async fn create(
    State(messages): State<Messages>,
    CanPin(member, message): CanPin,
) -> Result<Response, Problem> {
    messages.pin(member, message).await?;
    Ok(to_message(message))
}

async fn destroy(
    State(messages): State<Messages>,
    CanPin(member, message): CanPin,
) -> Result<Response, Problem> {
    messages.unpin(member, message).await?;
    Ok(to_message(message))
}
