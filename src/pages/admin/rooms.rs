//! Every room for administrators, also private ones: what it is called, whose it is, how large it is;
//! with the forms to rename and to delete it. Not what is said in it, and no direct conversations.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use crate::chat::accounts::model::User;
use crate::chat::rooms::RoomError;
use crate::chat::rooms::model::{RoomName, RoomSummary, Visibility};
use crate::http::request::auth::CanAdminister;
use crate::http::{AppState, FormBody, Language, PathId, Problem, Viewer};
use crate::kernel::{FieldError, RoomId};
use crate::pages::layout::page::{Page, again, html};
use crate::pages::layout::sidebar::{Sidebar, sidebar};
use crate::pages::rooms::deleted::delete;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .route("/admin/rooms", get(index))
        .route("/admin/rooms/{id}/name", post(rename))
        .route("/admin/rooms/{id}/delete", post(destroy))
}

#[derive(Template)]
#[template(path = "admin/rooms.html")]
struct RoomsPage {
    page: Page,
    side: Sidebar,
    rooms: Vec<RoomRow>,
    saved: bool,
}

struct RoomRow {
    id: i64,
    name: String,
    icon: &'static str,
    lobby: bool,
    deleted: bool,
    /// As "3 members · 12 messages · owner: Ana".
    facts: String,
    /// What the form to rename it shows, and why it came back.
    typed: String,
    error: Option<&'static str>,
}

impl RoomRow {
    fn new(room: RoomSummary, t: Language) -> Self {
        let count = |number: i64| usize::try_from(number).unwrap_or_default();
        let mut facts = vec![
            t.count("people-button", count(room.members)),
            t.count("message-count", count(room.messages)),
        ];
        let owner = room.owner.map(|(handle, name)| format!("{name} (@{handle})"));
        facts.extend(owner.map(|owner| t.name("owned-by", owner)));
        Self {
            id: room.id.0,
            icon: if room.visibility == Visibility::Public { "hash" } else { "lock" },
            lobby: room.lobby,
            deleted: room.deleted_at.is_some(),
            facts: facts.join(" · "),
            typed: room.name.clone(),
            name: room.name,
            error: None,
        }
    }
}

async fn index(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    admin: CanAdminister,
    page: Page,
) -> Result<Response, Problem> {
    list(&site, &me.person, &admin, page, None).await
}

async fn list(
    site: &AppState,
    me: &User,
    CanAdminister(admin): &CanAdminister,
    mut page: Page,
    failed: Option<(RoomId, String, FieldError)>,
) -> Result<Response, Problem> {
    page.set_path("/admin/rooms".to_owned());
    let rooms = site.rooms.summaries(admin).await?.into_iter();
    let mut rooms: Vec<RoomRow> = rooms.map(|room| RoomRow::new(room, page.t)).collect();
    if let Some((id, typed, invalid)) = failed
        && let Some(row) = rooms.iter_mut().find(|row| row.id == id.0)
    {
        (row.typed, row.error) = (typed, Some(page.t.complain(invalid)));
    }
    let side = sidebar(site, me, None, &page).await?;
    Ok(html(&RoomsPage { side, rooms, saved: page.asks("saved"), page }))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NameForm {
    name: String,
}

async fn rename(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    admin: CanAdminister,
    PathId(id): PathId,
    page: Page,
    FormBody(form): FormBody<NameForm>,
) -> Result<Response, Problem> {
    let right = site.rooms.any_room_admin(&admin.0, &me.person, RoomId(id)).await?;
    let renamed = match RoomName::parse(&form.name) {
        Ok(name) => match site.rooms.rename(&right, &name).await {
            Ok(()) => Ok(()),
            Err(RoomError::NameTaken) => {
                Err((StatusCode::CONFLICT, FieldError::new("name", "room-name-taken")))
            }
            Err(error) => return Err(error.into()),
        },
        Err(invalid) => Err((StatusCode::UNPROCESSABLE_ENTITY, invalid)),
    };
    match renamed {
        Ok(()) => Ok(Redirect::to("/admin/rooms?saved=1").into_response()),
        Err((status, invalid)) => {
            let failed = Some((RoomId(id), form.name, invalid));
            Ok(again(status, list(&site, &me.person, &admin, page, failed).await?))
        }
    }
}

async fn destroy(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    CanAdminister(admin): CanAdminister,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    let right = site.rooms.any_room_admin(&admin, &me.person, RoomId(id)).await?;
    delete(&site, &right).await
}
