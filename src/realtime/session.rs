//! One live connection from its first frame to its last.
//!
//! One small task: what waits for the socket, what the client says and what the hub leaves for it
//! all come to the same place. It sleeps while others talk, since the hub writes to the socket
//! itself. What needs the database is boxed, so that an idle connection does not keep room for it.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;

use super::RealtimeState;
use super::pending_posts::{Answered, PendingPosts, Sent};
use super::protocol::{ClientFrame, Post, ServerFrame};
use super::salvage::Salvaged;
use crate::chat::accounts::model as accounts;
use crate::chat::accounts::model::Authenticated;
use crate::chat::events::{Channel, ChatProtocol, Event, Signal};
use crate::chat::messages::model::{Draft, Kind, MessageBody, Nonce};
use crate::http::rate_limit::Action;
use crate::http::response::problem;
use crate::http::response::problem::Problem;
use crate::http::{AppState, DraftOrigin, Language};
use crate::kernel::{RoomId, Seq, ServiceError, Timestamp, TokenBucket};
use crate::limits::connection::{FRAMES, TYPING_ROOMS};
use crate::pubsub::{Connection, Encoding, Received};

/// The server will be back at once: come again.
const RESTART: u16 = 1012;
/// Something here failed: come again.
pub(super) const FAILED: u16 = 1011;
/// Not to come back by itself.
pub(super) const SIGNED_OUT: u16 = 4401;
const ACCOUNT_CLOSED: u16 = 4403;
pub(super) const TOO_FAST: u16 = 4429;
/// That somebody is typing is passed on once in so long, for each room.
const TYPING_EVERY: Duration = Duration::from_secs(2);
/// How often a connection notes that its sign-in is in use.
const USED_EVERY: Duration = Duration::from_hours(1);

/// Goes on, or ends.
pub(super) type Flow = ControlFlow<CloseReason>;

/// How a connection ends.
pub(super) enum CloseReason {
    /// The other side has gone.
    Gone,
    /// With a code; who cannot know yet that they shall stop is heard out.
    Said { code: u16, wait: bool },
}

pub(super) struct Session {
    pub(super) hall: Arc<RealtimeState>,
    pub(super) me: Authenticated,
    pub(super) t: Language,
    pub(super) form: Encoding,
    pub(super) connection: Connection<ChatProtocol>,
    /// When it was last noted that the sign-in is in use.
    used: Timestamp,
    /// How fast frames may come; `None` when rates are lifted.
    frames: Option<TokenBucket>,
    posts: PendingPosts,
    /// The rooms in which somebody typed a moment ago.
    typed: Vec<(RoomId, Timestamp)>,
    /// Rooms that this person may still read, and was removed from: nothing they do there is shown.
    removed_from: Mutex<HashSet<RoomId>>,
}

impl Session {
    pub fn new(
        hall: Arc<RealtimeState>,
        me: Authenticated,
        t: Language,
        form: Encoding,
        connection: Connection<ChatProtocol>,
    ) -> Self {
        let frames = hall.site.rates.is_on().then(TokenBucket::default);
        let (posts, typed, removed_from) = Default::default();
        let used = hall.site.clock.now();
        Self { hall, me, t, form, connection, used, frames, posts, typed, removed_from }
    }

    /// What happened `since` is told first, as far as it is about people and rooms.
    pub async fn run(mut self, since: Option<Timestamp>) {
        let _here = self.site().presence.connect(self.me.person.id);
        let attendant = self.connection.write_driver();
        let ending = {
            let talk = pin!(async {
                let ending = self.talk(since).await;
                self.drain_posts().await;
                ending
            });
            attendant.drive(talk).await
        };
        let (code, wait) = match ending {
            Some(Flow::Break(CloseReason::Said { code, wait })) => (Some(code), wait),
            _ => (None, false),
        };
        Box::pin(self.connection.finish(code, wait)).await;
    }

    async fn talk(&mut self, since: Option<Timestamp>) -> Flow {
        Box::pin(self.send_hello(since)).await?;
        loop {
            let input = self.next().await;
            self.stay_signed_in().await?;
            match input {
                Received::Text(text) => {
                    self.check_rate()?;
                    Box::pin(self.answer(text)).await?;
                }
                Received::Binary => {
                    self.check_rate()?;
                    self.reject_frame(None);
                }
                Received::Control => self.check_rate()?,
                Received::Signal(notice) => Box::pin(self.on_signal(notice)).await?,
                Received::Stop => return end(RESTART),
                Received::ProtocolError(code) => {
                    return Flow::Break(CloseReason::Said { code, wait: true });
                }
                Received::Gone => return Flow::Break(CloseReason::Gone),
            }
        }
    }

