//! One live connection from its first frame to its last.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::frames::{Frame, Request, RoomState};
use crate::api::shapes::{Counts, User};
use crate::chat::accounts::model::{Ending, SignedIn};
use crate::chat::events::{Notice, Topic};
use crate::chat::messages::model::{Draft, Kind, MessageBody, Nonce};
use crate::chat::rooms::AccessError;
use crate::chat::rooms::model::Room;
use crate::http::problem::{self, Problem};
use crate::http::{Language, Site};
use crate::kernel::paging::Limit;
use crate::kernel::{MessageId, Rev, RoomId, Seq};
use crate::live::{Connection, Delivery, Form};

/// The server will be back at once: come again.
const RESTART: u16 = 1012;
const TOO_LARGE: u16 = 1009;
/// Not to come back by itself.
pub(super) const SIGNED_OUT: u16 = 4401;
const ACCOUNT_CLOSED: u16 = 4403;
/// A ping keeps proxies from cutting the line; they wait a minute, most of them.
const PING_EVERY: Duration = Duration::from_secs(25);
const SILENT_FOR: Duration = Duration::from_secs(65);
/// Who does not take a frame for so long is gone.
const SEND_WITHIN: Duration = Duration::from_secs(20);

/// Goes on, or ends with a close code (`None`: the other side has gone).
type Flow = ControlFlow<Option<u16>>;

pub(super) struct Session {
    site: Site,
    me: SignedIn,
    t: Language,
    form: Form,
    socket: WebSocket,
    connection: Connection<Topic, Notice>,
    /// The rooms that are open, each with the rev up to which everything was sent.
    open: HashMap<RoomId, Rev>,
}

impl Session {
    pub async fn run(site: Site, me: SignedIn, t: Language, form: Form, socket: WebSocket) {
        let _here = site.presence.arrive(me.person.id);
        let connection = site.bell.connect(form);
        connection.listen(Topic::SignIn(me.credential));
        connection.listen(Topic::Everybody);
        connection.listen(Topic::Person(me.person.id));
        let mut session = Self { site, me, t, form, socket, connection, open: HashMap::new() };
        if let ControlFlow::Break(Some(code)) = session.talk().await {
            session.close(code).await;
        }
    }

