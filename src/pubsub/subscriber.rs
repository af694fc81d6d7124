//! Batches of encoded events, and which part of a batch each subscriber receives.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::outbox::Outbox;
use crate::limits::connection::{REPLAY_BUFFER, REPLAY_FRAMES};
use crate::websocket::encode;

/// The encoding a connection wants its events in. A number whose meaning only the encoder knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Encoding(pub u8);

/// Encodes an event: returns the payload of one text frame.
pub type Encode<E> = Arc<dyn Fn(&E, Encoding) -> Bytes + Send + Sync>;

/// The answer to a subscriber that has caught up to a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// The subscription is live: all further events are delivered.
    Live,
    /// The replay buffer dropped events up to this position since the query: query again.
    Behind(i64),
    /// The subscription no longer exists.
    Gone,
}

/// Events of one channel as consecutive frames, in one encoding.
pub(super) struct EncodedBatch {
    bytes: Bytes,
    /// Position and start offset of each frame.
    frames: Vec<(Option<i64>, usize)>,
}

impl EncodedBatch {
    pub fn new<E>(events: &[(Option<i64>, E)], encoding: Encoding, encode: &Encode<E>) -> Self {
        let mut bytes = BytesMut::new();
        let mut frames = Vec::with_capacity(events.len());
        for (position, event) in events {
            frames.push((*position, bytes.len()));
            encode::put_text(&mut bytes, &encode(event, encoding));
        }
        Self { bytes: bytes.freeze(), frames }
    }

    /// Counts the leading frames that a subscriber with everything up to `after` already has. Frames without
    /// a position are new to every subscriber.
    fn already_seen(&self, after: i64) -> usize {
        let is_known =
            |(position, _): &&(Option<i64>, usize)| position.is_some_and(|seen| seen <= after);
        self.frames.iter().take_while(is_known).count()
    }

    /// The frames that have a position, one by one.
    fn positioned(&self) -> impl Iterator<Item = (i64, Bytes)> {
        let ends = self.frames.iter().skip(1).map(|(_, start)| *start).chain([self.bytes.len()]);
        self.frames.iter().zip(ends).filter_map(|((position, start), end)| {
            position.map(|position| (position, self.bytes.slice(*start..end)))
        })
    }
}

/// One connection that subscribes to a channel.
pub(super) struct Subscriber<N> {
    pub outbox: Arc<Outbox<N>>,
    pub encoding: Encoding,
    state: SubscriptionState,
}

enum SubscriptionState {
    /// Receives events after this position; it has all earlier ones.
    Live { after: i64 },
    /// Reads the events it missed from the database.
    CatchingUp(Box<ReplayBuffer>),
}

/// The newest events published while a subscriber catches up, as shared bytes. Older events are dropped,
/// and the subscriber reads them from the database.
struct ReplayBuffer {
    frames: VecDeque<(i64, Bytes)>,
    bytes: usize,
    /// The highest position that was dropped.
    dropped_up_to: i64,
}

impl ReplayBuffer {
    fn push(&mut self, batch: &EncodedBatch) {
        // A slice of a long batch would keep the whole batch in memory.
        let is_long = batch.bytes.len() > REPLAY_BUFFER;
        let mut left = batch.bytes.len();
        for (position, frame) in batch.positioned() {
            left = left.saturating_sub(frame.len());
            if left + frame.len() > REPLAY_BUFFER {
                self.dropped_up_to = self.dropped_up_to.max(position);
                continue;
            }
            let frame = if is_long { Bytes::copy_from_slice(&frame) } else { frame };
            self.bytes += frame.len();
            self.frames.push_back((position, frame));
        }
        while self.frames.len() > REPLAY_FRAMES || self.bytes > REPLAY_BUFFER {
            let Some((position, frame)) = self.frames.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(frame.len());
            self.dropped_up_to = self.dropped_up_to.max(position);
        }
    }
}

impl<N> Subscriber<N> {
    /// A subscriber that receives all events from now on.
    pub fn live(outbox: Arc<Outbox<N>>, encoding: Encoding) -> Self {
        Self { outbox, encoding, state: SubscriptionState::Live { after: i64::MIN } }
    }

    /// A subscriber that catches up first.
    pub fn catching_up(outbox: Arc<Outbox<N>>, encoding: Encoding) -> Self {
        let buffer = ReplayBuffer { frames: VecDeque::new(), bytes: 0, dropped_up_to: i64::MIN };
        Self { outbox, encoding, state: SubscriptionState::CatchingUp(Box::new(buffer)) }
    }

    /// Writes the frames this subscriber does not have yet, or buffers them. Returns how many were written.
    pub fn deliver(&mut self, batch: &EncodedBatch) -> u64 {
        match &mut self.state {
            SubscriptionState::Live { after } => {
                let known = batch.already_seen(*after);
                match batch.frames.get(known) {
                    // The usual case: all subscribers share the same bytes.
                    Some((_, 0)) => self.outbox.socket.write(&batch.bytes),
                    Some((_, start)) => self.outbox.socket.write(&batch.bytes.slice(*start..)),
                    None => {}
                }
                batch.frames.len().saturating_sub(known) as u64
            }
            SubscriptionState::CatchingUp(buffer) => {
                buffer.push(batch);
                0
            }
        }
    }

    /// Makes the subscriber live if the buffer dropped nothing after `after`. Writes `first` before the
    /// buffered events.
    pub fn go_live(&mut self, after: i64, first: &Bytes) -> CatchUp {
        if let SubscriptionState::CatchingUp(buffer) = &mut self.state {
            if buffer.dropped_up_to > after {
                return CatchUp::Behind(buffer.dropped_up_to);
            }
            self.outbox.socket.write(first);
            for (_, frame) in buffer.frames.iter().filter(|(position, _)| *position > after) {
                self.outbox.socket.write(frame);
            }
            self.state = SubscriptionState::Live { after };
        }
        CatchUp::Live
    }
}