    /// What comes next, with posts being answered as they are stored.
    async fn next(&mut self) -> Received<Signal> {
        loop {
            tokio::select! {
                answered = self.posts.next(), if !self.posts.is_empty() => self.acknowledge(answered),
                input = self.connection.next(), if !self.posts.is_full() => return input,
            }
        }
    }

    /// Nobody is left without an answer to what was taken.
    async fn drain_posts(&mut self) {
        while !self.posts.is_empty() {
            let answered = self.posts.next().await;
            self.acknowledge(answered);
        }
    }

    pub(super) fn site(&self) -> &AppState {
        &self.hall.site
    }

    /// Before the first word: whether the sign-in ended before this connection listened for that.
    pub(super) async fn begin_signed_in(&self) -> Flow {
        let asked = self.site().accounts.revoked(&self.me).await;
        Self::go_on(&asked)
    }

    /// A connection that somebody uses is a use of what opened it: noted once in a while, and ended if
    /// that is no longer good.
    async fn stay_signed_in(&mut self) -> Flow {
        let now = self.site().clock.now();
        if self.used.until(now) < USED_EVERY {
            return Flow::Continue(());
        }
        self.used = now;
        let asked = Box::pin(self.site().accounts.revocation_in_use(&self.me)).await;
        Self::go_on(&asked)
    }

    fn go_on(asked: &Result<Option<accounts::RevocationReason>, ServiceError>) -> Flow {
        match asked {
            Ok(None) => Flow::Continue(()),
            Ok(Some(ending)) => end(code_of(*ending)),
            Err(_) => end(FAILED),
        }
    }

    fn check_rate(&mut self) -> Flow {
        let now = self.hall.site.clock.now();
        let Some(Err(wait)) = self.frames.as_mut().map(|frames| frames.take(FRAMES, now)) else {
            return Flow::Continue(());
        };
        self.fail(&Problem::too_many(wait), None, None);
        Flow::Break(CloseReason::Said { code: TOO_FAST, wait: true })
    }

    async fn answer(&mut self, text: String) -> Flow {
        let request = serde_json::from_str(&text);
        if request.is_err() {
            self.reject_frame(Salvaged::of(&text).as_ref());
        }
        // What it says is in the request, which may take its time.
        drop(text);
        match request {
            Ok(ClientFrame::Open { room, since_rev, since_id }) => {
                self.open_room(room, since_rev, since_id).await;
            }
            Ok(ClientFrame::Close { room }) => self.connection.unsubscribe(Channel::Room(room)),
            Ok(ClientFrame::Read { room, seq }) => self.mark_read(room, seq).await,
            Ok(ClientFrame::Typing { room }) => self.typing(room),
            Ok(ClientFrame::Post(post)) => self.post(post).await,
            Ok(ClientFrame::Ping) => self.send(&ServerFrame::Pong),
            Err(_) => {}
        }
        Flow::Continue(())
    }

    fn reject_frame(&self, post: Option<&Salvaged>) {
        let problem = Problem::with_detail(StatusCode::BAD_REQUEST, "frame-unknown");
        let nonce = post.map(|post| post.nonce.as_str());
        self.fail(&problem, nonce, post.and_then(|post| post.room));
    }

    async fn post(&mut self, post: Post) {
        let Post { room, body, nonce, reply_to, author, room_created } = post;
        let posted = async {
            self.site().rates.spend(self.me.person.id, Action::Write)?;
            let text = body;
            let body = MessageBody::parse(&text)?;
            drop(text);
            let bytes = 4 * body.as_str().len() + 512;
            let nonce = nonce.as_deref().map(Nonce::parse).transpose()?;
            let reader = self.site().rooms.reader(&self.me.person, room).await?;
            DraftOrigin { author, room_created }.check(&reader)?;
            let member = self.site().rooms.member_of(reader).await?;
            let draft = Draft { kind: Kind::Text, body, nonce, reply_to };
            Ok::<_, Problem>((bytes, self.site().messages.post(member, draft)))
        };
        match posted.await {
            Ok((bytes, writing)) => self.posts.push(Sent { nonce, room, bytes, writing }),
            Err(problem) => self.fail(&problem, nonce.as_deref(), Some(room)),
        }
    }

