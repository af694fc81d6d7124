//! Reading further back, and the form that posts.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::history::history;
use super::layout::{Frame, html};
use super::rooms::{Shown, room_page};
use crate::chat::messages::PostError;
use crate::chat::messages::model::{Draft, MessageBody, Nonce};
use crate::chat::rooms::model::Member;
use crate::http::problem::Answered;
use crate::http::{CanPost, CanRead, FormBody, Language, Problem, Query, Site};
use crate::kernel::Invalid;

pub(super) fn router() -> Router<Site> {
    Router::new().route("/rooms/{id}/messages", get(older).post(create))
}

#[derive(Deserialize)]
struct Place {
    before: i64,
}

/// A page of history for a script that puts it in front of what it shows.
async fn older(
    State(site): State<Site>,
    CanRead(reader): CanRead,
    Query(place): Query<Place>,
    t: Language,
) -> Result<Response, Problem> {
    Ok(html(&history(&site, &reader, Some(place.before), t).await?))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PostForm {
    body: String,
    nonce: String,
}

async fn create(
    State(site): State<Site>,
    CanPost(member): CanPost,
    page: Frame,
    FormBody(form): FormBody<PostForm>,
) -> Result<Response, Problem> {
    let room = member.room();
    match post(&site, &member, &form).await {
        Ok(()) => Ok(Redirect::to(&format!("/rooms/{room}")).into_response()),
        Err(PostError::Invalid(error)) => {
            let reader = site.rooms.reader(member.person(), room).await?;
            let shown = Shown { draft: form.body, error: Some(error), ..Shown::default() };
            let mut response = room_page(&site, &reader, page, shown).await?;
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            response.extensions_mut().insert(Answered);
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

async fn post(site: &Site, member: &Member, form: &PostForm) -> Result<(), PostError> {
    let body = MessageBody::parse(&form.body).map_err(PostError::Invalid)?;
    let nonce = (!form.nonce.is_empty()).then(|| Nonce::parse(&form.nonce)).transpose();
    let nonce = nonce.map_err(|_| PostError::Invalid(Invalid::new("body", "nonce-shape")))?;
    let draft = Draft { body, nonce, reply_to: None };
    match site.messages.post(member.clone(), draft.clone()).await {
        // A page that the back button brought back has an old nonce and maybe a new text: it is
        // a new message then. The same text again is the double click that nonces are for.
        Err(PostError::NonceReused) => {
            site.messages.post(member.clone(), Draft { nonce: None, ..draft }).await?;
            Ok(())
        }
        result => result.map(|_| ()),
    }
}
