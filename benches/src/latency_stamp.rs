//! The stamp in every body: the room, the number of the message, and when it was due. It consists of
//! letters and digits, so that Markdown, JSON, XML and IRC do not change it.

use std::sync::LazyLock;
use std::time::Instant;

use memchr::memmem::Finder;

const MARK: &str = "stamp=";
/// Hexadecimal digits: 4 for the room, 8 for the number, 16 for the time.
pub const DIGITS: usize = 28;
/// The shortest body that can carry a stamp.
pub const SHORTEST: usize = MARK.len() + DIGITS;

static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MARK));
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Nanoseconds since the program started.
pub fn now() -> u64 {
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The room's index in the generator, from 0, independent of its id on the server.
    pub room: u16,
    /// The number of the message in its room, from 0.
    pub number: u32,
    /// When it was due, in the time of [`now`]. A late generator makes the measured latency longer, never
    /// shorter.
    pub at: u64,
}

impl Stamp {
    /// Only the digits, which are also the nonce.
    pub fn digits(self) -> String {
        format!("{:04x}{:08x}{:016x}", self.room, self.number, self.at)
    }

    /// A body of this many bytes: the stamp and plain words.
    pub fn body(self, length: usize) -> String {
        let mut body = format!("{MARK}{} ", self.digits());
        while body.len() < length {
            body.push_str("the quick brown fox jumps over the lazy dog ");
        }
        body.truncate(length.max(SHORTEST));
        // Servers trim bodies: a space at the end would make it one byte shorter.
        if body.ends_with(' ') {
            body.replace_range(body.len() - 1.., "x");
        }
        body
    }

    /// The first stamp in a frame.
    pub fn find(frame: &[u8]) -> Option<Self> {
        let at = FINDER.find(frame)? + MARK.len();
        Self::parse(frame.get(at..at + DIGITS)?)
    }

    pub fn parse(digits: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(digits).ok()?;
        Some(Self {
            room: u16::from_str_radix(text.get(..4)?, 16).ok()?,
            number: u32::from_str_radix(text.get(4..12)?, 16).ok()?,
            at: u64::from_str_radix(text.get(12..DIGITS)?, 16).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp { room: 199, number: 70_000, at: 12_345_678_901 };

    #[test]
    fn stamp_is_found_in_a_frame() {
        let frame = format!(r#"{{"type":"message","body":"{}"}}"#, STAMP.body(100));
        assert_eq!(Stamp::find(frame.as_bytes()), Some(STAMP));
        assert_eq!(Stamp::parse(STAMP.digits().as_bytes()), Some(STAMP));
    }

    #[test]
    fn missing_or_truncated_stamp_is_not_found() {
        assert_eq!(Stamp::find(br#"{"type":"presence"}"#), None);
        assert_eq!(Stamp::find(b"stamp=00c7"), None);
        assert_eq!(Stamp::find(format!("stamp={}", "g".repeat(DIGITS)).as_bytes()), None);
    }

    #[test]
    fn body_has_the_requested_length_and_no_space_at_the_end() {
        for length in SHORTEST..400 {
            let body = STAMP.body(length);
            assert_eq!(body.len(), length);
            assert_eq!(body.trim(), body);
        }
    }
}