    async fn talk(&mut self) -> Flow {
        self.greet().await?;
        let stopping = self.site.lifecycle.stopping();
        let mut heard = Instant::now();
        let mut beat = interval(PING_EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return Flow::Break(Some(RESTART)),
                frame = self.socket.recv() => {
                    heard = Instant::now();
                    self.receive(frame).await?;
                }
                delivery = self.connection.next() => self.forward(delivery).await?,
                _ = beat.tick() => {
                    if heard.elapsed() > SILENT_FOR {
                        return Flow::Break(None);
                    }
                    self.write(Message::Ping(axum::body::Bytes::new())).await?;
                }
            }
        }
    }

    async fn greet(&mut self) -> Flow {
        let person = self.me.person.clone();
        let rooms = match self.site.rooms.list(&person).await {
            Ok(rooms) => rooms,
            Err(fault) => return self.fail(&Problem::from(fault), None, None).await,
        };
        for room in rooms.iter().filter(|room| room.is_member()) {
            self.connection.listen(Topic::Members(room.id));
        }
        let state = |room: Room| {
            let last_read_seq = room.last_read_seq?;
            Some(RoomState {
                id: room.id,
                last_seq: room.last_seq,
                last_read_seq,
                rev: room.rev,
                mentions: 0,
            })
        };
        let about = self.site.about.clone();
        let ready = Frame::Ready {
            me: User::new(&person, true),
            epoch: &about.epoch,
            rooms: rooms.into_iter().filter_map(state).collect(),
        };
        self.send(&ready).await?;
        let users = self.site.presence.online().into_iter().collect();
        self.send(&Frame::Present { users }).await
    }

    async fn receive(&mut self, frame: Option<Result<Message, axum::Error>>) -> Flow {
        match frame {
            Some(Ok(Message::Text(text))) => self.answer(&text).await,
            Some(Ok(Message::Binary(_))) => self.not_understood().await,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Flow::Continue(()),
            // What cannot be read is either broken, or larger than a frame may be.
            Some(Err(error)) => Flow::Break(is_too_large(error).then_some(TOO_LARGE)),
            Some(Ok(Message::Close(_))) | None => Flow::Break(None),
        }
    }

    async fn answer(&mut self, text: &str) -> Flow {
        match serde_json::from_str(text) {
            Ok(Request::Open { room, since_rev }) => self.open_room(room, since_rev).await,
            Ok(Request::Close { room }) => {
                self.open.remove(&room);
                self.connection.ignore(Topic::Room(room));
                Flow::Continue(())
            }
            Ok(Request::Read { room, seq }) => self.mark_read(room, seq).await,
            Ok(Request::Post { room, body, nonce, reply_to }) => {
                self.post(room, &body, nonce.as_deref(), reply_to).await
            }
            Ok(Request::Ping) => self.send(&Frame::Pong).await,
            Err(_) => self.not_understood().await,
        }
    }

    async fn not_understood(&mut self) -> Flow {
        let problem = Problem::saying(axum::http::StatusCode::BAD_REQUEST, "frame-unknown");
        self.fail(&problem, None, None).await
    }

    /// Listens first and asks the database then, so that nothing falls between the two.
    async fn open_room(&mut self, room: RoomId, since: Option<Rev>) -> Flow {
        self.open.remove(&room);
        self.connection.listen(Topic::Room(room));
        let reader = match self.site.rooms.reader(&self.me.person, room).await {
            Ok(reader) => reader,
            Err(error) => {
                self.connection.ignore(Topic::Room(room));
                return self.fail(&error.into(), None, Some(room)).await;
            }
        };
        let (rev, last_seq) = (reader.room().rev, reader.room().last_seq);
        if since.is_some_and(|since| since > rev) {
            self.connection.ignore(Topic::Room(room));
            return self.send(&Frame::Resync { room }).await;
        }
        self.send(&Frame::Opened { room, rev, last_seq }).await?;
        let mut sent = since.unwrap_or(rev);
        loop {
            let found = match self.site.messages.since(&reader, sent, Limit::DEFAULT).await {
                Ok(found) => found,
                Err(fault) => return self.fail(&fault.into(), None, Some(room)).await,
            };
            for message in &found.items {
                self.send(&Frame::message(message, self.form)).await?;
                sent = message.rev;
            }
            if !found.more {
                break;
            }
        }
        // All up to the rev that `opened` named is there now, even where a rev has no row left.
        let sent = sent.max(rev);
        self.open.insert(room, sent);
        self.send(&Frame::Live { room, rev: sent }).await
    }

    async fn post(
        &mut self,
        room: RoomId,
        body: &str,
        nonce: Option<&str>,
        reply_to: Option<MessageId>,
    ) -> Flow {
        let posted = async {
            let body = MessageBody::parse(body)?;
            let nonce = nonce.map(Nonce::parse).transpose()?;
            let member = self.site.rooms.member(&self.me.person, room).await?;
            let draft = Draft { kind: Kind::Text, body, nonce, reply_to };
            Ok::<_, Problem>(self.site.messages.post(member, draft).await?)
        };
        match posted.await {
            Ok(posted) => {
                let message = &posted.message;
                let (id, seq, rev) = (message.id, message.seq, message.rev);
                self.send(&Frame::Posted { nonce, room, id, seq, rev }).await
            }
            Err(problem) => self.fail(&problem, nonce, Some(room)).await,
        }
    }

    async fn forward(&mut self, delivery: Option<Delivery<Topic, Notice>>) -> Flow {
        match delivery {
            Some(Delivery::Frame { topic, mark, bytes }) => {
                if !self.is_news(topic, mark) {
                    return Flow::Continue(());
                }
                match Utf8Bytes::try_from(bytes) {
                    Ok(text) => self.write(Message::Text(text)).await,
                    Err(_) => Flow::Continue(()),
                }
            }
            Some(Delivery::Notice(notice)) => self.act(notice).await,
            // Fell too far behind: comes back and asks the database.
            None => Flow::Break(Some(RESTART)),
        }
    }

    fn is_news(&mut self, topic: Topic, mark: i64) -> bool {
        match topic {
            Topic::Room(room) => match self.open.get_mut(&room) {
                Some(sent) if mark > sent.0 => {
                    *sent = Rev(mark);
                    true
                }
                // Not open any more, or sent with what was missed.
                _ => false,
            },
            // An open room shows its messages themselves; what has no seq is told all the same.
            Topic::Members(room) => mark == 0 || !self.open.contains_key(&room),
            _ => true,
        }
    }

    async fn act(&mut self, notice: Notice) -> Flow {
        match notice {
            Notice::Ended(Ending::SignedOut) => Flow::Break(Some(SIGNED_OUT)),
            Notice::Ended(Ending::AccountClosed) => Flow::Break(Some(ACCOUNT_CLOSED)),
            Notice::Joined(room) => {
                self.connection.listen(Topic::Members(room));
                self.show_room(room).await
            }
            Notice::Left(room) => {
                self.connection.ignore(Topic::Members(room));
                self.show_room(room).await
            }
            Notice::RoomChanged(room) => self.show_room(room).await,
            Notice::Read { room, seq } => self.send(&Frame::Read { room, seq }).await,
        }
    }

    /// Sends a room as it is now, or says that it cannot be seen any more.
    async fn show_room(&mut self, room: RoomId) -> Flow {
        let reader = match self.site.rooms.reader(&self.me.person, room).await {
            Ok(reader) => reader,
            Err(AccessError::NotFound | AccessError::Forbidden) => {
                self.open.remove(&room);
                self.connection.ignore(Topic::Room(room));
                return self.send(&Frame::Closed { room, reason: "removed" }).await;
            }
            Err(error) => return self.fail(&error.into(), None, Some(room)).await,
        };
        let members = match self.site.rooms.members(&reader).await {
            Ok(members) => members,
            Err(fault) => return self.fail(&fault.into(), None, Some(room)).await,
        };
        let online = self.site.presence.online();
        let room = reader.room();
        let other_online = room.other.is_some_and(|other| online.contains(&other));
        let counts = Counts::of(&members, &online);
        self.send(&Frame::room(room, counts, other_online, self.form)).await
    }

    async fn mark_read(&mut self, room: RoomId, seq: Seq) -> Flow {
        let marked = async {
            let reader = self.site.rooms.reader(&self.me.person, room).await?;
            Ok::<_, Problem>(self.site.rooms.mark_read(&reader, seq).await?)
        };
        match marked.await {
            Ok(()) => Flow::Continue(()),
            Err(problem) => self.fail(&problem, None, Some(room)).await,
        }
    }

    async fn fail(&mut self, problem: &Problem, nonce: Option<&str>, room: Option<RoomId>) -> Flow {
        let (_, detail) = problem::texts(problem);
        let complaint = problem.fields.first().map(|invalid| self.t.complain(*invalid));
        let frame = Frame::Error {
            status: problem.status.as_u16(),
            detail: complaint.unwrap_or_else(|| self.t.say(detail)),
            nonce,
            room,
            retry_after: problem.retry_after.map(|wait| wait.as_secs().max(1)),
        };
        self.send(&frame).await
    }

    async fn send(&mut self, frame: &Frame<'_>) -> Flow {
        let text = frame.text();
        self.write(Message::Text(text)).await
    }

    async fn write(&mut self, message: Message) -> Flow {
        match timeout(SEND_WITHIN, self.socket.send(message)).await {
            Ok(Ok(())) => Flow::Continue(()),
            _ => Flow::Break(None),
        }
    }

    async fn close(&mut self, code: u16) {
        let frame = CloseFrame { code, reason: Utf8Bytes::default() };
        // The other side may be gone; then there is nobody to tell.
        drop(timeout(SEND_WITHIN, self.socket.send(Message::Close(Some(frame)))).await);
    }
}

fn is_too_large(error: axum::Error) -> bool {
    let inner = error.into_inner();
    matches!(inner.downcast_ref(), Some(tungstenite::Error::Capacity(_)))
}
