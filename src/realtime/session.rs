//! One live connection, from its first frame to its last.
//!
//! A single task drains the send queue, handles the client's frames and the hub's signals. It sleeps while
//! events arrive, because the dispatcher writes them to the socket itself. Futures that use the database
//! are boxed, so that an idle connection does not reserve memory for them.

use std::collections::{HashSet, VecDeque};
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;

use super::pending_posts::{Answered, PendingPosts, Sent};
use super::protocol::{ClientFrame, Post, ServerFrame};
use super::salvage::Salvaged;
use super::{ChatServices, Realtime};
use crate::api::schemas::UserShape;
use crate::chat::accounts::model as accounts;
use crate::chat::accounts::model::Authenticated;
use crate::chat::events::{Channel, ChatProtocol, Event, Signal};
use crate::chat::messages::model::{
    Draft, Kind, Markup, MessageBody, Nonce, parse_files, parse_format,
};
use crate::http::admission::Place;
use crate::http::rate_limit::Action;
use crate::http::response::problem::Problem;
use crate::http::{DraftOrigin, Language};
use crate::kernel::{RoomId, Seq, ServiceError, Timestamp, TokenBucket};
use crate::limits::connection::{FRAMES, TYPING_ROOMS};
use crate::pubsub::{Connection, Encoding, Received};

/// The server restarts: the client reconnects immediately.
const RESTART: u16 = 1012;
/// The server failed: the client reconnects.
pub(super) const FAILED: u16 = 1011;
/// The session has ended: the client must not reconnect automatically.
pub(super) const SIGNED_OUT: u16 = 4401;
const ACCOUNT_CLOSED: u16 = 4403;
pub(super) const TOO_FAST: u16 = 4429;
/// The minimum time between two typing indicators for the same room.
const TYPING_EVERY: Duration = Duration::from_secs(2);
/// How often a connection records that its session or token is in use.
const USED_EVERY: Duration = Duration::from_hours(1);

/// Whether the connection continues or closes.
pub(super) type Flow = ControlFlow<CloseReason>;

/// Why a connection closes.
pub(super) enum CloseReason {
    /// The client has closed it.
    Gone,
    /// The server closes it with a code. With `wait` it reads on for a moment, because the client may be
    /// still sending.
    Code { code: u16, wait: bool },
}

/// Some of the rooms that a connection has to do with.
#[derive(Default)]
pub(super) struct RoomSet(Mutex<HashSet<RoomId>>);

impl RoomSet {
    fn contains(&self, room: RoomId) -> bool {
        self.lock().contains(&room)
    }