    fn acknowledge(&self, (Sent { nonce, room, .. }, outcome): Answered) {
        let nonce = nonce.as_deref();
        match outcome {
            Ok(posted) => {
                let message = &posted.message;
                let (id, seq, rev) = (message.id, message.seq, message.rev);
                self.send(&ServerFrame::Posted { nonce, room, id, seq, rev });
            }
            Err(error) => self.fail(&error.into(), nonce, Some(room)),
        }
    }

    /// Passed on by the hub, if this connection has the room open: nothing is asked or stored.
    fn typing(&mut self, room: RoomId) {
        let now = self.site().clock.now();
        self.typed.retain(|(_, at)| (*at..at.plus(TYPING_EVERY)).contains(&now));
        let is_new = !self.typed.iter().any(|(typed, _)| *typed == room);
        if is_new && self.typed.len() < TYPING_ROOMS && !self.is_removed_from(room) {
            self.typed.push((room, now));
            let person = self.me.person.clone();
            let own = Channel::User(person.id);
            self.connection.broadcast(Channel::Room(room), own, &Event::Typing { room, person });
        }
    }

    fn is_removed_from(&self, room: RoomId) -> bool {
        self.removed_from.lock().unwrap_or_else(PoisonError::into_inner).contains(&room)
    }

    pub(super) fn set_removed_from(&self, room: RoomId, removed: bool) {
        let mut rooms = self.removed_from.lock().unwrap_or_else(PoisonError::into_inner);
        if removed {
            rooms.insert(room);
        } else {
            rooms.remove(&room);
        }
    }

    async fn on_signal(&mut self, notice: Signal) -> Flow {
        match notice {
            Signal::SignedOut(ending) => return end(code_of(ending)),
            Signal::Joined(room) => {
                self.set_removed_from(room, false);
                self.connection.subscribe(Channel::Members(room));
                self.show_room(room).await;
            }
            Signal::Left(room) => {
                self.connection.unsubscribe(Channel::Members(room));
                self.show_room(room).await;
            }
            Signal::Removed(room) => {
                self.connection.unsubscribe(Channel::Members(room));
                self.close_room(room).await;
            }
            Signal::Unread(room) => self.show_unread(room).await,
            Signal::RoomChanged(room) => self.show_room(room).await,
            Signal::Renamed => {
                // Whoever cannot be found keeps the name they had; only `typing` says it.
                if let Ok(Some(person)) = self.site().accounts.find(&self.me.person.name).await {
                    self.me.person = person;
                }
            }
        }
        Flow::Continue(())
    }

    async fn mark_read(&self, room: RoomId, seq: Seq) {
        let marked = async {
            let reader = self.site().rooms.reader(&self.me.person, room).await?;
            Ok::<_, Problem>(self.site().rooms.mark_read(&reader, seq).await?)
        };
        if let Err(problem) = marked.await {
            self.fail(&problem, None, Some(room));
        }
    }

    pub(super) fn fail(&self, problem: &Problem, nonce: Option<&str>, room: Option<RoomId>) {
        let (_, detail) = problem::message_keys(problem);
        let complaint = problem.fields.first().map(|invalid| self.t.complain(*invalid));
        self.send(&ServerFrame::Error {
            status: problem.status.as_u16(),
            detail: complaint.unwrap_or_else(|| self.t.say(detail)),
            nonce,
            room,
            retry_after: problem.retry_after.map(Problem::seconds),
        });
    }

    pub(super) fn send(&self, frame: &ServerFrame<'_>) {
        self.connection.send(&frame.text());
    }
}

/// What the end of a sign-in says to whoever is connected by it.
fn code_of(ending: accounts::RevocationReason) -> u16 {
    match ending {
        accounts::RevocationReason::SignedOut => SIGNED_OUT,
        accounts::RevocationReason::AccountClosed => ACCOUNT_CLOSED,
        accounts::RevocationReason::RoleChanged => RESTART,
    }
}

pub(super) fn end(code: u16) -> Flow {
    Flow::Break(CloseReason::Said { code, wait: false })
}
