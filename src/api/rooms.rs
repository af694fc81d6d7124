//! Rooms.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::shapes::{Counts, Items, RoomShape};
use crate::http::{Problem, Site, Viewer};
use crate::kernel::RoomId;

pub(super) fn router() -> Router<Site> {
    Router::new().route("/rooms", get(index))
}

async fn index(State(site): State<Site>, Viewer(me): Viewer) -> Result<Response, Problem> {
    let rooms = site.rooms.list(&me.person).await?;
    let online = site.presence.online();
    let mut counts: HashMap<RoomId, Counts> = HashMap::new();
    for (room, user) in site.rooms.memberships(&me.person).await? {
        let count = counts.entry(room).or_default();
        count.members += 1;
        count.online += usize::from(online.contains(&user));
    }
    let count = |id| counts.get(&id).copied().unwrap_or_default();
    let items = rooms.iter().map(|room| RoomShape::new(room, count(room.id))).collect();
    Ok(Json(Items { items }).into_response())
}
