//! Makes a room a favourite, with the star beside its name.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;

use crate::chat::rooms::Rooms;
use crate::http::{AppState, CanRead, FormBody, Problem};
use crate::pages::layout::page::to_room;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/rooms/{id}/favourite", post(favour))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FavouriteForm {
    favourite: bool,
}

async fn favour(
    State(rooms): State<Rooms>,
    CanRead(reader): CanRead,
    FormBody(form): FormBody<FavouriteForm>,
) -> Result<Response, Problem> {
    rooms.set_favourite(&reader, form.favourite).await?;
    Ok(to_room(reader.room().id))
}
