//! Avatars: uploaded on the settings page, served to all signed-in users.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::chat::accounts::{Accounts, AvatarEncoder};
use crate::http::request::uploads;
use crate::http::request::uploads::Uploads;
use crate::http::{AppState, Problem, Viewer};
use crate::kernel::FieldError;
use crate::limits::upload;
use crate::media::ImageError;
use crate::pages::layout::form_state::FormState;
use crate::pages::layout::page::Page;
use crate::pages::settings::profile::{Forms, SettingsRenderer, saved};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/avatars/{name}", get(show)).route(
        "/settings/picture",
        post(change).layer(DefaultBodyLimit::max(upload::PICTURE_BYTES)),
    )
}

/// Cacheable forever: a new picture gets a new name.
async fn show(
    State(accounts): State<Accounts>,
    _: Viewer,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let image = accounts.picture(&name).await?.ok_or_else(Problem::not_found)?;
    let headers =
        [(CONTENT_TYPE, "image/jpeg"), (CACHE_CONTROL, "private, max-age=31536000, immutable")];
    Ok((headers, image).into_response())
}

/// A form with a file sets the picture; a form without one removes it.
async fn change(
    State(renderer): State<SettingsRenderer>,
    State(uploads): State<Uploads>,
    State(avatars): State<AvatarEncoder>,
    Viewer(me): Viewer,
    page: Page,
    request: Request,
) -> Result<Response, Problem> {
    let form = uploads.receive(&me, request, "picture").await?;
    // Pages of an earlier release call it `remove`.
    if form.has("delete_picture") || form.has("remove") {
        renderer.accounts.remove_picture(&me).await?;
        return Ok(saved());
    }
    let reason = match avatars.encode(&form.file).await {
        Ok(avatar) => {
            renderer.accounts.set_picture(&me, avatar).await?;
            return Ok(saved());
        }
        Err(ImageError::Unreadable) => "picture-unreadable",
        Err(ImageError::TooLarge) => "picture-too-large",
        Err(ImageError::TooCostly) => "picture-too-costly",
        Err(ImageError::Busy) => return Err(uploads::busy("uploads-busy")),
        Err(ImageError::Service(error)) => return Err(error.into()),
    };
    let picture =
        FormState::default().add_error(page.t, &[FieldError { field: "picture", code: reason }]);
    renderer.render_refused(&me, page, Forms { picture, ..Forms::default() }).await
}
