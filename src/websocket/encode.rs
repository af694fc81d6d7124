//! Encodes the frames that the server sends: a header of two to ten bytes and the unmasked payload
//! (RFC 6455, section 5.2). A frame is encoded once and sent to many clients.

use bytes::{BufMut as _, Bytes, BytesMut};

/// Marks the last frame of a message. The server never fragments a message.
pub(super) const FIN: u8 = 0x80;
/// Marks a masked payload. Every frame of a client must be masked.
pub(super) const MASKED: u8 = 0x80;
/// The maximum payload of a ping, pong or close frame, in bytes.
pub(super) const LONGEST_CONTROL: usize = 125;

pub(super) const CONTINUATION: u8 = 0x0;
pub(super) const TEXT: u8 = 0x1;
pub(super) const BINARY: u8 = 0x2;
pub(super) const CLOSE: u8 = 0x8;
pub(super) const PING: u8 = 0x9;
pub(super) const PONG: u8 = 0xA;

/// A ping without payload.
pub const HEARTBEAT: Bytes = Bytes::from_static(&[FIN | PING, 0]);

/// The length of the longest header, in bytes.
const LONGEST_HEADER: usize = 10;

/// Encodes a text message.
pub fn text(payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(LONGEST_HEADER + payload.len());
    put_text(&mut frame, payload);
    frame.freeze()
}

/// Encodes a binary message.
pub fn binary(payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(LONGEST_HEADER + payload.len());
    put_header(&mut frame, BINARY, payload.len());
    frame.extend_from_slice(payload);
    frame.freeze()
}

/// Appends an encoded text message to `into`.
pub fn put_text(into: &mut BytesMut, payload: &[u8]) {
    put_header(into, TEXT, payload.len());
    into.extend_from_slice(payload);
}

/// Encodes the answer to a ping, with the ping's payload (at most 125 bytes).
pub fn pong(payload: &[u8]) -> Bytes {
    control(PONG, payload)
}

/// Encodes a close frame. Without a code the frame gives no reason.
pub fn close(code: Option<u16>) -> Bytes {
    match code {
        Some(code) => control(CLOSE, &code.to_be_bytes()),
        None => control(CLOSE, &[]),
    }
}

fn control(opcode: u8, payload: &[u8]) -> Bytes {
    let payload = payload.get(..LONGEST_CONTROL).unwrap_or(payload);
    let mut frame = BytesMut::with_capacity(2 + payload.len());
    put_header(&mut frame, opcode, payload.len());
    frame.extend_from_slice(payload);
    frame.freeze()
}

fn put_header(into: &mut BytesMut, opcode: u8, length: usize) {
    into.put_u8(FIN | opcode);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if length <= LONGEST_CONTROL => into.put_u8(short),
        (_, Ok(medium)) => {
            into.put_u8(126);
            into.put_u16(medium);
        }
        _ => {
            into.put_u8(127);
            into.put_u64(length as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_header_is_used() {
        for (length, header) in [
            (0, &[0x81, 0][..]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (65_535, &[0x81, 126, 0xff, 0xff]),
            (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let frame = text(&vec![b'x'; length]);
            assert!(frame.starts_with(header) && frame.len() == header.len() + length, "{length}");
        }
    }

    #[test]
    fn binary_frames_match_the_examples_of_rfc_6455() {
        for (length, header) in
            [(256, &[0x82, 0x7e, 1, 0][..]), (65_536, &[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0])]
        {
            let payload = vec![0xff; length];
            assert_eq!(binary(&payload), [header, &payload].concat());
        }
    }

    #[test]
    fn control_frames_match_the_examples_of_rfc_6455() {
        assert_eq!(&HEARTBEAT[..], [0x89, 0]);
        assert_eq!(&pong(b"Hello")[..], [0x8a, 5, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
        assert_eq!(&close(Some(1000))[..], [0x88, 2, 0x03, 0xe8]);
        assert_eq!(&close(None)[..], [0x88, 0]);
    }
}
