//! The deliveries of all messages of a measurement: which arrived, and when.

use serde_json::{Value, json};

use crate::histogram::Histogram;
use crate::latency_stamp::Stamp;

pub struct DeliveryLog {
    /// Expected deliveries of each message.
    each: u32,
    /// For each room: the first message number that counts, and the missing deliveries of each message from
    /// there.
    rooms: Vec<(u32, Vec<u32>)>,
    pub delivered: u64,
    pub bytes: u64,
    pub complete: u64,
    /// Deliveries beyond the expected ones.
    pub surplus: u64,
    /// Time of the last delivery.
    pub last: u64,
    one: Histogram,
    all: Histogram,
    stored: Histogram,
}

impl DeliveryLog {
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

    /// Restarts the count from this message number in each room. Late deliveries of earlier messages are
    /// ignored.
    pub fn begin(&mut self, first: &[u32]) {
        let each = self.each;
        *self = Self::new(first.len(), each);
        for (room, first) in self.rooms.iter_mut().zip(first) {
            room.0 = *first;
        }
    }

    /// Counts a frame if it is a message. Returns the room if this was the last missing delivery.
    pub fn received(&mut self, frame: &[u8], now: u64) -> Option<u16> {
        let stamp = Stamp::find(frame)?;
        let (first, missing) = self.rooms.get_mut(usize::from(stamp.room))?;
        let index = usize::try_from(stamp.number.checked_sub(*first)?).ok()?;
        if index >= missing.len() {
            missing.resize(index + 1, self.each);
        }
        let Some(left) = missing[index].checked_sub(1) else {
            self.surplus += 1;
            return None;
        };
        missing[index] = left;
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

    /// Records that the server acknowledged a message as stored.
    pub fn stored(&mut self, nonce: &[u8], now: u64) {
        let Some(stamp) = Stamp::parse(nonce) else { return };
        if self.rooms.get(usize::from(stamp.room)).is_some_and(|room| stamp.number >= room.0) {
            self.stored.add(now.saturating_sub(stamp.at));
        }
    }

    /// Average bytes of a frame, without the WebSocket header.
    pub fn frame_bytes(&self) -> u64 {
        self.bytes / self.delivered.max(1)
    }

    /// The measurements, for this number of sent messages.
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
    fn further_deliveries_of_a_complete_message_are_surplus() {
        let mut delivery_log = DeliveryLog::new(2, 2);
        assert_eq!(delivery_log.received(&frame(1, 0), 20), None);
        assert_eq!(delivery_log.received(&frame(1, 0), 30), Some(1));
        assert_eq!(delivery_log.received(&frame(1, 0), 40), None);
        assert_eq!(
            (delivery_log.delivered, delivery_log.complete, delivery_log.surplus),
            (2, 1, 1)
        );
        assert_eq!(delivery_log.report(2)["lost"], 2);
    }

    #[test]
    fn late_deliveries_of_earlier_messages_do_not_count() {
        let mut delivery_log = DeliveryLog::new(1, 1);
        delivery_log.begin(&[5]);
        assert_eq!(delivery_log.received(&frame(0, 4), 20), None);
        assert_eq!(delivery_log.received(&frame(0, 5), 20), Some(0));
        assert_eq!(delivery_log.received(br#"{"type":"presence"}"#, 20), None);
        assert_eq!(delivery_log.delivered, 1);
    }
}
