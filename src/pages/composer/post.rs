//! Handles the composer of a room: the text is a message or a slash command.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;

use crate::chat::accounts::Accounts;
use crate::chat::accounts::model::User;
use crate::chat::commands::{self, Typed};
use crate::chat::messages::model::{Kind, MessageBody, WriteOutcome};
use crate::chat::rooms::model::Reader;
use crate::http::{AppState, CanRead, FormBody, Language, Problem};
use crate::limits::mention::ASKS_ABOVE;
use crate::pages::auth::session_cookie::LoginSession;
use crate::pages::composer::ComposerServices;
use crate::pages::composer::command_result::CommandResult;
use crate::pages::composer::form_files::{self, ComposerForm};
use crate::pages::composer::post_form::{PostForm, post_message, post_reply};
use crate::pages::composer::preview;
use crate::pages::composer::slash_commands::CommandContext;
use crate::pages::layout::page::{Page, again, to_room};
use crate::pages::layout::rate_limited::wait;
use crate::pages::rooms::show::{RoomPageInput, RoomRenderer};
use crate::pages::rooms::view::{CommandReply, Invitable};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .route("/rooms/{id}/messages", post(create))
        .route("/rooms/{id}/members", post(invite))
}

/// Posts a message or executes a command.
async fn create(
    State(services): State<ComposerServices>,
    State(renderer): State<RoomRenderer>,
    CanRead(reader): CanRead,
    login_session: LoginSession,
    page: Page,
    form: ComposerForm,
) -> Result<Response, Problem> {
    let (form, refused) = form.keep(&services.files, reader.user().id).await;
    form.kept().check(&reader.access())?;
    if let Some(problem) = refused {
        return reject_draft(&services, &renderer, &reader, page, form, problem).await;
    }
    let user = reader.user().id;
    let preview = preview::asked(&services.messages, &services.files, user, &form).await?;
    if let Some(shown) = preview {
        return renderer.render_current(&reader, page, shown).await;
    }
    let context =
        CommandContext { services: &services, reader: &reader, nonce: &form.nonce, t: page.t };
    let typed =
        if form.literal { Typed::Text(form.body.clone()) } else { commands::parse(&form.body) };
    let outcome = match typed {
        Typed::Text(body) => {
            let message = form.message(body);
            if !form.confirmed
                && let Some(question) = wide_question(&services, &reader, &message, page.t).await?
            {
                return reply(&services, &renderer, &reader, page, form, question).await;
            }
            match post_text(&services, &reader, &message).await {
                Ok(posted) if !posted.outsiders.is_empty() => CommandResult::Reply(
                    outsiders(&services.accounts, &reader, &posted, page.t).await?,
                ),
                Ok(_) => CommandResult::Go(to_room(reader.room().id)),
                Err(problem) => {
                    return reject_draft(&services, &renderer, &reader, page, form, problem).await;
                }
            }
        }
        _ if !form.files.is_empty() => CommandResult::Reply(without_files(page.t)),
        Typed::Command(command) => match context.execute(command).await {
            Err(problem) if problem.status == StatusCode::TOO_MANY_REQUESTS => {
                return reject_draft(&services, &renderer, &reader, page, form, problem).await;
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
            reply(&services, &renderer, &reader, page, form, answer).await
        }
    }
}

/// Shows the reply above the composer. A text that was not carried out stays in the composer so that the
/// user can correct it.
async fn reply(
    services: &ComposerServices,
    renderer: &RoomRenderer,
    reader: &Reader,
    page: Page,
    form: PostForm,
    answer: CommandReply,
) -> Result<Response, Problem> {
    let status = answer.status;
    let kept = if answer.is_bad() { form } else { PostForm::default() };
    let files = form_files::kept(&services.files, reader.user().id, &kept.files).await?;
    let (draft, reply, answer) = (kept.body, kept.reply_to, Some(answer));
    let shown = RoomPageInput { reply, draft, answer, files, ..RoomPageInput::default() };
    let page = renderer.render_current(reader, page, shown).await?;
    Ok(if status.is_success() { page } else { again(status, page) })
}

/// A command is not carried out beside files: what it does is not what their sender expects.
fn without_files(t: Language) -> CommandReply {
    let lines = vec![t.text("command-with-files").to_owned()];
    CommandReply::new(StatusCode::UNPROCESSABLE_ENTITY, lines)
}

/// Asks before a text is posted that mentions many members at once.
async fn wide_question(
    services: &ComposerServices,
    reader: &Reader,
    message: &PostForm,
    t: Language,
) -> Result<Option<CommandReply>, Problem> {
    let body = MessageBody::parse(&message.body);
    let Ok(body) = body else { return Ok(None) };
    let wide = services.messages.wide_mention(&body);
    let Some(wide) = wide.filter(|_| reader.room().parent.is_none()) else { return Ok(None) };
    let members = services.rooms.members(reader).await?;
    let reached = services.messages.reached(wide, reader.user().id, &members);
    if reached <= ASKS_ABOVE {
        return Ok(None);
    }
    let lines = vec![t.count("wide-asks", reached)];
    let question = CommandReply::new(StatusCode::UNPROCESSABLE_ENTITY, lines);
    Ok(Some(CommandReply { confirms: true, ..question }))
}

/// Tells the author whom the message mentions in vain, and offers to invite them where that is possible.
async fn outsiders(
    accounts: &Accounts,
    reader: &Reader,
    posted: &WriteOutcome,
    t: Language,
) -> Result<CommandReply, Problem> {
    let users = accounts.by_ids(&posted.outsiders).await?;
    let names: Vec<&str> = users.iter().map(|user| user.display_name.as_str()).collect();
    let lines = vec![t.name("not-in-room", names.join(", "))];
    let invites = if reader.room().visibility.is_permanent() {
        Vec::new()
    } else {
        let invite = |user: &User| Invitable {
            name: user.name.clone(),
            display_name: user.display_name.clone(),
        };
        users.iter().map(invite).collect()
    };
    Ok(CommandReply { invites, ..CommandReply::new(StatusCode::OK, lines) })
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct InviteForm {
    name: String,
}

/// Invites a user whom a message mentioned in vain.
async fn invite(
    State(services): State<ComposerServices>,
    State(renderer): State<RoomRenderer>,
    CanRead(reader): CanRead,
    page: Page,
    FormBody(form): FormBody<InviteForm>,
) -> Result<Response, Problem> {
    let guest = services.accounts.find(&form.name).await?.ok_or_else(Problem::not_found)?;
    services.rooms.invite(&reader, &guest).await?;
    let lines = vec![page.t.name("person-invited", &guest.display_name)];
    let answer = CommandReply::new(StatusCode::OK, lines);
    reply(&services, &renderer, &reader, page, PostForm::default(), answer).await
}

async fn post_text(
    services: &ComposerServices,
    reader: &Reader,
    message: &PostForm,
) -> Result<WriteOutcome, Problem> {
    let posted = store_text(services, reader, message).await?;
    let (user, received) = (reader.user().id, &message.received);
    form_files::discard_unused(&services.files, user, received, &posted.message).await;
    Ok(posted)
}

async fn store_text(
    services: &ComposerServices,
    reader: &Reader,
    message: &PostForm,
) -> Result<WriteOutcome, Problem> {
    // A copy needs the right to post in the room of the thread's head.
    if let Some(parent) = reader.room().parent.as_ref().filter(|_| message.also) {
        let member = services.rooms.member(reader.user(), parent.head.room).await?;
        let head = parent.head.message;
        return Ok(post_reply(&services.messages, &member, head, message, Kind::Text).await?);
    }
    let member = services.rooms.member(reader.user(), reader.room().id).await?;
    Ok(post_message(&services.messages, &member, message, Kind::Text).await?)
}

/// The composer of a room or a thread with a refused text, what it replies to, and the reason. `None` if no other text
/// and no waiting would help.
pub(in crate::pages) fn refused(
    form: PostForm,
    problem: &Problem,
    t: Language,
) -> Option<RoomPageInput> {
    let reason = match problem.fields.first() {
        Some(field_error) => t.error_text(*field_error).to_owned(),
        None if problem.retry_after.is_some()
            || problem.status == StatusCode::FORBIDDEN
            || problem.detail == Some("room-is-archived")
            || problem.is_of_file =>
        {
            problem.explanation(t)
        }
        None => return None,
    };
    let (draft, reply, error) = (form.body, form.reply_to, Some(reason));
    Some(RoomPageInput { reply, draft, error, ..RoomPageInput::default() })
}

/// Shows the room with the refused text in the composer and the reason, so that the user can
/// correct it, or send it again when the server can store it.
async fn reject_draft(
    services: &ComposerServices,
    renderer: &RoomRenderer,
    reader: &Reader,
    page: Page,
    form: PostForm,
    problem: Problem,
) -> Result<Response, Problem> {
    let files = form_files::kept(&services.files, reader.user().id, &form.files).await?;
    let Some(shown) = refused(form, &problem, page.t) else { return Err(problem) };
    let shown = RoomPageInput { files, ..shown };
    let page = renderer.render_current(reader, page, shown).await?;
    Ok(wait(again(problem.status, page), problem.retry_after))
}
