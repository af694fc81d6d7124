//! The state that the dispatcher and a connection's task share: the socket, and the signals that the task
//! must handle.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::limits::connection::SIGNALS;
use crate::websocket::{IdleBeats, Socket, SocketMetrics, Stream, encode};

/// Heartbeats of silence before a ping: 25 seconds. The ping keeps proxies from closing the connection as
/// idle; most of them wait a minute.
const PING_AFTER_BEATS: u8 = 5;
/// Heartbeats of silence before the connection is dropped: 65 seconds.
const GONE_AFTER_BEATS: u8 = 13;

/// Heartbeats in which the client reads nothing while bytes are queued, before the connection is dropped:
/// 20 seconds, plus the rest of the heartbeat in which the first byte was queued.
const STALLED_AFTER_BEATS: u8 = 5;

pub(super) struct Outbox<N> {
    pub socket: Socket,
    signals: Mutex<VecDeque<N>>,
    stopped: AtomicBool,
}

impl<N: PartialEq> Outbox<N> {
    pub fn new(stream: Stream, metrics: &SocketMetrics) -> Self {
        Self {
            socket: Socket::new(stream, metrics),
            signals: Mutex::new(VecDeque::new()),
            stopped: AtomicBool::new(false),
        }
    }

    /// Queues a signal and wakes the task. A signal equal to the last queued one is dropped: the task reads
    /// the current state when it handles the first. A connection with too many pending signals is dropped.
    pub fn signal(&self, signal: N) {
        let mut signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        if signals.back() == Some(&signal) {
            return;
        }
        if signals.len() < SIGNALS {
            signals.push_back(signal);
            self.socket.wake();
        } else {
            self.socket.cut();
        }
    }

    pub fn next_signal(&self) -> Option<N> {
        let mut signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        let next = signals.pop_front();
        if signals.is_empty() && signals.capacity() > 0 {
            *signals = VecDeque::new();
        }
        next
    }

    /// Asks the task to close the connection after its current step.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.socket.wake();
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Pings a silent client. Drops the connection if the client does not answer, or reads nothing of the
    /// queued bytes.
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
