//! What the hub and a connection's task share: the line, and what the task shall act upon.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::limits::connection::SIGNALS;
use crate::websocket::SocketMetrics;
use crate::websocket::{IdleBeats, Socket, Stream, encode};

/// Heartbeats of silence before a ping: 25 seconds. A ping keeps proxies from cutting the line;
/// most of them wait a minute.
const PING_AFTER_BEATS: u8 = 5;
/// Heartbeats of silence before somebody counts as gone: 65 seconds.
const GONE_AFTER_BEATS: u8 = 13;

/// Heartbeats without a byte taken: 20 seconds, and the rest of the heartbeat in which it began.
const STALLED_AFTER_BEATS: u8 = 5;

pub(super) struct Outbox<N> {
    pub socket: Socket,
    signals: Mutex<VecDeque<N>>,
    stopped: AtomicBool,
}

impl<N: PartialEq> Outbox<N> {
    pub fn new(stream: Stream, meters: &SocketMetrics) -> Self {
        Self {
            socket: Socket::new(stream, meters),
            signals: Mutex::new(VecDeque::new()),
            stopped: AtomicBool::new(false),
        }
    }

    /// Leaves a notice and wakes the task. The same as the last that waits is left once: whoever acts upon
    /// it sees how it is then.
    pub fn signal(&self, notice: N) {
        let mut notices = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        if notices.back() == Some(&notice) {
            return;
        }
        if notices.len() < SIGNALS {
            notices.push_back(notice);
            self.socket.wake();
        } else {
            self.socket.cut();
        }
    }

    pub fn next_signal(&self) -> Option<N> {
        let mut notices = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        let next = notices.pop_front();
        if notices.is_empty() && notices.capacity() > 0 {
            *notices = VecDeque::new();
        }
        next
    }

    /// Asks the task to say goodbye as soon as it has done what it is doing.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.socket.wake();
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Asks who is silent whether they are there, and gives up who does not answer, or takes nothing of
    /// what waits.
    pub fn heartbeat(&self) {
        let IdleBeats { quiet, since_sent: stalled } = self.socket.beat();
        if stalled >= STALLED_AFTER_BEATS {
            self.socket.cut_as_slow();
        } else if quiet >= GONE_AFTER_BEATS {
            self.socket.cut();
        } else if quiet.is_multiple_of(PING_AFTER_BEATS) {
            self.socket.write(&encode::HEARTBEAT);
        }
    }
}
