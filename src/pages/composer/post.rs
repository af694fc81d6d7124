//! Handles the composer of a room: the text is a message or a slash command.

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
use crate::pages::composer::ComposerServices;
use crate::pages::composer::post_form::{PostForm, post_message};
use crate::pages::composer::slash_commands::{CommandContext, CommandResult};
use crate::pages::layout::page::{Page, again, to_room};
use crate::pages::layout::rate_limited::wait;
use crate::pages::rooms::show::{RoomPageInput, RoomRenderer};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/rooms/{id}/messages", post(create))
}

/// Posts a message or executes a command.
async fn create(
    State(services): State<ComposerServices>,
    State(renderer): State<RoomRenderer>,
    CanRead(reader): CanRead,
    login_session: LoginSession,
    page: Page,
    FormBody(form): MessageForm<PostForm>,
) -> Result<Response, Problem> {
    form.kept().check(&reader)?;
    let context =
        CommandContext { services: &services, reader: &reader, nonce: &form.nonce, t: page.t };
    let typed =
        if form.literal { Typed::Text(form.body.clone()) } else { commands::parse(&form.body) };
    let outcome = match typed {
        Typed::Text(body) => {
            let message = PostForm {
                body,
                nonce: form.nonce.clone(),
                reply_to: form.reply_to,
                literal: true,
                ..PostForm::default()
            };
            match post_text(&services, &reader, &message).await {
                Ok(()) => CommandResult::Go(to_room(reader.room().id)),
                Err(problem) => {
                    return reject_draft(&renderer, &reader, page, form, problem).await;
                }
            }
        }
        Typed::Command(command) => match context.execute(command).await {
            Err(problem) if problem.status == StatusCode::TOO_MANY_REQUESTS => {
                return reject_draft(&renderer, &reader, page, form, problem).await;
            }
            outcome => outcome?,
        },
        Typed::Excess(spelled) => CommandResult::Reply(context.excess(&spelled)),
        Typed::MissingUser(described) => CommandResult::Reply(context.missing_user(described)),
        Typed::Unknown { name, nearest } => CommandResult::Reply(context.unknown(&name, &nearest)),
    };
    match outcome {
        CommandResult::Go(response) => Ok(response),
        CommandResult::SignOut => login_session.sign_out().await,
        CommandResult::Reply(answer) => {
            let status = answer.status;
            // A command that failed stays in the composer so that the user can correct it.
            let draft = if answer.is_bad() { form.body } else { String::new() };
            let shown = RoomPageInput { draft, answer: Some(answer), ..RoomPageInput::default() };
            let page = renderer.render_current(&reader, page, shown).await?;
            Ok(if status.is_success() { page } else { again(status, page) })
        }
    }
}

async fn post_text(
    services: &ComposerServices,
    reader: &Reader,
    message: &PostForm,
) -> Result<(), Problem> {
    let member = services.rooms.member(reader.user(), reader.room().id).await?;
    Ok(post_message(&services.messages, &member, message, Kind::Text).await?)
}

/// Shows the room with the refused text in the composer and the reason, so that the user can
/// correct it, or send it again when the server can store it.
async fn reject_draft(
    renderer: &RoomRenderer,
    reader: &Reader,
    page: Page,
    form: PostForm,
    problem: Problem,
) -> Result<Response, Problem> {
    let reason = match problem.fields.first() {
        Some(field_error) => page.t.error_text(*field_error),
        None if problem.retry_after.is_some() || problem.status == StatusCode::FORBIDDEN => {
            page.t.text(problem::message_keys(&problem).1)
        }
        None => return Err(problem),
    };
    let shown = RoomPageInput {
        draft: form.body,
        reply: form.reply_to,
        error: Some(reason),
        ..RoomPageInput::default()
    };
    let page = renderer.render_current(reader, page, shown).await?;
    Ok(wait(again(problem.status, page), problem.retry_after))
}
