//! Framing: WebSocket frames (RFC 6455), and streams with a terminator after each message.

use std::ops::Range;

/// How the bytes of a server are divided into frames.
#[derive(Clone, Copy, Debug)]
pub enum Framing {
    WebSocket,
    /// A frame ends with these bytes and includes them.
    EndsWith(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Data,
    Ping,
    Close,
    Other,
}

/// A frame in a buffer: the range of its payload, and where the next frame starts.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    pub kind: Kind,
    pub payload: Range<usize>,
    pub end: usize,
}

impl Framing {
    /// The first frame of a buffer, if it is complete.
    pub fn first(self, buffer: &[u8]) -> Option<Found> {
        match self {
            Self::WebSocket => first_websocket(buffer),
            Self::EndsWith(end) => {
                let at = memchr::memmem::find(buffer, end.as_bytes())? + end.len();
                Some(Found { kind: Kind::Data, payload: 0..at, end: at })
            }
        }
    }
}

fn first_websocket(buffer: &[u8]) -> Option<Found> {
    let (opcode, short) = (buffer.first()? & 0x0f, buffer.get(1)? & 0x7f);
    let (head, length) = match short {
        126 => (4, u64::from(u16::from_be_bytes(buffer.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(buffer.get(2..10)?.try_into().ok()?)),
        short => (2, u64::from(short)),
    };
    let end = usize::try_from(length).ok()?.checked_add(head)?;
    let kind = match opcode {
        0..=2 => Kind::Data,
        8 => Kind::Close,
        9 => Kind::Ping,
        _ => Kind::Other,
    };
    (buffer.len() >= end).then_some(Found { kind, payload: head..end, end })
}

pub const TEXT: u8 = 1;
pub const PONG: u8 = 10;

/// A frame as clients send it. The mask is all zeros, which is valid and leaves the payload unchanged.
pub fn websocket(opcode: u8, payload: &[u8]) -> Vec<u8> {
    const MASKED: u8 = 0x80;
    let mut frame = vec![0x80 | opcode];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ 0..126), _) => frame.push(MASKED | length),
        (_, Ok(length)) => {
            frame.push(MASKED | 0x7e);
            frame.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            frame.push(MASKED | 0x7f);
            frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame as servers send it, without a mask.
    fn unmasked(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = websocket(opcode, payload);
        frame[1] &= 0x7f;
        let head = frame.len() - payload.len();
        frame.drain(head - 4..head);
        frame
    }

    #[test]
    fn frames_of_every_length_are_found_in_order() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 100_000] {
            let payload = vec![b'a'; length];
            let mut buffer = unmasked(TEXT, &payload);
            let end = buffer.len();
            buffer.extend(unmasked(9, b"?"));
            let found = Framing::WebSocket.first(&buffer).expect("a frame");
            assert_eq!((found.kind, found.end), (Kind::Data, end));
            assert_eq!(&buffer[found.payload], payload.as_slice());
            let next = Framing::WebSocket.first(&buffer[end..]).expect("the next");
            assert_eq!(next.kind, Kind::Ping);
        }
    }

    #[test]
    fn incomplete_frame_is_not_found() {
        let frame = unmasked(TEXT, &[b'a'; 300]);
        for cut in 0..frame.len() {
            assert_eq!(Framing::WebSocket.first(&frame[..cut]), None, "{cut} bytes");
        }
    }

    #[test]
    fn stream_is_split_after_terminators() {
        let lines = Framing::EndsWith("\n");
        assert_eq!(lines.first(b"one\ntwo").map(|found| found.end), Some(4));
        assert_eq!(lines.first(b"two"), None);
    }
}
