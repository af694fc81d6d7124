//! Who asks, and what they may do: extractors that prove it. A handler that takes a [`CanRead`]
//! cannot be reached without the right to read.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OptionalFromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::chat::accounts::model::{Admin, Authenticated, BearerSecret};
use crate::chat::messages::model::{Author, Deleter, Message};
use crate::chat::rooms::AccessError;
use crate::chat::rooms::model::{DeletedRoom, Member, Moderator, Owner, Reader, RoomAdmin};
use crate::http::{AppState, ClientInfo, PathId, Problem, cookies};
use crate::kernel::{MessageId, RoomId};

/// Somebody signed in. Without: 401, which pages turn into the sign-in form.
#[derive(Clone, Debug)]
pub struct Viewer(pub Authenticated);

impl<S: Sync> FromRequestParts<S> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::signed_out)
    }
}

/// Who asks, and for which room or message by the path.
async fn asked(parts: &mut Parts, site: &AppState) -> Result<(Authenticated, i64), Problem> {
    let Viewer(signed_in) =
        <Viewer as FromRequestParts<AppState>>::from_request_parts(parts, site).await?;
    let PathId(id) = PathId::from_request_parts(parts, site).await?;
    Ok((signed_in, id))
}

/// For pages that greet strangers too.
impl<S: Sync> OptionalFromRequestParts<S> for Viewer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

/// The right to administer. For others: 403.
pub struct CanAdminister(pub Admin);

impl FromRequestParts<AppState> for CanAdminister {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &AppState) -> Result<Self, Problem> {
        let Viewer(signed_in) =
            <Viewer as FromRequestParts<AppState>>::from_request_parts(parts, site).await?;
        let admin = site.accounts.admin(&signed_in).map(Self);
        admin.ok_or_else(|| Problem::with_detail(StatusCode::FORBIDDEN, "not-an-administrator"))
    }
}

/// Recognises a browser by its cookie.
pub async fn by_cookie(
    State(site): State<AppState>,
    client: ClientInfo,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(secret) = cookies::session(request.headers(), client) {
        match site.accounts.by_session(&secret).await {
            Ok(Some(signed_in)) => drop(request.extensions_mut().insert(Viewer(signed_in))),
            Ok(None) => {}
            Err(fault) => return Problem::from(fault).into_response(),
        }
    }
    next.run(request).await
}

/// Recognises a program by its token (RFC 6750).
pub async fn by_token(State(site): State<AppState>, mut request: Request, next: Next) -> Response {
    if let Some(secret) = bearer(&request) {
        match site.accounts.by_token(&secret).await {
            Ok(Some(signed_in)) => drop(request.extensions_mut().insert(Viewer(signed_in))),
            Ok(None) => {}
            Err(fault) => return Problem::from(fault).into_response(),
        }
    }
    next.run(request).await
}

/// The token that a request carries.
pub(in crate::http) fn bearer(request: &Request) -> Option<BearerSecret> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| BearerSecret::new(token.trim()))
}

/// The right to read the room in the path.
pub struct CanRead(pub Reader);

impl FromRequestParts<AppState> for CanRead {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &AppState) -> Result<Self, Problem> {
        let (signed_in, room) = asked(parts, site).await?;
        Ok(Self(site.rooms.reader(&signed_in.person, RoomId(room)).await?))
    }
}

/// The right to post in the room in the path. Changes nothing: who is no member of a public room yet
/// becomes one with what they post.
pub struct CanPost(pub Member);

impl FromRequestParts<AppState> for CanPost {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &AppState) -> Result<Self, Problem> {
        let (signed_in, room) = asked(parts, site).await?;
        Ok(Self(site.rooms.member(&signed_in.person, RoomId(room)).await?))
    }
}

/// The right to change the room in the path.
pub struct CanChange(pub Owner);

impl FromRequestParts<AppState> for CanChange {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &AppState) -> Result<Self, Problem> {
        let (signed_in, room) = asked(parts, site).await?;
        Ok(Self(site.rooms.owner(&signed_in.person, RoomId(room)).await?))
    }
}

/// The right to remove members of the room in the path.
pub struct CanModerate(pub Moderator);

impl FromRequestParts<AppState> for CanModerate {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &AppState) -> Result<Self, Problem> {
        let (signed_in, room) = asked(parts, site).await?;
        let moderator = site.rooms.moderator(&signed_in.person, RoomId(room)).await;
        moderator.map(Self).map_err(|error| match error {
            AccessError::Forbidden => {
                Problem::with_detail(StatusCode::FORBIDDEN, "moderators-only")
            }
            error => error.into(),
        })
    }
}

/// The right to delete the room in the path.
pub struct CanDeleteRoom(pub RoomAdmin);

impl FromRequestParts<AppState> for CanDeleteRoom {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &AppState) -> Result<Self, Problem> {
        let (signed_in, room) = asked(parts, site).await?;
        Ok(Self(site.rooms.room_admin(&signed_in.person, RoomId(room)).await?))
    }
}

/// The deleted room in the path, with the right to restore it. For others: 404.
pub struct CanRestore(pub DeletedRoom);

impl FromRequestParts<AppState> for CanRestore {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &AppState) -> Result<Self, Problem> {
        let (signed_in, room) = asked(parts, site).await?;
        Ok(Self(site.rooms.deleted(&signed_in.person, RoomId(room)).await?))
    }
}

/// The message in the path, with the right to read the room that it is in.
pub struct CanReadMessage {
    pub reader: Reader,
    pub message: Message,
}

impl FromRequestParts<AppState> for CanReadMessage {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &AppState) -> Result<Self, Problem> {
        let (signed_in, id) = asked(parts, site).await?;
        let room = site.messages.room_of(MessageId(id)).await?.ok_or_else(Problem::not_found)?;
        let reader = site.rooms.reader(&signed_in.person, room).await?;
        let message = site.messages.find(&reader, MessageId(id)).await?;
        Ok(Self { message: message.ok_or_else(Problem::not_found)?, reader })
    }
}

/// The right to edit the message in the path.
pub struct CanEdit(pub Author);

impl FromRequestParts<AppState> for CanEdit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &AppState) -> Result<Self, Problem> {
        let CanReadMessage { reader, message } =
            CanReadMessage::from_request_parts(parts, site).await?;
        let member = site.rooms.member_of(reader).await?;
        Ok(Self(site.messages.author(&member, message.id).await?))
    }
}

/// The right to delete the message in the path.
pub struct CanDelete(pub Deleter);

impl FromRequestParts<AppState> for CanDelete {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &AppState) -> Result<Self, Problem> {
        let CanReadMessage { reader, message } =
            CanReadMessage::from_request_parts(parts, site).await?;
        Ok(Self(site.messages.deleter(&reader, message.id).await?))
    }
}
