//! Authentication and authorization: extractors that prove a permission. A handler that takes a [`CanRead`]
//! cannot be reached without the permission to read.

use std::convert::Infallible;

use axum::RequestPartsExt as _;
use axum::extract::{FromRequestParts, OptionalFromRequestParts, Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::chat::accounts::Accounts;
use crate::chat::accounts::model::{Admin, Authenticated, BearerSecret};
use crate::chat::files::Files;
use crate::chat::files::model::{FileId, StoredFile};
use crate::chat::messages::Messages;
use crate::chat::messages::model::{Author, Deleter, Message};
use crate::chat::rooms::model::{DeletedRoom, Member, Moderator, Owner, Reader, RoomAdmin};
use crate::chat::rooms::{AccessError, Rooms};
use crate::http::{AppState, PathId, Problem};
use crate::kernel::{MessageId, RoomId};

/// A signed-in user. Without one: 401, which pages turn into the sign-in form.
#[derive(Clone, Debug)]
pub struct Viewer(pub Authenticated);

impl<S: Sync> FromRequestParts<S> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::signed_out)
    }
}

/// Returns the signed-in user and the `{id}` in the path.
async fn viewer_and_id(
    parts: &mut Parts,
    state: &AppState,
) -> Result<(Authenticated, i64), Problem> {
    let Viewer(signed_in) =
        <Viewer as FromRequestParts<AppState>>::from_request_parts(parts, state).await?;
    let PathId(id) = PathId::from_request_parts(parts, state).await?;
    Ok((signed_in, id))
}

/// For pages that do not require sign-in.
impl<S: Sync> OptionalFromRequestParts<S> for Viewer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

/// Proof that the user is an administrator. Otherwise: 403.
pub struct CanAdminister(pub Admin);

impl FromRequestParts<AppState> for CanAdminister {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Viewer(signed_in) =
            <Viewer as FromRequestParts<AppState>>::from_request_parts(parts, state).await?;
        let admin = state.service::<Accounts>().admin(&signed_in).map(Self);
        admin.ok_or_else(|| Problem::with_detail(StatusCode::FORBIDDEN, "not-an-administrator"))
    }
}

/// Middleware that authenticates a program by its bearer token (RFC 6750).
pub async fn by_token(
    State(accounts): State<Accounts>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(secret) = bearer(&request) {
        match accounts.by_token(&secret).await {
            Ok(Some(signed_in)) => drop(request.extensions_mut().insert(Viewer(signed_in))),
            Ok(None) => {}
            Err(error) => return Problem::from(error).into_response(),
        }
    }
    next.run(request).await
}

/// Returns the bearer token of a request.
pub(in crate::http) fn bearer(request: &Request) -> Option<BearerSecret> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| BearerSecret::new(token.trim()))
}

/// Proof that the user may read the room in the path.
pub struct CanRead(pub Reader);

impl FromRequestParts<AppState> for CanRead {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let (signed_in, room) = viewer_and_id(parts, state).await?;
        Ok(Self(state.service::<Rooms>().reader(&signed_in.user, RoomId(room)).await?))
    }
}

/// Proof that the user may post in the room in the path. The extractor writes nothing: a user who is not a
/// member of a public room joins it in the transaction of the post.
pub struct CanPost(pub Member);

impl FromRequestParts<AppState> for CanPost {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let (signed_in, room) = viewer_and_id(parts, state).await?;
        Ok(Self(state.service::<Rooms>().member(&signed_in.user, RoomId(room)).await?))
    }
}

/// Proof that the user may change the room in the path.
pub struct CanChange(pub Owner);

impl FromRequestParts<AppState> for CanChange {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let (signed_in, room) = viewer_and_id(parts, state).await?;
        Ok(Self(state.service::<Rooms>().owner(&signed_in.user, RoomId(room)).await?))
    }
}

/// Proof that the user may remove members of the room in the path.
pub struct CanModerate(pub Moderator);

impl FromRequestParts<AppState> for CanModerate {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let (signed_in, room) = viewer_and_id(parts, state).await?;
        let moderator = state.service::<Rooms>().moderator(&signed_in.user, RoomId(room)).await;
        moderator.map(Self).map_err(|error| match error {
            AccessError::Forbidden => {
                Problem::with_detail(StatusCode::FORBIDDEN, "moderators-only")
            }
            error => error.into(),
        })
    }
}

/// Proof that the user may delete the room in the path.
pub struct CanDeleteRoom(pub RoomAdmin);

impl FromRequestParts<AppState> for CanDeleteRoom {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let (signed_in, room) = viewer_and_id(parts, state).await?;
        Ok(Self(state.service::<Rooms>().room_admin(&signed_in.user, RoomId(room)).await?))
    }
}

/// Proof that the user may restore the deleted room in the path. Otherwise: 404.
pub struct CanRestore(pub DeletedRoom);

impl FromRequestParts<AppState> for CanRestore {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let (signed_in, room) = viewer_and_id(parts, state).await?;
        Ok(Self(state.service::<Rooms>().deleted(&signed_in.user, RoomId(room)).await?))
    }
}

/// The message in the path, with the proof that the user may read its room.
pub struct CanReadMessage {
    pub reader: Reader,
    pub message: Message,
}

impl FromRequestParts<AppState> for CanReadMessage {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let (signed_in, id) = viewer_and_id(parts, state).await?;
        let id = MessageId(id);
        let reader = state.service::<Rooms>().reader_of_message(&signed_in.user, id).await?;
        let message = state.service::<Messages>().find(&reader, id).await?;
        Ok(Self { message: message.ok_or_else(Problem::not_found)?, reader })
    }
}

/// The file in the path, with the proof that the user may read its message.
pub struct CanReadFile {
    pub reader: Reader,
    pub file: StoredFile,
}

#[derive(Deserialize)]
struct FilePath {
    file: String,
}

impl FromRequestParts<AppState> for CanReadFile {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let (signed_in, message) = viewer_and_id(parts, state).await?;
        let path = parts.extract::<Path<FilePath>>().await;
        let file = path.ok().and_then(|Path(path)| FileId::parse(&path.file));
        let (message, file) = (MessageId(message), file.ok_or_else(Problem::not_found)?);
        let rooms: Rooms = state.service();
        let reader = rooms.reader_of_message(&signed_in.user, message).await?;
        let file = state.service::<Files>().posted(&reader, message, &file).await?;
        Ok(Self { file: file.ok_or_else(Problem::not_found)?, reader })
    }
}

/// Proof that the user may edit the message in the path.
pub struct CanEdit(pub Author);

impl FromRequestParts<AppState> for CanEdit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let CanReadMessage { reader, message } =
            CanReadMessage::from_request_parts(parts, state).await?;
        let member = state.service::<Rooms>().member_of(reader.access()).await?;
        Ok(Self(state.service::<Messages>().author(&member, message.id).await?))
    }
}

/// Proof that the user may post in the room of the message in the path, and so pin the message and unpin it.
pub struct CanPin(pub Member, pub MessageId);

impl FromRequestParts<AppState> for CanPin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let CanReadMessage { reader, message } =
            CanReadMessage::from_request_parts(parts, state).await?;
        Ok(Self(state.service::<Rooms>().member_of(reader.access()).await?, message.id))
    }
}

/// Proof that the user may delete the message in the path.
pub struct CanDelete(pub Deleter);

impl FromRequestParts<AppState> for CanDelete {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let CanReadMessage { reader, message } =
            CanReadMessage::from_request_parts(parts, state).await?;
        Ok(Self(state.service::<Messages>().deleter(&reader, message.id).await?))
    }
}
