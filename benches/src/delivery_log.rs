//! What was sent, what came, and when: one book for all messages of a measurement.

use serde_json::{Value, json};

use crate::histogram::Histogram;
use crate::stamp::Stamp;

pub struct Ledger {
    /// Deliveries that each message must have.
    each: u32,
    /// For each room: the first number that counts, and deliveries still missing of each from there.
    rooms: Vec<(u32, Vec<u32>)>,
    pub delivered: u64,
    pub bytes: u64,
    pub complete: u64,
    /// Deliveries beyond what each message must have.
    pub surplus: u64,
    /// When the last delivery came.
    pub last: u64,
    one: Histogram,
    all: Histogram,
    stored: Histogram,
}

impl Ledger {
    pub fn new(rooms: usize, each: u32) -> Self {
        Self {
            each,
            rooms: vec![(0, Vec::new()); rooms],
            delivered: 0,
            bytes: 0,
            complete: 0,
            surplus: 0,
            last: 0,
            one: Histogram::default(),
            all: Histogram::default(),
            stored: Histogram::default(),
        }
    }

    /// Counts anew, from this number on in each room; what is late from before is left out.
    pub fn begin(&mut self, first: &[u32]) {
        let each = self.each;
        *self = Self::new(first.len(), each);
        for (room, first) in self.rooms.iter_mut().zip(first) {
            room.0 = *first;
        }
    }

    /// Counts a frame if it is a message. Answers the room when everybody has the message now.
    pub fn heard(&mut self, frame: &[u8], now: u64) -> Option<u16> {
        let stamp = Stamp::find(frame)?;
        let (first, missing) = self.rooms.get_mut(usize::from(stamp.room))?;
        let place = usize::try_from(stamp.number.checked_sub(*first)?).ok()?;
        if place >= missing.len() {
            missing.resize(place + 1, self.each);
        }
        let Some(left) = missing[place].checked_sub(1) else {
            self.surplus += 1;
            return None;
        };
        missing[place] = left;
        let latency = now.saturating_sub(stamp.at);
        self.delivered += 1;
        self.bytes += frame.len() as u64;
        self.last = now;
        self.one.add(latency);
        (left == 0).then(|| {
            self.complete += 1;
            self.all.add(latency);
            stamp.room
        })
    }

    /// The sender was told that its message is on disk.
    pub fn stored(&mut self, nonce: &[u8], now: u64) {
        let Some(stamp) = Stamp::parse(nonce) else { return };
        if self.rooms.get(usize::from(stamp.room)).is_some_and(|room| stamp.number >= room.0) {
            self.stored.add(now.saturating_sub(stamp.at));
        }
    }

    /// Bytes of a frame on average, without its WebSocket head.
    pub fn frame_bytes(&self) -> u64 {
        self.bytes / self.delivered.max(1)
    }

    /// The figures, where so many messages were sent.
    pub fn report(&self, sent: u64) -> Value {
        json!({
            "messages": sent,
            "deliveries": self.delivered,
            "lost": (sent * u64::from(self.each)).saturating_sub(self.delivered),
            "surplus": self.surplus,
            "frame_bytes": self.frame_bytes(),
            "latency": self.one.report(),
            "everybody": self.all.report(),
            "stored": self.stored.report(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(room: u16, number: u32) -> Vec<u8> {
        Stamp { room, number, at: 10 }.body(60).into_bytes()
    }

    #[test]
    fn a_message_is_complete_with_its_last_delivery_and_more_is_surplus() {
        let mut ledger = Ledger::new(2, 2);
        assert_eq!(ledger.heard(&frame(1, 0), 20), None);
        assert_eq!(ledger.heard(&frame(1, 0), 30), Some(1));
        assert_eq!(ledger.heard(&frame(1, 0), 40), None);
        assert_eq!((ledger.delivered, ledger.complete, ledger.surplus), (2, 1, 1));
        assert_eq!(ledger.report(2)["lost"], 2);
    }

    #[test]
    fn what_is_late_from_before_does_not_count() {
        let mut ledger = Ledger::new(1, 1);
        ledger.begin(&[5]);
        assert_eq!(ledger.heard(&frame(0, 4), 20), None);
        assert_eq!(ledger.heard(&frame(0, 5), 20), Some(0));
        assert_eq!(ledger.heard(br#"{"type":"presence"}"#, 20), None);
        assert_eq!(ledger.delivered, 1);
    }
}
