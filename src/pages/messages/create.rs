//! Reading further, back and forth, and the form that posts.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use crate::chat::commands::{self, Typed};
use crate::chat::messages::WriteError;
use crate::chat::messages::model::{Draft, Kind, MessageBody, Nonce, Window};
use crate::chat::rooms::model::{Member, Reader};
use crate::http::response::problem;
use crate::http::{AppState, CanRead, DraftOrigin, FormBody, MessageForm, Problem, Query};
use crate::kernel::{FieldError, Seq, Timestamp, UserId};
use crate::pages::auth::session_cookie::LoginSession;
use crate::pages::layout::page::{Page, again, html};
use crate::pages::layout::rate_limited::wait;
use crate::pages::messages::list::history;
use crate::pages::messages::slash_commands::{CommandContext, CommandResult};
use crate::pages::rooms::index::to_room;
use crate::pages::rooms::show::{RoomPageInput, room_page};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/rooms/{id}/messages", get(more).post(create))
}

#[derive(Deserialize)]
struct Place {
    before: Option<i64>,
    after: Option<i64>,
}

impl Place {
    fn window(&self) -> Result<Window, FieldError> {
        match (self.before, self.after) {
            (Some(seq), None) => Ok(Window::Before(Seq(seq))),
            (None, Some(seq)) => Ok(Window::After(Seq(seq))),
            _ => Err(FieldError::new("query", "query-one-place")),
        }
    }
}

/// A page of history for a script that puts it before or after what it shows.
async fn more(
    State(site): State<AppState>,
    CanRead(reader): CanRead,
    Query(place): Query<Place>,
    page: Page,
) -> Result<Response, Problem> {
    Ok(html(&history(&site, &reader, place.window()?, &page.calendar()).await?))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::pages) struct PostForm {
    pub body: String,
    pub nonce: String,
    /// Who wrote it, from a script: another account may have signed in since its page was loaded.
    pub author: Option<UserId>,
    /// When the room was made for which it was written, from a script that has kept it for a while: in a
    /// history that was replaced another room may have that number.
    pub room_created: Option<Timestamp>,
    /// Whatever it looks like, it is no command.
    pub literal: bool,
}

impl PostForm {
    pub fn kept(&self) -> DraftOrigin {
        DraftOrigin { author: self.author, room_created: self.room_created }
    }
}

/// What is typed into the composer: a message, or a command.
async fn create(
    State(site): State<AppState>,
    CanRead(reader): CanRead,
    visit: LoginSession,
    page: Page,
    FormBody(form): MessageForm<PostForm>,
) -> Result<Response, Problem> {
    form.kept().check(&reader)?;
    let desk = CommandContext { site: &site, reader: &reader, nonce: &form.nonce, t: page.t };
    let typed =
        if form.literal { Typed::Text(form.body.clone()) } else { commands::parse(&form.body) };
    let outcome = match typed {
        Typed::Text(body) => {
            let said =
                PostForm { body, nonce: form.nonce.clone(), literal: true, ..PostForm::default() };
            match say(&site, &reader, &said).await {
                Ok(()) => CommandResult::Go(to_room(reader.room().id)),
                Err(problem) => {
                    return reject_draft(&site, &reader, page, form.body, problem).await;
                }
            }
        }
        Typed::Command(command) => match desk.carry_out(command).await {
            Err(problem) if problem.status == StatusCode::TOO_MANY_REQUESTS => {
                return reject_draft(&site, &reader, page, form.body, problem).await;
            }
            outcome => outcome?,
        },
        Typed::Excess(spelled) => CommandResult::Say(desk.excess(&spelled)),
        Typed::Nobody(described) => CommandResult::Say(desk.nobody(described)),
        Typed::Unknown { name, nearest } => CommandResult::Say(desk.unknown(&name, &nearest)),
    };
    match outcome {
        CommandResult::Go(response) => Ok(response),
        CommandResult::SignOut => visit.sign_out(&site).await,
        CommandResult::Say(answer) => {
            let status = answer.status;
            // What could not be done stays in the composer, to be mended.
            let draft = if answer.is_bad() { form.body } else { String::new() };
            let shown = RoomPageInput { draft, answer: Some(answer), ..RoomPageInput::default() };
            let page = present(&site, &reader, page, shown).await?;
            Ok(if status.is_success() { page } else { again(status, page) })
        }
    }
}

async fn say(site: &AppState, reader: &Reader, said: &PostForm) -> Result<(), Problem> {
    let member = site.rooms.member(reader.user(), reader.room().id).await?;
    Ok(post_message(site, &member, said, Kind::Text).await?)
}

/// What could not be posted stays in the composer, with the reason: to be mended, or to be sent
/// again when the server can store it.
async fn reject_draft(
    site: &AppState,
    reader: &Reader,
    page: Page,
    draft: String,
    problem: Problem,
) -> Result<Response, Problem> {
    let reason = match problem.fields.first() {
        Some(invalid) => page.t.complain(*invalid),
        None if problem.retry_after.is_some() || problem.status == StatusCode::FORBIDDEN => {
            page.t.say(problem::message_keys(&problem).1)
        }
        None => return Err(problem),
    };
    let shown = RoomPageInput { draft, error: Some(reason), ..RoomPageInput::default() };
    let page = present(site, reader, page, shown).await?;
    Ok(wait(again(problem.status, page), problem.retry_after))
}

/// The room as it is now, also if what was asked has changed it.
async fn present(
    site: &AppState,
    reader: &Reader,
    page: Page,
    shown: RoomPageInput,
) -> Result<Response, Problem> {
    let reader = site.rooms.reader(reader.user(), reader.room().id).await?;
    room_page(site, &reader, page, shown).await
}

/// Posts what a form has. A page that the back button brought back has an old nonce and maybe a
/// new text: it is a new message then. The same text again is the double click that nonces are for.
pub(in crate::pages) async fn post_message(
    site: &AppState,
    member: &Member,
    form: &PostForm,
    kind: Kind,
) -> Result<(), WriteError> {
    let body = MessageBody::parse(&form.body).map_err(WriteError::Invalid)?;
    let nonce = (!form.nonce.is_empty()).then(|| Nonce::parse(&form.nonce)).transpose();
    let nonce = nonce.map_err(|_| WriteError::Invalid(FieldError::new("body", "nonce-shape")))?;
    let draft = Draft { kind, body, nonce, reply_to: None };
    match site.messages.post(member.clone(), draft.clone()).await {
        Err(WriteError::NonceReused) => {
            site.messages.post(member.clone(), Draft { nonce: None, ..draft }).await?;
            Ok(())
        }
        result => result.map(|_| ()),
    }
}
