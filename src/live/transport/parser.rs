//! What clients write: bytes in pieces of any size become messages (RFC 6455, section 5).
//!
//! Keeps nothing but an incomplete frame, so that somebody who is silent takes no buffer.

use bytes::Bytes;

use super::frame::{
    BINARY, CLOSE, CONTINUATION, FIN, LONGEST_CONTROL, MASKED, PING, PONG, TEXT,
};

/// The largest message a client may send, in bytes, over all its fragments.
pub const LARGEST: usize = 64 * 1024;

/// Against the rules of framing.
const PROTOCOL_ERROR: u16 = 1002;
/// A text that is no UTF-8.
const NOT_TEXT: u16 = 1007;
const TOO_LARGE: u16 = 1009;

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    Text(String),
    /// Its bytes are of no use here.
    Binary,
    Ping(Bytes),
    Pong,
    /// The client says goodbye, with its code if it gave one.
    Close(Option<u16>),
    /// It broke the rules, and this is the code to say so with. Nothing comes after it.
    Broken(u16),
}

/// The state between two pieces.
#[derive(Default)]
pub struct Parser {
    /// The raw bytes of a frame that is not complete yet.
    partial: Vec<u8>,
    /// A message of which not all fragments are there yet.
    fragments: Option<Fragments>,
    over: bool,
}

struct Fragments {
    is_text: bool,
    bytes: Vec<u8>,
}

/// A frame's header, and where in its bytes the payload is.
struct Head {
    fin: bool,
    opcode: u8,
    mask: [u8; 4],
    start: usize,
    end: usize,
}

impl Parser {
    /// Takes the next bytes and gives all that is complete now. After a close, or what breaks the
    /// rules, nothing more is read.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Incoming> {
        let mut found = Vec::new();
        if self.partial.is_empty() {
            let rest = self.take_frames(bytes, &mut found);
            self.partial = rest.to_vec();
        } else {
            let mut all = std::mem::take(&mut self.partial);
            all.extend_from_slice(bytes);
            let rest = self.take_frames(&all, &mut found).len();
            let taken = all.len().saturating_sub(rest);
            if taken > 0 {
                all = all.split_off(taken);
            }
            self.partial = all;
        }
        found
    }

    /// Gives back what is left of the bytes: the beginning of a frame, or nothing.
    fn take_frames<'a>(&mut self, mut bytes: &'a [u8], found: &mut Vec<Incoming>) -> &'a [u8] {
        while !self.over {
            match self.next_frame(bytes) {
                Ok(Some((message, rest))) => {
                    self.over = matches!(message, Some(Incoming::Close(_)));
                    found.extend(message);
                    bytes = rest;
                }
                Ok(None) => return bytes,
                Err(code) => {
                    self.over = true;
                    self.fragments = None;
                    found.push(Incoming::Broken(code));
                }
            }
        }
        &[]
    }

    /// The first frame of the bytes, what it completes, and the bytes behind it; `None` when it is
    /// not all there.
    fn next_frame<'a>(
        &mut self,
        bytes: &'a [u8],
    ) -> Result<Option<(Option<Incoming>, &'a [u8])>, u16> {
        let Some(head) = read_head(bytes)? else { return Ok(None) };
        self.check(&head)?;
        let (Some(payload), Some(rest)) = (bytes.get(head.start..head.end), bytes.get(head.end..))
        else {
            return Ok(None);
        };
        let mut payload = payload.to_vec();
        for (byte, key) in payload.iter_mut().zip(head.mask.iter().cycle()) {
            *byte ^= key;
        }
        Ok(Some((self.complete(&head, payload)?, rest)))
    }

    /// Whether the header may stand here, before its payload is waited for.
    fn check(&self, head: &Head) -> Result<(), u16> {
        let length = head.end.saturating_sub(head.start);
        match (head.opcode, &self.fragments) {
            (CLOSE | PING | PONG, _) if head.fin && length <= LONGEST_CONTROL => Ok(()),
            (TEXT | BINARY, None) if length <= LARGEST => Ok(()),
            (CONTINUATION, Some(begun)) if begun.bytes.len() + length <= LARGEST => Ok(()),
            (TEXT | BINARY, None) | (CONTINUATION, Some(_)) => Err(TOO_LARGE),
            _ => Err(PROTOCOL_ERROR),
        }
    }

    fn complete(&mut self, head: &Head, payload: Vec<u8>) -> Result<Option<Incoming>, u16> {
        match head.opcode {
            PING => return Ok(Some(Incoming::Ping(payload.into()))),
            PONG => return Ok(Some(Incoming::Pong)),
            CLOSE => return farewell(&payload).map(Some),
            _ => {}
        }
        let message = match self.fragments.take() {
            None => Fragments { is_text: head.opcode == TEXT, bytes: payload },
            Some(mut begun) => {
                begun.bytes.extend_from_slice(&payload);
                begun
            }
        };
        if !head.fin {
            self.fragments = Some(message);
            Ok(None)
        } else if message.is_text {
            let text = String::from_utf8(message.bytes).map_err(|_| NOT_TEXT)?;
            Ok(Some(Incoming::Text(text)))
        } else {
            Ok(Some(Incoming::Binary))
        }
    }
}

fn read_head(bytes: &[u8]) -> Result<Option<Head>, u16> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    // Reserved bits belong to extensions, and none was agreed upon.
    if first & 0x70 != 0 || second & MASKED == 0 {
        return Err(PROTOCOL_ERROR);
    }
    let (fin, opcode, short) = (first & FIN != 0, first & 0x0f, second & 0x7f);
    let (length, width): (u64, usize) = match (short, rest) {
        (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 2),
        (127, [a, b, c, d, e, f, g, h, ..]) => {
            (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 8)
        }
        (126 | 127, _) => return Ok(None),
        _ => (u64::from(short), 0),
    };
    let shortest = match width {
        0 => 0,
        2 => 126,
        _ => 1 << 16,
    };
    if length < shortest || length > u64::MAX / 2 {
        return Err(PROTOCOL_ERROR);
    }
    // More than memory can hold is more than is allowed, and is refused by its length.
    let length = usize::try_from(length).unwrap_or(usize::MAX / 2).min(usize::MAX / 2);
    let start = 2 + width + 4;
    let end = start.saturating_add(length);
    // What is too long is refused before its mask is there.
    let mask = match rest.get(width..) {
        Some([a, b, c, d, ..]) => [*a, *b, *c, *d],
        _ => [0; 4],
    };
    Ok(Some(Head { fin, opcode, mask, start, end }))
}

fn farewell(payload: &[u8]) -> Result<Incoming, u16> {
    let [a, b, reason @ ..] = payload else {
        return if payload.is_empty() { Ok(Incoming::Close(None)) } else { Err(PROTOCOL_ERROR) };
    };
    let code = u16::from_be_bytes([*a, *b]);
    // 1004 to 1006 and 1015 never travel (RFC 6455, section 7.4).
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(PROTOCOL_ERROR);
    }
    match std::str::from_utf8(reason) {
        Ok(_) => Ok(Incoming::Close(Some(code))),
        Err(_) => Err(NOT_TEXT),
    }
}

