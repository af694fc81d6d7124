//! What the server writes: a header of two to ten bytes and the payload as it is (RFC 6455,
//! section 5.2). Written once, sent to many.

use bytes::{BufMut as _, Bytes, BytesMut};

/// Says that this frame is the last of its message. The server never splits one.
pub(super) const FIN: u8 = 0x80;
/// Says that the payload is masked, as everything is that a client sends.
pub(super) const MASKED: u8 = 0x80;
/// The payload of a ping, pong or close is no longer.
pub(super) const LONGEST_CONTROL: usize = 125;

pub(super) const CONTINUATION: u8 = 0x0;
pub(super) const TEXT: u8 = 0x1;
pub(super) const BINARY: u8 = 0x2;
pub(super) const CLOSE: u8 = 0x8;
pub(super) const PING: u8 = 0x9;
pub(super) const PONG: u8 = 0xA;

/// A ping without payload.
pub const HEARTBEAT: Bytes = Bytes::from_static(&[FIN | PING, 0]);

/// Room for the longest header.
const LONGEST_HEADER: usize = 10;

/// A text message.
pub fn text(payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(LONGEST_HEADER + payload.len());
    put_text(&mut frame, payload);
    frame.freeze()
}

/// A text message, behind what is there already.
pub fn put_text(into: &mut BytesMut, payload: &[u8]) {
    put_header(into, TEXT, payload.len());
    into.extend_from_slice(payload);
}

/// The answer to a ping, with its payload: at most 125 bytes, as the ping had.
pub fn pong(payload: &[u8]) -> Bytes {
    control(PONG, payload)
}

/// The last frame. Without a code it says nothing about why.
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
    fn a_header_is_as_short_as_the_payload_allows() {
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
    fn control_frames_are_the_examples_of_the_standard() {
        assert_eq!(&HEARTBEAT[..], [0x89, 0]);
        assert_eq!(&pong(b"Hello")[..], [0x8a, 5, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
        assert_eq!(&close(Some(1000))[..], [0x88, 2, 0x03, 0xe8]);
        assert_eq!(&close(None)[..], [0x88, 0]);
    }
}
