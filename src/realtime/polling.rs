//! Polling over plain HTTP, for pages whose WebSocket does not get through. Returns the same frames: the
//! state of the user's rooms, and all changes of the room on screen since a `rev`, in order.
//!
//! A page polls every few seconds. The request is a POST because it also moves the read marker.

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;

use super::ChatServices;
use super::personal::PersonalFrames;
use super::protocol::{self, HTML_PROTOCOL, RoomState, ServerFrame, encoding_of};
use super::room_subscriptions::closed;
use crate::api::schemas::{Counts, UserShape};
use crate::chat::accounts::model::Authenticated;
use crate::chat::rooms::AccessError;
use crate::chat::rooms::model::{Access, Reader};
use crate::chat::sync::model::MissedChange;
use crate::http::admission::Admission;
use crate::http::{AppState, ClientInfo, FormBody, Language, Problem, Viewer};
use crate::kernel::{MessageId, Rev, RoomId, Seq, Timestamp};
use crate::limits::connection::CHUNK;
use crate::pubsub::Encoding;

/// Mounted next to the pages: a request needs a session cookie and the origin of a page.
pub fn router() -> Router<AppState> {
    Router::new().route("/live", post(create))
}

#[derive(Deserialize)]
struct Poll {
    /// The room on screen. Without it, the response covers only the state outside a room.
    room: Option<RoomId>,
    since_rev: Option<Rev>,
    /// The id of the message at `since_rev`. If another message has this `rev`, the history was replaced.
    since_id: Option<MessageId>,
    /// The server time up to which the page knows users and rooms.
    since: Option<Timestamp>,
    /// The read marker.
    read: Option<Seq>,
}

async fn create(
    State(services): State<ChatServices>,
    State(admission): State<Admission>,
    Viewer(me): Viewer,
    client: ClientInfo,
    t: Language,
    FormBody(poll): FormBody<Poll>,
) -> Result<Response, Problem> {
    let encoding = encoding_of(Some(HTML_PROTOCOL), t);
    let reply = Reply { services: &services, me: &me, encoding };
    services.presence.touch(me.user.id);
    let place = admission.place(client)?;
    services.rooms.settle_reads(me.user.id).await;
    let turn = admission.turn_of(&place).await?;
    let shown = match poll.room {
        Some(room) => Some((room, reply.reader(room).await?)),
        None => None,
    };
    // It would be held while the disk syncs.
    drop(turn);
    // Before the unread counts are read, so that they include the new marker.
    if let (Some((_, Some(reader))), Some(seq)) = (&shown, poll.read) {
        services.rooms.mark_read(reader, seq).await?;
    }
    let _turn = admission.turn_of(&place).await?;
    let mut frames = reply.installation(poll.since).await?;
    match shown {
        Some((_, Some(reader))) => {
            frames.extend(reply.changes(&reader.access(), poll.since_rev, poll.since_id).await?);
        }
        Some((room, None)) => frames.push(closed(&services, &me.user, room).await?),
        None => {}
    }
    let body = [b"[", frames.join(&b","[..]).as_slice(), b"]"].concat();
    Ok(([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], body).into_response())
}

/// Builds the frames of one response.
struct Reply<'a> {
    services: &'a ChatServices,
    me: &'a Authenticated,
    encoding: Encoding,
}

impl Reply<'_> {
    /// Returns the frames that a live connection starts with: `ready`, missed changes, online users.
    async fn installation(&self, since: Option<Timestamp>) -> Result<Vec<Vec<u8>>, Problem> {
        let Self { services, encoding, me: Authenticated { user: me, .. } } = self;
        let now = services.clock.now();
        let at = now.rfc3339();
        let greeting = services.sync.greeting(self.me, since).await?;
        if !greeting.is_valid {
            return Err(Problem::signed_out());
        }
        let rooms = greeting.rooms.into_iter().map(RoomState::from).collect();
        let epoch = &services.sync.epoch();
        let mut frames =
            vec![ServerFrame::Ready { me: UserShape::new(me, true, now), epoch, at, rooms }.text()];
        let Some(missed) = greeting.missed else {
            frames.push(ServerFrame::Resync { room: None, reset: false }.text());
            return Ok(frames);
        };
        let mut personal = PersonalFrames::new(services, me);
        for change in missed {
            frames.push(match change {
                MissedChange::Event(event) => protocol::encode(&event, *encoding, now).to_vec(),
                MissedChange::Room(room) => self.room_frame(room).await?,
                MissedChange::Draft(room) => match personal.draft(room).await? {
                    Some(text) => text,
                    None => continue,
                },
                MissedChange::Saved(message) => personal.saved(message).await?,
            });
        }
        if let Some(users) = services.presence.snapshot() {
            frames.push(ServerFrame::Present { users: &users }.text());
        }
        Ok(frames)
    }

    /// Returns `None` for a room that the user may not read.
    async fn reader(&self, room: RoomId) -> Result<Option<Reader>, Problem> {
        match self.services.rooms.reader(&self.me.user, room).await {
            Ok(reader) => Ok(Some(reader)),
            Err(AccessError::NotFound | AccessError::Forbidden) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the current state of a room, or `closed` if the user may no longer read it.
    async fn room_frame(&self, room: RoomId) -> Result<Vec<u8>, Problem> {
        let Some(reader) = self.reader(room).await? else {
            return Ok(closed(self.services, &self.me.user, room).await?);
        };
        let members = self.services.rooms.members(&reader).await?;
        let presence = &self.services.presence;
        let counts = Counts::of(&members, &presence.online());
        let other_online = reader.room().other.is_some_and(|other| presence.is_online(other));
        let now = self.services.clock.now();
        Ok(ServerFrame::room(reader.room(), counts, other_online, now, self.encoding).text())
    }

    /// Returns the changes of a room, at most [`CHUNK`]. A `live` frame at the end means that no more
    /// follow; without it, the page polls again.
    async fn changes(
        &self,
        access: &Access,
        since: Option<Rev>,
        id: Option<MessageId>,
    ) -> Result<Vec<Vec<u8>>, Problem> {
        let (room, rev) = (access.room(), access.rev());
        let messages = &self.services.messages;
        let reset = match since.zip(id) {
            Some((since, id)) => !messages.is_known(access, since, id).await?,
            None => false,
        };
        let since = since.unwrap_or(rev);
        if reset || since > rev {
            return Ok(vec![ServerFrame::Resync { room: Some(room), reset }.text()]);
        }
        let changes = messages.chunk_since(access, since, CHUNK).await?;
        let last_seq = access.last_seq();
        let mut frames = vec![ServerFrame::Opened { room, rev, last_seq }.text()];
        frames.extend(
            changes.items.iter().map(|message| ServerFrame::message(message, self.encoding).text()),
        );
        if !changes.more {
            if let Some(head) = messages.head(access).await? {
                frames.push(ServerFrame::head(room, &head, self.encoding).text());
            }
            let last = changes.items.last().map_or(rev, |message| message.rev.max(rev));
            frames.push(ServerFrame::Live { room, rev: last }.text());
        }
        Ok(frames)
    }
}
