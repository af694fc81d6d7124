//! Joining a room by its code, link or name.

use askama::Template;
use axum::Router;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use crate::chat::accounts::model::User;
use crate::chat::commands::{nearest, only_like};
use crate::chat::rooms::model::{Code, Member, Room};
use crate::chat::rooms::{AccessError, Rooms};
use crate::http::rate_limit::RateLimiter;
use crate::http::sessions::BrowserSession;
use crate::http::{AppState, ClientInfo, FormBody, Problem, Viewer};
use crate::pages::layout::form_state::FormState;
use crate::pages::layout::list::ListQuery;
use crate::pages::layout::page::{Page, again, html, to_room};
use crate::pages::rooms::index::{DirectoryRenderer, RoomForms};
use crate::text::names::fold;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .route("/join", post(join_by_form))
        .route("/join/{code}", get(show_invitation).post(accept_invitation))
}

/// The result of an attempt to join a room.
pub(in crate::pages) enum JoinTarget {
    Joined(Member),
    /// The user was removed from the room.
    Removed,
    /// There is no such room. Up to three similar names of rooms that the user can see.
    Near(Vec<String>),
}

/// Joins the room with this code or this name. Names match without regard to case and accents.
pub(in crate::pages) async fn join(
    rooms: &Rooms,
    me: &User,
    code_or_name: &str,
) -> Result<JoinTarget, Problem> {
    match rooms.join_by_code(me, code_or_name).await {
        Ok(member) => return Ok(JoinTarget::Joined(member)),
        Err(AccessError::Removed) => return Ok(JoinTarget::Removed),
        Err(AccessError::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    let visible = visible_rooms(rooms, me).await?;
    let same = visible.iter().find(|room| fold(&room.name) == fold(code_or_name));
    if let Some(room) = same.or_else(|| only_like(code_or_name, &visible, |room| &room.name)) {
        let reader = rooms.reader(me, room.id).await?;
        return match rooms.join(&reader).await {
            Ok(member) => Ok(JoinTarget::Joined(member)),
            Err(AccessError::Removed) => Ok(JoinTarget::Removed),
            Err(error) => Err(error.into()),
        };
    }
    Ok(JoinTarget::Near(near(code_or_name, visible)))
}

/// The rooms that the user can see, without direct messages and groups.
async fn visible_rooms(rooms: &Rooms, me: &User) -> Result<Vec<Room>, Problem> {
    let mut rooms = rooms.list(me).await?;
    rooms.retain(|room| !room.visibility.has_fixed_members());
    Ok(rooms)
}

fn near(code_or_name: &str, rooms: Vec<Room>) -> Vec<String> {
    nearest(code_or_name, rooms.into_iter(), |room| &room.name)
        .into_iter()
        .map(|room| room.name)
        .collect()
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CodeForm {
    code: String,
}

async fn join_by_form(
    State(rooms): State<Rooms>,
    State(renderer): State<DirectoryRenderer>,
    Viewer(me): Viewer,
    page: Page,
    FormBody(typed): FormBody<CodeForm>,
) -> Result<Response, Problem> {
    match join(&rooms, &me.user, &typed.code).await? {
        JoinTarget::Joined(member) => Ok(to_room(member.room())),
        JoinTarget::Removed => {
            let reason = page.t.text("room-removed").to_owned();
            refused(&renderer, &me.user, page, &typed.code, (StatusCode::FORBIDDEN, reason)).await
        }
        JoinTarget::Near(names) => miss(&renderer, &me.user, page, &typed.code, &names).await,
    }
}

/// The form with the entered text and suggestions.
async fn miss(
    renderer: &DirectoryRenderer,
    me: &User,
    page: Page,
    typed: &str,
    near: &[String],
) -> Result<Response, Problem> {
    let mut text = page.t.text("code-unknown").to_owned();
    if !near.is_empty() {
        text = format!("{text} {}", page.t.name("did-you-mean", near.join(", ")));
    }
    refused(renderer, me, page, typed, (StatusCode::NOT_FOUND, text)).await
}

async fn refused(
    renderer: &DirectoryRenderer,
    me: &User,
    mut page: Page,
    typed: &str,
    (status, reason): (StatusCode, String),
) -> Result<Response, Problem> {
    page.set_path("/rooms".to_owned());
    let code = FormState::default().with("code", typed).with_error("code", reason);
    let forms = RoomForms { code, ..RoomForms::default() };
    let shown = renderer.render(me, page, &ListQuery::default(), forms).await?;
    Ok(again(status, shown))
}

#[derive(Template)]
#[template(path = "rooms/join.html")]
struct InvitationPage {
    page: Page,
    room: Room,
    code: String,
}

/// A client who may be signed out.
struct Visitor {
    client: ClientInfo,
    rate_limiter: RateLimiter,
    session: BrowserSession,
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Ok(client) = ClientInfo::from_request_parts(parts, state).await;
        let session = BrowserSession::from_request_parts(parts, state).await?;
        Ok(Self { client, rate_limiter: state.service(), session })
    }
}

impl Visitor {
    /// Keeps the invitation in the session, so that it is followed after any way to sign in. Does not say
    /// whether the code is valid. What is not kept is in the address of the sign-in page, like other pages.
    async fn sign_in_first(&self, code: &str) -> Result<Response, Problem> {
        let code = Code::parse(code).ok_or_else(Problem::signed_out)?;
        self.rate_limiter.invitation(self.client).await.map_err(|problem| {
            match problem.status {
                StatusCode::TOO_MANY_REQUESTS => Problem::signed_out(),
                _ => problem,
            }
        })?;
        self.session.keep_invitation(code.as_str()).await?;
        Ok(Redirect::to("/login").into_response())
    }
}

async fn show_invitation(
    State(rooms): State<Rooms>,
    State(renderer): State<DirectoryRenderer>,
    visitor: Visitor,
    viewer: Option<Viewer>,
    page: Page,
    Path(code): Path<String>,
) -> Result<Response, Problem> {
    let Some(Viewer(me)) = viewer else {
        return visitor.sign_in_first(&code).await;
    };
    match rooms.by_code(&me.user, &code).await {
        Ok(room) if room.is_member() => Ok(to_room(room.id)),
        Ok(room) => Ok(html(&InvitationPage { page, room, code })),
        Err(AccessError::NotFound) => {
            let near = near(&code, visible_rooms(&rooms, &me.user).await?);
            miss(&renderer, &me.user, page, &code, &near).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn accept_invitation(
    State(rooms): State<Rooms>,
    Viewer(me): Viewer,
    Path(code): Path<String>,
) -> Result<Response, Problem> {
    let member = rooms.join_by_code(&me.user, &code).await?;
    Ok(to_room(member.room()))
}
