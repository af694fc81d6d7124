//! The composer of a direct message.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};

use crate::chat::accounts::model::User;
use crate::chat::messages::model::{Kind, MessageBody};
use crate::http::rate_limit::open_direct;
use crate::http::response::problem;
use crate::http::{AppState, FormBody, MessageForm, Problem, Viewer};
use crate::pages::composer::post_form::{PostForm, post_message};
use crate::pages::layout::page::{Page, again, to_room};
use crate::pages::layout::rate_limited::wait;
use crate::pages::rooms::show::{RoomPageInput, new_direct_page};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/direct/{name}", get(show)).route("/direct/{name}/messages", post(create))
}

async fn show(
    State(state): State<AppState>,
    Viewer(me): Viewer,
    Path(name): Path<String>,
    page: Page,
) -> Result<Response, Problem> {
    let other = find_user(&state, &name).await?;
    match state.rooms.find_direct(&me.user, &other).await? {
        Some(room) => Ok(to_room(room)),
        None => new_direct_page(&state, &me.user, &other, page, RoomPageInput::default()).await,
    }
}

/// The first message creates the direct message room.
async fn create(
    State(state): State<AppState>,
    Viewer(me): Viewer,
    Path(name): Path<String>,
    page: Page,
    FormBody(form): MessageForm<PostForm>,
) -> Result<Response, Problem> {
    form.kept().check_author(me.user.id)?;
    let other = find_user(&state, &name).await?;
    if let Err(error) = MessageBody::parse(&form.body) {
        let error = Some(page.t.complain(error));
        let shown = RoomPageInput { draft: form.body, error, ..RoomPageInput::default() };
        let page = new_direct_page(&state, &me.user, &other, page, shown).await?;
        return Ok(again(StatusCode::UNPROCESSABLE_ENTITY, page));
    }
    let member = match open_direct(&state, &me.user, &other).await {
        Ok(member) => member,
        Err(problem) if problem.status == StatusCode::TOO_MANY_REQUESTS => {
            let error = Some(page.t.say(problem::message_keys(&problem).1));
            let shown = RoomPageInput { draft: form.body, error, ..RoomPageInput::default() };
            let page = new_direct_page(&state, &me.user, &other, page, shown).await?;
            return Ok(wait(again(problem.status, page), problem.retry_after));
        }
        Err(problem) => return Err(problem),
    };
    post_message(&state, &member, &form, Kind::Text).await?;
    Ok(to_room(member.room()))
}

async fn find_user(state: &AppState, name: &str) -> Result<User, Problem> {
    state.accounts.find(name).await?.ok_or_else(Problem::not_found)
}
