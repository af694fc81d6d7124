//! Pictures of people: taken from the settings page, handed out to whoever is signed in.

use axum::Router;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, Multipart, Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::form::Form;
use super::layout::Frame;
use super::settings::{Forms, refused, saved};
use crate::chat::accounts::PictureError;
use crate::http::{Problem, Site, Viewer};
use crate::kernel::Invalid;

/// The largest file that is taken: a photo as phones make them.
const LARGEST: usize = 12 * 1024 * 1024;

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/avatars/{name}", get(show))
        .route("/settings/picture", post(change).layer(DefaultBodyLimit::max(LARGEST)))
}

/// A picture never changes: another one has another name.
async fn show(
    State(site): State<Site>,
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
    State(site): State<Site>,
    Viewer(me): Viewer,
    page: Frame,
    mut form: Multipart,
) -> Result<Response, Problem> {
    let refuse = |error: MultipartError| Problem::new(error.status());
    let mut file = Vec::new();
    let mut remove = false;
    while let Some(field) = form.next_field().await.map_err(refuse)? {
        match field.name() {
            Some("picture") => file = bytes(field).await.map_err(refuse)?,
            Some("remove") => remove = true,
            _ => {}
        }
    }
    if remove {
        site.accounts.remove_picture(&me).await?;
        return Ok(saved());
    }
    match site.accounts.set_picture(&me, file).await {
        Ok(()) => Ok(saved()),
        Err(PictureError::Unreadable) => {
            let problem = Invalid::new("picture", "picture-unreadable");
            let picture = Form::default().complain(page.t, &[problem]);
            refused(&site, &me, page, Forms { picture, ..Forms::default() }).await
        }
        Err(PictureError::Fault(fault)) => Err(fault.into()),
    }
}

async fn bytes(field: Field<'_>) -> Result<Vec<u8>, MultipartError> {
    Ok(field.bytes().await?.to_vec())
}
