//! What is typed into the composer of a room: a message, or a slash command.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;

use crate::chat::commands::{self, Typed};
use crate::chat::messages::model::Kind;
use crate::chat::rooms::model::Reader;
use crate::http::response::problem;
use crate::http::{AppState, CanRead, FormBody, MessageForm, Problem};
use crate::pages::auth::session_cookie::LoginSession;
use crate::pages::composer::post_form::{PostForm, post_message};
use crate::pages::composer::slash_commands::{CommandContext, CommandResult};
use crate::pages::layout::page::to_room;
use crate::pages::layout::page::{Page, again};
use crate::pages::layout::rate_limited::wait;
use crate::pages::rooms::show::{RoomPageInput, room_page};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/rooms/{id}/messages", post(create))
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
