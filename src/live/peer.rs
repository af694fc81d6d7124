//! What the hub and a connection's task share: the line, and what the task shall act upon.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::meters::Meters;
use super::transport::{Beats, Line, Stream, frame};
use crate::limits::connection::SIGNALS;

/// Heartbeats of silence before a ping: 25 seconds. A ping keeps proxies from cutting the line;
/// most of them wait a minute.
const PING_AFTER: u8 = 5;
/// Heartbeats of silence before somebody counts as gone: 65 seconds.
const GONE_AFTER: u8 = 13;

/// Heartbeats without a byte taken: 20 seconds, and the rest of the heartbeat in which it began.
const STALLED_AFTER: u8 = 5;

pub(super) struct Peer<N> {
    pub line: Line,
    notices: Mutex<VecDeque<N>>,
    stopped: AtomicBool,
}

impl<N: PartialEq> Peer<N> {
    pub fn new(stream: Stream, meters: &Meters) -> Self {
        Self {
            line: Line::new(stream, meters),
            notices: Mutex::new(VecDeque::new()),
            stopped: AtomicBool::new(false),
        }
    }

    /// Leaves a notice and wakes the task. The same as the last that waits is left once: whoever acts upon
    /// it sees how it is then.
    pub fn tell(&self, notice: N) {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        if notices.back() == Some(&notice) {
            return;
        }
        if notices.len() < SIGNALS {
            notices.push_back(notice);
            self.line.wake();
        } else {
            self.line.cut();
        }
    }

    pub fn next_notice(&self) -> Option<N> {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        let next = notices.pop_front();
        if notices.is_empty() && notices.capacity() > 0 {
            *notices = VecDeque::new();
        }
        next
    }

    /// Asks the task to say goodbye as soon as it has done what it is doing.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.line.wake();
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Asks who is silent whether they are there, and gives up who does not answer, or takes nothing of
    /// what waits.
    pub fn beat(&self) {
        let Beats { quiet, stalled } = self.line.beat();
        if stalled >= STALLED_AFTER {
            self.line.cut_as_slow();
        } else if quiet >= GONE_AFTER {
            self.line.cut();
        } else if quiet.is_multiple_of(PING_AFTER) {
            self.line.write(&frame::HEARTBEAT);
        }
    }
}
