//! The composer of a direct message.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};

use crate::chat::accounts::Accounts;
use crate::chat::accounts::model::User;
use crate::chat::messages::model::{Kind, MessageBody};
use crate::chat::rooms::Rooms;
use crate::chat::rooms::model::FixedMembers;
use crate::http::rate_limit::open_fixed;
use crate::http::{AppState, Problem, Viewer};
use crate::pages::composer::ComposerServices;
use crate::pages::composer::form_files::{self, ComposerForm};
use crate::pages::composer::post::refused;
use crate::pages::composer::post_form::post_message;
use crate::pages::composer::preview;
use crate::pages::layout::page::{Page, again, to_room};
use crate::pages::layout::rate_limited::wait;
use crate::pages::rooms::show::{RoomPageInput, RoomRenderer};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/direct/{name}", get(show)).route("/direct/{name}/messages", post(create))
}

async fn show(
    State(renderer): State<RoomRenderer>,
    State(accounts): State<Accounts>,
    State(rooms): State<Rooms>,
    Viewer(me): Viewer,
    Path(name): Path<String>,
    page: Page,
) -> Result<Response, Problem> {
    let other = find_user(&accounts, &name).await?;
    match rooms.find_fixed(&FixedMembers::pair(me.user.id, other.id)).await? {
        Some(room) => Ok(to_room(room)),
        None => renderer.render_new_direct(&me.user, &other, page, RoomPageInput::default()).await,
    }
}

/// The first message creates the direct message room.
async fn create(
    State(services): State<ComposerServices>,
    State(renderer): State<RoomRenderer>,
    Viewer(me): Viewer,
    Path(name): Path<String>,
    page: Page,
    form: ComposerForm,
) -> Result<Response, Problem> {
    let (form, refused_file) = form.keep(&services.files, me.user.id).await;
    form.kept().check_author(me.user.id)?;
    let other = find_user(&services.accounts, &name).await?;
    if let Some(problem) = refused_file {
        let Some(shown) = refused(form, &problem, page.t) else { return Err(problem) };
        let page = renderer.render_new_direct(&me.user, &other, page, shown).await?;
        return Ok(wait(again(problem.status, page), problem.retry_after));
    }
    if let Some(shown) =
        preview::asked(&services.messages, &services.files, me.user.id, &form).await?
    {
        return renderer.render_new_direct(&me.user, &other, page, shown).await;
    }
    let files = form_files::kept(&services.files, me.user.id, &form.files).await?;
    if let Err(error) = MessageBody::parse_beside(&form.body, !form.files.is_empty()) {
        let (draft, error) = (form.body, Some(page.t.error_text(error).to_owned()));
        let shown = RoomPageInput { draft, error, files, ..RoomPageInput::default() };
        let page = renderer.render_new_direct(&me.user, &other, page, shown).await?;
        return Ok(again(StatusCode::UNPROCESSABLE_ENTITY, page));
    }
    let both = FixedMembers::pair(me.user.id, other.id);
    let member = match open_fixed(&services.rooms, &services.rate_limiter, &me.user, &both).await {
        Ok(member) => member,
        Err(problem) if problem.status == StatusCode::TOO_MANY_REQUESTS => {
            let (draft, error) = (form.body, Some(problem.explanation(page.t)));
            let shown = RoomPageInput { draft, error, files, ..RoomPageInput::default() };
            let page = renderer.render_new_direct(&me.user, &other, page, shown).await?;
            return Ok(wait(again(problem.status, page), problem.retry_after));
        }
        Err(problem) => return Err(problem),
    };
    let posted = post_message(&services.messages, &member, &form, Kind::Text).await?;
    let (user, received) = (me.user.id, &form.received);
    form_files::discard_unused(&services.files, user, received, &posted.message).await;
    Ok(to_room(member.room()))
}

async fn find_user(accounts: &Accounts, name: &str) -> Result<User, Problem> {
    accounts.find(name).await?.ok_or_else(Problem::not_found)
}
