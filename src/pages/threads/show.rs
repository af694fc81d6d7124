//! The page of a thread, under the id of its message. The thread exists from the first reply on; the page is there
//! before.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use crate::chat::commands::{self, Command, Typed};
use crate::chat::files::Files;
use crate::chat::messages::Messages;
use crate::chat::messages::model::{Kind, Message};
use crate::chat::rooms::model::Reader;
use crate::chat::rooms::{RoomError, Rooms};
use crate::http::state::from_state;
use crate::http::{AppState, CanReadMessage, FormBody, Problem, Query};
use crate::kernel::{FieldError, MessageId};
use crate::pages::composer::form_files::{self, ComposerForm};
use crate::pages::composer::post::refused;
use crate::pages::composer::post_form::{PostForm, post_reply};
use crate::pages::composer::preview;
use crate::pages::layout::page::{Page, again};
use crate::pages::layout::rate_limited::wait;
use crate::pages::rooms::show::{RoomPageInput, RoomRenderer};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .route("/threads/{id}", get(show).post(create))
        .route("/threads/{id}/follow", post(follow))
}

/// What the handlers of a thread use.
struct ThreadServices {
    files: Files,
    rooms: Rooms,
    messages: Messages,
    renderer: RoomRenderer,
}

from_state!(ThreadServices { files, rooms, messages, renderer });

#[derive(Deserialize)]
struct HistoryQuery {
    before: Option<i64>,
    /// The message that the composer replies to.
    reply: Option<i64>,
}

/// Shows the thread of a message. A reply leads to its place in the thread that it is in.
async fn show(
    State(services): State<ThreadServices>,
    seen: CanReadMessage,
    Query(query): Query<HistoryQuery>,
    page: Page,
) -> Result<Response, Problem> {
    if let Some(parent) = &seen.reader.room().parent {
        let (head, reply) = (parent.head.message, seen.message.id);
        return Ok(Redirect::to(&format!("/threads/{head}#m{reply}")).into_response());
    }
    let reply = query.reply.map(MessageId);
    let shown = RoomPageInput { before: query.before, reply, ..RoomPageInput::default() };
    services.render(&seen, page, shown).await
}

impl ThreadServices {
    async fn thread(&self, seen: &CanReadMessage) -> Result<Option<Reader>, Problem> {
        match self.rooms.thread_of(seen.message.id).await? {
            Some(thread) => Ok(Some(self.rooms.reader(seen.reader.user(), thread).await?)),
            None => Ok(None),
        }
    }

    async fn render(
        &self,
        seen: &CanReadMessage,
        page: Page,
        shown: RoomPageInput,
    ) -> Result<Response, Problem> {
        match self.thread(seen).await? {
            Some(thread) => self.renderer.render(&thread, page, shown).await,
            None => self.renderer.render_new_thread(&seen.reader, &seen.message, page, shown).await,
        }
    }

    /// Stores the reply, the first of which creates the thread. Of the commands only `/me` has a meaning here.
    async fn reply(&self, seen: &CanReadMessage, form: &PostForm) -> Result<(), Problem> {
        let typed =
            if form.literal { Typed::Text(form.body.clone()) } else { commands::parse(&form.body) };
        let (kind, body) = match typed {
            Typed::Text(body) => (Kind::Text, body),
            Typed::Command(Command::Me(body)) => (Kind::Action, body),
            _ => return Err(FieldError::new("body", "thread-no-command").into()),
        };
        let member = self.rooms.member_of(seen.reader.access()).await?;
        let reply = form.message(body);
        let head = seen.message.id;
        let posted = post_reply(&self.messages, &member, head, &reply, kind).await?;
        let (user, received) = (seen.reader.user().id, &form.received);
        form_files::discard_unused(&self.files, user, received, &posted.message).await;
        Ok(())
    }
}

async fn create(
    State(services): State<ThreadServices>,
    seen: CanReadMessage,
    page: Page,
    form: ComposerForm,
) -> Result<Response, Problem> {
    let user = seen.reader.user().id;
    let (form, refused_file) = form.keep(&services.files, user).await;
    form.kept().check_author(user)?;
    let preview = preview::asked(&services.messages, &services.files, user, &form).await?;
    if let Some(shown) = preview {
        return services.render(&seen, page, shown).await;
    }
    let result = match refused_file {
        Some(problem) => Err(problem),
        None => services.reply(&seen, &form).await,
    };
    let Err(problem) = result else { return Ok(to_thread(&seen.message)) };
    let files = form_files::kept(&services.files, user, &form.files).await?;
    let Some(shown) = refused(form, &problem, page.t) else { return Err(problem) };
    let shown = RoomPageInput { files, ..shown };
    let page = services.render(&seen, page, shown).await?;
    Ok(wait(again(problem.status, page), problem.retry_after))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FollowForm {
    follow: bool,
}

/// Follows the thread, or stops following it. Both change nothing if that is so already.
async fn follow(
    State(services): State<ThreadServices>,
    seen: CanReadMessage,
    FormBody(form): FormBody<FollowForm>,
) -> Result<Response, Problem> {
    let thread = services.thread(&seen).await?.ok_or_else(Problem::not_found)?;
    if form.follow {
        services.rooms.join(&thread).await?;
    } else {
        match services.rooms.leave(&thread).await {
            Ok(()) | Err(RoomError::NoMember) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(to_thread(&seen.message))
}

fn to_thread(head: &Message) -> Response {
    Redirect::to(&format!("/threads/{}", head.id)).into_response()
}
