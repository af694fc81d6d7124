//! How fast a client may send: a bucket of tokens that fills by time, one a frame.

use std::time::Duration;

use crate::kernel::Timestamp;

/// Frames at once: an outbox that comes back from a long tunnel.
const BURST: u16 = 200;
/// One more frame in so much time: 50 a second.
const EVERY: Duration = Duration::from_millis(20);

pub(super) struct Pace {
    /// Frames that are still free.
    left: u16,
    /// Up to when the bucket was filled.
    filled: Timestamp,
}

impl Pace {
    pub fn new(now: Timestamp) -> Self {
        Self { left: BURST, filled: now }
    }

    /// Counts a frame; false when it came too early.
    pub fn allows(&mut self, now: Timestamp) -> bool {
        let earned = self.filled.until(now).as_millis() / EVERY.as_millis();
        let earned = u16::try_from(earned).unwrap_or(u16::MAX);
        self.filled = self.filled.plus(EVERY * u32::from(earned));
        self.left = self.left.saturating_add(earned).min(BURST);
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(pace: &mut Pace, tries: usize, now: i64) -> usize {
        (0..tries).filter(|_| pace.allows(Timestamp(now))).count()
    }

    #[test]
    fn two_hundred_frames_pass_at_once_and_then_fifty_a_second() {
        let mut pace = Pace::new(Timestamp(0));
        assert_eq!(allowed(&mut pace, 300, 0), 200);
        assert_eq!(allowed(&mut pace, 100, 19), 0);
        assert_eq!(allowed(&mut pace, 100, 1_000), 50);
        assert_eq!(allowed(&mut pace, 300, 1_000_000), 200);
        // A clock that is set back takes nothing away.
        assert_eq!(allowed(&mut pace, 10, 0), 0);
        assert_eq!(allowed(&mut pace, 10, 1_000_020), 1);
    }
}
