//! Joining a room by what others told of it: a code, a link, or just its name.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;

use crate::chat::accounts::model::User;
use crate::chat::commands::{nearest, only_like};
use crate::chat::rooms::AccessError;
use crate::chat::rooms::model::{Member, Room, Visibility};
use crate::http::{AppState, FormBody, Problem, Viewer};
use crate::pages::layout::form_state::FormState;
use crate::pages::layout::page::to_room;
use crate::pages::layout::page::{Page, again, html};
use crate::pages::rooms::index::directory;
use crate::text::names::fold;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .route("/join", post(join_wanted))
        .route("/join/{code}", get(show_invitation).post(accept_invitation))
}

/// What comes of wanting to go to a room.
pub(in crate::pages) enum JoinTarget {
    Joined(Member),
    /// They were removed from it.
    Removed,
    /// There is none; the names of those that come near and may be seen, at most three.
    Near(Vec<String>),
}

/// The room that has this code or, in any case, this name, also as other keyboards write it.
pub(in crate::pages) async fn join(
    site: &AppState,
    me: &User,
    wanted: &str,
) -> Result<JoinTarget, Problem> {
    match site.rooms.join_by_code(me, wanted).await {
        Ok(member) => return Ok(JoinTarget::Joined(member)),
        Err(AccessError::Removed) => return Ok(JoinTarget::Removed),
        Err(AccessError::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    let rooms = named(site, me).await?;
    let same = rooms.iter().find(|room| fold(&room.name) == fold(wanted));
    if let Some(room) = same.or_else(|| only_like(wanted, &rooms, |room| &room.name)) {
        let reader = site.rooms.reader(me, room.id).await?;
        return match site.rooms.join(&reader).await {
            Ok(member) => Ok(JoinTarget::Joined(member)),
            Err(AccessError::Removed) => Ok(JoinTarget::Removed),
            Err(error) => Err(error.into()),
        };
    }
    Ok(JoinTarget::Near(near(wanted, rooms)))
}

/// The rooms that one may see, conversations left out.
async fn named(site: &AppState, me: &User) -> Result<Vec<Room>, Problem> {
    let mut rooms = site.rooms.list(me).await?;
    rooms.retain(|room| room.visibility != Visibility::Direct);
    Ok(rooms)
}

fn near(wanted: &str, rooms: Vec<Room>) -> Vec<String> {
    nearest(wanted, rooms.into_iter(), |room| &room.name)
        .into_iter()
        .map(|room| room.name)
        .collect()
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CodeForm {
    code: String,
}

async fn join_wanted(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    page: Page,
    FormBody(typed): FormBody<CodeForm>,
) -> Result<Response, Problem> {
    match join(&site, &me.person, &typed.code).await? {
        JoinTarget::Joined(member) => Ok(to_room(member.room())),
        JoinTarget::Removed => {
            let why = page.t.say("room-removed").to_owned();
            refused(&site, &me.person, page, &typed.code, (StatusCode::FORBIDDEN, why)).await
        }
        JoinTarget::Near(names) => miss(&site, &me.person, page, &typed.code, &names).await,
    }
}

/// The form, with what was typed and what may have been meant.
async fn miss(
    site: &AppState,
    me: &User,
    page: Page,
    typed: &str,
    near: &[String],
) -> Result<Response, Problem> {
    let mut text = page.t.say("code-unknown").to_owned();
    if !near.is_empty() {
        text = format!("{text} {}", page.t.name("did-you-mean", near.join(", ")));
    }
    refused(site, me, page, typed, (StatusCode::NOT_FOUND, text)).await
}

async fn refused(
    site: &AppState,
    me: &User,
    mut page: Page,
    typed: &str,
    (status, why): (StatusCode, String),
) -> Result<Response, Problem> {
    page.set_path("/rooms".to_owned());
    let form = FormState::default().with("code", typed).with_error("code", why);
    let shown = directory(site, me, page, FormState::default(), form).await?;
    Ok(again(status, shown))
}

#[derive(Template)]
#[template(path = "rooms/join.html")]
struct InvitationPage {
    page: Page,
    room: Room,
    code: String,
}

async fn show_invitation(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    page: Page,
    Path(code): Path<String>,
) -> Result<Response, Problem> {
    match site.rooms.by_code(&me.person, &code).await {
        Ok(room) if room.is_member() => Ok(to_room(room.id)),
        Ok(room) => Ok(html(&InvitationPage { page, room, code })),
        Err(AccessError::NotFound) => {
            let near = near(&code, named(&site, &me.person).await?);
            miss(&site, &me.person, page, &code, &near).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn accept_invitation(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    Path(code): Path<String>,
) -> Result<Response, Problem> {
    let member = site.rooms.join_by_code(&me.person, &code).await?;
    Ok(to_room(member.room()))
}
