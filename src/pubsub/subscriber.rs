//! What is published, how it is written down once for all, and what each listener gets of it.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::outbox::Outbox;
use crate::limits::connection::{REPLAY_BUFFER, REPLAY_FRAMES};
use crate::websocket::encode;

/// How a connection wants its events written. A small number that only the encoder understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Encoding(pub u8);

/// Writes an event in a form: the payload of one text frame.
pub type Encode<E> = Arc<dyn Fn(&E, Encoding) -> Bytes + Send + Sync>;

/// What a listener who caught up as far as a mark is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// From here on everything comes by itself.
    Live,
    /// Something up to this mark went by meanwhile: ask again.
    Behind(i64),
    /// No listener any more.
    Gone,
}

/// Events of one topic as one run of frames in one form.
pub(super) struct EncodedBatch {
    bytes: Bytes,
    /// Of each frame its mark and where it begins.
    frames: Vec<(Option<i64>, usize)>,
}

impl EncodedBatch {
    pub fn new<E>(events: &[(Option<i64>, E)], form: Encoding, encode: &Encode<E>) -> Self {
        let mut bytes = BytesMut::new();
        let mut frames = Vec::with_capacity(events.len());
        for (mark, event) in events {
            frames.push((*mark, bytes.len()));
            encode::put_text(&mut bytes, &encode(event, form));
        }
        Self { bytes: bytes.freeze(), frames }
    }

    /// How many of the first frames are no news to who has everything up to `after`. What has no mark
    /// is news to all.
    fn already_seen(&self, after: i64) -> usize {
        let is_known = |(mark, _): &&(Option<i64>, usize)| mark.is_some_and(|mark| mark <= after);
        self.frames.iter().take_while(is_known).count()
    }

    /// The frames that have a mark, one by one.
    fn positioned(&self) -> impl Iterator<Item = (i64, Bytes)> {
        let ends = self.frames.iter().skip(1).map(|(_, start)| *start).chain([self.bytes.len()]);
        self.frames.iter().zip(ends).filter_map(|((mark, start), end)| {
            mark.map(|mark| (mark, self.bytes.slice(*start..end)))
        })
    }
}

/// One connection that listens to a topic.
pub(super) struct Subscriber<N> {
    pub outbox: Arc<Outbox<N>>,
    pub encoding: Encoding,
    state: SubscriptionState,
}

enum SubscriptionState {
    /// Gets what has a greater mark; it has the rest.
    Live { after: i64 },
    /// Asks the database what it missed.
    CatchingUp(Box<ReplayBuffer>),
}

/// What was published while a listener catches up: the newest of it, as shared bytes. What is older is
/// let go and asked for again.
struct ReplayBuffer {
    frames: VecDeque<(i64, Bytes)>,
    bytes: usize,
    /// The greatest mark that went by and was not kept.
    dropped_up_to: i64,
}

impl ReplayBuffer {
    fn push(&mut self, joined: &EncodedBatch) {
        // A slice would keep all of a long run alive for its end.
        let is_long = joined.bytes.len() > REPLAY_BUFFER;
        let mut left = joined.bytes.len();
        for (mark, frame) in joined.positioned() {
            left = left.saturating_sub(frame.len());
            if left + frame.len() > REPLAY_BUFFER {
                self.dropped_up_to = self.dropped_up_to.max(mark);
                continue;
            }
            let frame = if is_long { Bytes::copy_from_slice(&frame) } else { frame };
            self.bytes += frame.len();
            self.frames.push_back((mark, frame));
        }
        while self.frames.len() > REPLAY_FRAMES || self.bytes > REPLAY_BUFFER {
            let Some((mark, frame)) = self.frames.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(frame.len());
            self.dropped_up_to = self.dropped_up_to.max(mark);
        }
    }
}

impl<N> Subscriber<N> {
    /// One who gets everything from now on.
    pub fn live(peer: Arc<Outbox<N>>, form: Encoding) -> Self {
        Self { outbox: peer, encoding: form, state: SubscriptionState::Live { after: i64::MIN } }
    }

    /// One who first catches up.
    pub fn catching_up(peer: Arc<Outbox<N>>, form: Encoding) -> Self {
        let held = ReplayBuffer { frames: VecDeque::new(), bytes: 0, dropped_up_to: i64::MIN };
        Self { outbox: peer, encoding: form, state: SubscriptionState::CatchingUp(Box::new(held)) }
    }

    /// Answers how many frames were handed to the line.
    pub fn deliver(&mut self, joined: &EncodedBatch) -> u64 {
        match &mut self.state {
            SubscriptionState::Live { after } => {
                let known = joined.already_seen(*after);
                match joined.frames.get(known) {
                    // Nearly always: the same bytes for all.
                    Some((_, 0)) => self.outbox.socket.write(&joined.bytes),
                    Some((_, start)) => self.outbox.socket.write(&joined.bytes.slice(*start..)),
                    None => {}
                }
                joined.frames.len().saturating_sub(known) as u64
            }
            SubscriptionState::CatchingUp(held) => {
                held.push(joined);
                0
            }
        }
    }

    /// Goes live, beginning with `first`, when nothing above `after` was lost.
    pub fn go_live(&mut self, after: i64, first: &Bytes) -> CatchUp {
        if let SubscriptionState::CatchingUp(held) = &mut self.state {
            if held.dropped_up_to > after {
                return CatchUp::Behind(held.dropped_up_to);
            }
            self.outbox.socket.write(first);
            for (_, frame) in held.frames.iter().filter(|(mark, _)| *mark > after) {
                self.outbox.socket.write(frame);
            }
            self.state = SubscriptionState::Live { after };
        }
        CatchUp::Live
    }
}
