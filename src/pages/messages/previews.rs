//! The previews of links in messages: their pictures, and the form that removes one.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use crate::chat::link_previews::model::LinkPreview;
use crate::chat::messages::Messages;
use crate::chat::messages::model::Message;
use crate::http::request::auth;
use crate::http::{AppState, CanDelete, CanReadMessage, Problem};

pub(in crate::pages) fn router(state: &AppState) -> Router<AppState> {
    // Programs load pictures with their token.
    let image = Router::new()
        .route("/messages/{id}/previews/{n}/{file}", get(show))
        .layer(from_fn_with_state(state.clone(), auth::by_token));
    Router::new().route("/messages/{id}/previews/{n}/delete", post(destroy)).merge(image)
}

/// A preview for the template of a message.
pub(super) struct PreviewView<'a> {
    pub n: i64,
    pub url: &'a str,
    pub title: &'a str,
    pub text: &'a str,
    pub site: &'a str,
    pub image: Option<ImageView>,
}

pub(super) struct ImageView {
    pub path: String,
    pub width: i64,
    pub height: i64,
}

/// The previews of a message.
pub(super) fn views(message: &Message) -> Vec<PreviewView<'_>> {
    message.previews.iter().map(|preview| view(message, preview)).collect()
}

fn view<'a>(message: &Message, LinkPreview { n, url, page }: &'a LinkPreview) -> PreviewView<'a> {
    PreviewView {
        n: *n,
        url,
        title: &page.title,
        text: &page.text,
        site: &page.site,
        image: page.image.as_ref().map(|image| ImageView {
            path: image.path(message.id, *n),
            width: image.width,
            height: image.height,
        }),
    }
}

#[derive(Deserialize)]
struct PreviewPath {
    n: i64,
}

/// The picture. Another one has another address, but who may no longer read the message must not see it, so a browser
/// asks each time.
async fn show(
    State(messages): State<Messages>,
    CanReadMessage { message, .. }: CanReadMessage,
    Path(path): Path<PreviewPath>,
) -> Result<Response, Problem> {
    let image = messages.preview_image(&message, path.n).await?.ok_or_else(Problem::not_found)?;
    Ok(([(CONTENT_TYPE, "image/jpeg"), (CACHE_CONTROL, "private, no-cache")], image)
        .into_response())
}

async fn destroy(
    State(messages): State<Messages>,
    CanDelete(deleter): CanDelete,
    Path(path): Path<PreviewPath>,
) -> Result<Response, Problem> {
    let changed = messages.remove_preview(deleter, path.n).await?;
    Ok(Redirect::to(&format!("/messages/{}", changed.message.id)).into_response())
}