    pub(super) fn set(&self, room: RoomId, is_in: bool) {
        if is_in {
            self.lock().insert(room);
        } else {
            self.lock().remove(&room);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<RoomId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Session {
    pub(super) shared: Arc<Realtime>,
    pub(super) me: Authenticated,
    pub(super) t: Language,
    pub(super) encoding: Encoding,
    pub(super) connection: Connection<ChatProtocol>,
    /// When the use of the session or token was last recorded.
    used: Timestamp,
    /// The rate limit of frames; `None` if rate limits are off.
    frames: Option<TokenBucket>,
    posts: PendingPosts,
    /// When the user's typing was last published, per room.
    typed: Vec<(RoomId, Timestamp)>,
    /// Rooms that the user was removed from but may still read. Typing there is not published.
    pub(super) removed_from: RoomSet,
    /// Rooms that were opened and not closed.
    pub(super) opened: RoomSet,
    /// The threads that the connection subscribes to, the one that was added last at the end.
    pub(super) threads: VecDeque<RoomId>,
}

impl Session {
    pub fn new(
        shared: Arc<Realtime>,
        me: Authenticated,
        t: Language,
        encoding: Encoding,
        connection: Connection<ChatProtocol>,
    ) -> Self {
        let frames = shared.rate_limiter.is_on().then(TokenBucket::default);
        let used = shared.services.clock.now();
        Self {
            shared,
            me,
            t,
            encoding,
            connection,
            used,
            frames,
            posts: PendingPosts::default(),
            typed: Vec::new(),
            removed_from: RoomSet::default(),
            opened: RoomSet::default(),
            threads: VecDeque::new(),
        }
    }

    /// Serves the connection until it closes. First sends the changes of users and rooms after `since`.
    pub async fn run(mut self, place: Arc<Place>, since: Option<Timestamp>) {
        let _online = self.services().presence.connect(self.me.user.id);
        let driver = self.connection.write_driver();
        let result = {
            let work = pin!(async {
                let result = self.serve(place, since).await;
                self.drain_posts().await;
                result
            });
            driver.drive(work).await
        };
        let (code, wait) = match result {
            Some(Flow::Break(CloseReason::Code { code, wait })) => (Some(code), wait),
            _ => (None, false),
        };
        Box::pin(self.connection.finish(code, wait)).await;
    }

    async fn serve(&mut self, place: Arc<Place>, since: Option<Timestamp>) -> Flow {
        Box::pin(self.send_hello(place, since)).await?;
        loop {
            let input = self.next().await;
            self.check_still_signed_in().await?;
            match input {
                Received::Text(text) => {
                    self.check_rate()?;
                    Box::pin(self.answer(text)).await?;
                }
                Received::Binary(_) => {
                    self.check_rate()?;
                    self.reject_frame(None);
                }
                Received::Control => self.check_rate()?,
                Received::Signal(signal) => Box::pin(self.on_signal(signal)).await?,
                Received::Stop => return end(RESTART),
                Received::ProtocolError(code) => {
                    return Flow::Break(CloseReason::Code { code, wait: true });
                }
                Received::Gone => return Flow::Break(CloseReason::Gone),
            }
        }
    }

    /// Waits for the next input, and acknowledges posts as they are stored.
    async fn next(&mut self) -> Received<Signal> {
        loop {
            tokio::select! {
                answered = self.posts.next(), if !self.posts.is_empty() => {
                    self.acknowledge(answered).await;
                }
                input = self.connection.next(), if !self.posts.is_full() => return input,
            }
        }
    }

    /// Acknowledges all accepted posts before the connection closes.
    async fn drain_posts(&mut self) {
        while !self.posts.is_empty() {
            let answered = self.posts.next().await;
            self.acknowledge(answered).await;
        }
    }

    pub(super) fn services(&self) -> &ChatServices {
        &self.shared.services
    }

    /// Closes the connection because the session or token was revoked after the handshake, but before this connection
    /// subscribed to the channel that reports it.
    pub(super) async fn revoked(&self) -> Flow {
        let reason = self.services().accounts.revocation_reason(self.me.user.id).await;
        Self::flow_of(&reason.map(Some))
    }

    /// Records every [`USED_EVERY`] that the session or token is in use, and closes the connection if it is
    /// no longer valid.
    async fn check_still_signed_in(&mut self) -> Flow {
        let now = self.services().clock.now();
        if self.used.until(now) < USED_EVERY {
            return Flow::Continue(());
        }
        self.used = now;
        let revocation = Box::pin(self.services().accounts.revocation_in_use(&self.me)).await;
        Self::flow_of(&revocation)
    }

    fn flow_of(revocation: &Result<Option<accounts::RevocationReason>, ServiceError>) -> Flow {
        match revocation {
            Ok(None) => Flow::Continue(()),
            Ok(Some(reason)) => end(code_of(*reason)),
            Err(_) => end(FAILED),
        }
    }

    fn check_rate(&mut self) -> Flow {
        let now = self.services().clock.now();
        let Some(Err(wait)) = self.frames.as_mut().map(|frames| frames.take(FRAMES, now)) else {
            return Flow::Continue(());
        };
        self.fail(&Problem::too_many(wait), None, None);
        Flow::Break(CloseReason::Code { code: TOO_FAST, wait: true })
    }

    async fn answer(&mut self, text: String) -> Flow {
        let request = serde_json::from_str(&text);
        if request.is_err() {
            self.reject_frame(Salvaged::of(&text).as_ref());
        }
        // The request holds its content, and may take long: do not keep both in memory.
        drop(text);
        match request {
            Ok(ClientFrame::Open { room, since_rev, since_id }) => {
                self.open_room(room, since_rev, since_id).await;
            }
            Ok(ClientFrame::Close { room }) => {
                self.connection.unsubscribe(Channel::Room(room));
                self.opened.set(room, false);
            }
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
        let Post { room, body, nonce, reply_to, format, files, author, room_created } = post;
        let posted = async {
            self.shared.rate_limiter.spend(self.me.user.id, Action::Write)?;
            let text = body;
            let files = parse_files(&files)?;
            let body = MessageBody::parse_beside(&text, !files.is_empty())?;
            drop(text);
            let bytes = 4 * body.as_str().len() + 512;
            let nonce = nonce.as_deref().map(Nonce::parse).transpose()?;
            let access = self.services().rooms.access(&self.me.user, room).await?;
            DraftOrigin { author, room_created }.check(&access)?;
            let member = self.services().rooms.member_of(access).await?;
            let markup = parse_format(format.as_deref())?.unwrap_or(Markup::Markdown);
            let draft = Draft { kind: Kind::Text, body, markup, nonce, reply_to, files };
            Ok::<_, Problem>((bytes, self.services().messages.post(member, draft)))
        };
        match posted.await {
            Ok((bytes, writing)) => self.posts.push(Sent { nonce, room, bytes, writing }),
            Err(problem) => self.fail(&problem, nonce.as_deref(), Some(room)),
        }
    }

    async fn acknowledge(&self, (Sent { nonce, room, .. }, outcome): Answered) {
        let nonce = nonce.as_deref();
        match outcome {
            Ok(posted) => {
                let message = &posted.message;
                let (id, seq, rev) = (message.id, message.seq, message.rev);
                // The message is stored: without the names of outsiders it is acknowledged, too.
                let outsiders = match posted.outsiders.as_slice() {
                    [] => Vec::new(),
                    ids => self.services().accounts.by_ids(ids).await.unwrap_or_default(),
                };
                let (presence, now) = (&self.services().presence, self.services().clock.now());
                let not_in_room = outsiders
                    .iter()
                    .map(|user| UserShape::new(user, presence.is_online(user.id), now))
                    .collect();
                self.send(&ServerFrame::Posted { nonce, room, id, seq, rev, not_in_room });
            }
            Err(error) => self.fail(&error.into(), nonce, Some(room)),
        }
    }

    /// Publishes a typing indicator. The hub drops it unless this connection has the room open, so no query
    /// is needed to check the permission.
    fn typing(&mut self, room: RoomId) {
        let now = self.services().clock.now();
        self.typed.retain(|(_, at)| (*at..at.plus(TYPING_EVERY)).contains(&now));
        let is_new = !self.typed.iter().any(|(typed, _)| *typed == room);
        if is_new && self.typed.len() < TYPING_ROOMS && !self.removed_from.contains(room) {
            self.typed.push((room, now));
            let user = self.me.user.clone();
            let own = Channel::User(user.id);
            let event = Event::Typing { room, user };
            self.connection.broadcast(Channel::Room(room), own, &event);
            self.services().doorbell.notify_typing(self.me.user.id, room);
        }
    }

    async fn on_signal(&mut self, signal: Signal) -> Flow {
        match signal {
            Signal::SignedOut(reason) => return end(code_of(reason)),
            Signal::Joined(room) => {
                self.removed_from.set(room, false);
                self.connection.subscribe(Channel::Members(room));
                self.show_room(room).await;
                self.recount(room).await;
                self.follow_threads_of(room).await;
            }
            Signal::Followed(thread) => self.follow_thread(thread).await,
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
                // If the query fails, the old display name stays. Only typing indicators use it.
                if let Ok(Some(user)) = self.services().accounts.find(&self.me.user.name).await {
                    self.me.user = user;
                }
            }
        }
        Flow::Continue(())
    }

    async fn mark_read(&self, room: RoomId, seq: Seq) {
        let (rooms, user) = (&self.services().rooms, &self.me.user);
        let marked = async {
            // If the user has lost the room since it was opened, they have no marker there.
            if !self.opened.contains(room) {
                rooms.access(user, room).await?;
            }
            Ok::<_, Problem>(rooms.gather_read(user.id, room, seq).await?)
        };
        if let Err(problem) = marked.await {
            self.fail(&problem, None, Some(room));
        }
    }

    pub(super) fn fail(&self, problem: &Problem, nonce: Option<&str>, room: Option<RoomId>) {
        let field_error = problem.fields.first().map(|error| self.t.error_text(*error));
        self.send(&ServerFrame::Error {
            status: problem.status.as_u16(),
            detail: field_error.map_or_else(|| problem.explanation(self.t), str::to_owned),
            nonce,
            room,
            retry_after: problem.retry_after.map(Problem::seconds),
        });
    }

    pub(super) fn send(&self, frame: &ServerFrame<'_>) {
        self.connection.send(&frame.text());
    }
}

/// Returns the close code for connections whose session or token was revoked.
fn code_of(reason: accounts::RevocationReason) -> u16 {
    match reason {
        accounts::RevocationReason::SignedOut => SIGNED_OUT,
        accounts::RevocationReason::AccountClosed => ACCOUNT_CLOSED,
        accounts::RevocationReason::RoleChanged => RESTART,
    }
}

pub(super) fn end(code: u16) -> Flow {
    Flow::Break(CloseReason::Code { code, wait: false })
}
