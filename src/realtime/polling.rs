//! The same frames over plain HTTP, for a page whose WebSocket does not get through: how its rooms
//! stand, and everything that changed in the room on screen since the `rev` it knows, in order.
//!
//! A page asks every few seconds. It posts, since it also says how far its reader has read.

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;

use super::protocol::{self, HTML_PROTOCOL, RoomState, ServerFrame, encoding_of};
use super::room_subscriptions::closed;
use crate::api::schemas::{Counts, UserShape};
use crate::chat::accounts::model::User;
use crate::chat::rooms::AccessError;
use crate::chat::rooms::model::Reader;
use crate::chat::sync::model::MissedChange;
use crate::http::{AppState, FormBody, Language, Problem, Viewer};
use crate::kernel::{MessageId, Rev, RoomId, Seq, Timestamp};
use crate::limits::connection::CHUNK;
use crate::pubsub::Encoding;

/// Goes among the pages: it is asked with their cookie, from their origin.
pub fn router() -> Router<AppState> {
    Router::new().route("/live", post(create))
}

#[derive(Deserialize)]
struct Poll {
    /// The room on screen; without one only what concerns all of the page.
    room: Option<RoomId>,
    since_rev: Option<Rev>,
    /// The message that had this `rev`.
    since_id: Option<MessageId>,
    /// Up to when the page knows people and rooms, by the server's clock.
    since: Option<Timestamp>,
    /// How far the room has been read.
    read: Option<Seq>,
}

async fn create(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    t: Language,
    FormBody(poll): FormBody<Poll>,
) -> Result<Response, Problem> {
    let reply = Reply { site: &site, me: &me.person, form: encoding_of(Some(HTML_PROTOCOL), t) };
    site.presence.touch(me.person.id);
    let shown = match poll.room {
        Some(room) => Some((room, reply.reader(room).await?)),
        None => None,
    };
    // Before the counts are read, which shall know it.
    if let (Some((_, Some(reader))), Some(seq)) = (&shown, poll.read) {
        site.rooms.mark_read(reader, seq).await?;
    }
    let mut found = reply.installation(poll.since).await?;
    match shown {
        Some((_, Some(reader))) => {
            found.extend(reply.changes(&reader, poll.since_rev, poll.since_id).await?);
        }
        Some((room, None)) => found.push(closed(&site, &me.person, room).await?),
        None => {}
    }
    let body = [b"[", found.join(&b","[..]).as_slice(), b"]"].concat();
    Ok(([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], body).into_response())
}

struct Reply<'a> {
    site: &'a AppState,
    me: &'a User,
    form: Encoding,
}

impl Reply<'_> {
    /// What a connection is greeted with.
    async fn installation(&self, since: Option<Timestamp>) -> Result<Vec<Vec<u8>>, Problem> {
        let Self { site, me, form } = self;
        let at = site.clock.now().rfc3339();
        let rooms = site.rooms.my_room(me).await?.into_iter().map(RoomState::from).collect();
        let epoch = &site.history.epoch();
        let mut found =
            vec![ServerFrame::Ready { me: UserShape::new(me, true), epoch, at, rooms }.text()];
        let missed = match since {
            Some(then) => site.meanwhile.changes_since(me, then).await?,
            None => Some(Vec::new()),
        };
        let Some(missed) = missed else {
            found.push(ServerFrame::Resync { room: None, reset: false }.text());
            return Ok(found);
        };
        for update in missed {
            found.push(match update {
                MissedChange::Event(event) => protocol::encode(&event, *form).to_vec(),
                MissedChange::Room(room) => self.row(room).await?,
            });
        }
        if let Some(users) = site.presence.snapshot() {
            found.push(ServerFrame::Present { users: &users }.text());
        }
        Ok(found)
    }

    /// `None` for a room that one may not see.
    async fn reader(&self, room: RoomId) -> Result<Option<Reader>, Problem> {
        match self.site.rooms.reader(self.me, room).await {
            Ok(reader) => Ok(Some(reader)),
            Err(AccessError::NotFound | AccessError::Forbidden) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn row(&self, room: RoomId) -> Result<Vec<u8>, Problem> {
        let Some(reader) = self.reader(room).await? else {
            return Ok(closed(self.site, self.me, room).await?);
        };
        let (members, presence) = (self.site.rooms.members(&reader).await?, &self.site.presence);
        let counts = Counts::of(&members, &presence.online());
        let other_online = reader.room().other.is_some_and(|other| presence.is_online(other));
        Ok(ServerFrame::room(reader.room(), counts, other_online, self.form).text())
    }

    /// What changed in a room. `live` stands behind the last change; without it there is more.
    async fn changes(
        &self,
        reader: &Reader,
        since: Option<Rev>,
        id: Option<MessageId>,
    ) -> Result<Vec<Vec<u8>>, Problem> {
        let (room, rev) = (reader.room().id, reader.room().rev);
        let messages = &self.site.messages;
        let reset = match since.zip(id) {
            Some((since, id)) => !messages.is_known(reader, since, id).await?,
            None => false,
        };
        let since = since.unwrap_or(rev);
        if reset || since > rev {
            return Ok(vec![ServerFrame::Resync { room: Some(room), reset }.text()]);
        }
        let changes = messages.chunk_since(reader, since, CHUNK).await?;
        let last_seq = reader.room().last_seq;
        let mut found = vec![ServerFrame::Opened { room, rev, last_seq }.text()];
        found.extend(changes.items.iter().map(|one| ServerFrame::message(one, self.form).text()));
        if !changes.more {
            let last = changes.items.last().map_or(rev, |message| message.rev.max(rev));
            found.push(ServerFrame::Live { room, rev: last }.text());
        }
        Ok(found)
    }
}
