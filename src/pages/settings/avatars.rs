//! Pictures of people: taken from the settings page, handed out to whoever is signed in.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::http::request::uploads;
use crate::http::{AppState, Problem, Viewer};
use crate::kernel::FieldError;
use crate::limits::upload;
use crate::media::ImageError;
use crate::pages::layout::form_state::FormState;
use crate::pages::layout::page::Page;
use crate::pages::settings::profile::{Forms, refused, saved};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/avatars/{name}", get(show)).route(
        "/settings/picture",
        post(change).layer(DefaultBodyLimit::max(upload::PICTURE_BYTES)),
    )
}

/// A picture never changes: another one has another name.
async fn show(
    State(site): State<AppState>,
    _: Viewer,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let image = site.accounts.picture(&name).await?.ok_or_else(Problem::not_found)?;
    let headers =
        [(CONTENT_TYPE, "image/jpeg"), (CACHE_CONTROL, "private, max-age=31536000, immutable")];
    Ok((headers, image).into_response())
}

/// A form with a file takes a new picture, one without takes the old one away.
async fn change(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    page: Page,
    request: Request,
) -> Result<Response, Problem> {
    let form = site.uploads.receive(&me, request, "picture").await?;
    if form.has("remove") {
        site.accounts.remove_picture(&me).await?;
        return Ok(saved());
    }
    let reason = match site.avatars.encode(&form.file).await {
        Ok(avatar) => {
            site.accounts.set_picture(&me, avatar).await?;
            return Ok(saved());
        }
        Err(ImageError::Unreadable) => "picture-unreadable",
        Err(ImageError::TooLarge) => "picture-too-large",
        Err(ImageError::TooCostly) => "picture-too-costly",
        Err(ImageError::Busy) => return Err(uploads::busy("uploads-busy")),
        Err(ImageError::Fault(fault)) => return Err(fault.into()),
    };
    let picture =
        FormState::default().add_error(page.t, &[FieldError { field: "picture", code: reason }]);
    refused(&site, &me, page, Forms { picture, ..Forms::default() }).await
}
