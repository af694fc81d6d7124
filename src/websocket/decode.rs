//! What clients write: bytes in pieces of any size become messages (RFC 6455, section 5).
//!
//! Keeps the bytes that were not taken yet and no more: messages are made one by one as they are asked
//! for, so that a client cannot turn a few bytes of frames into much more memory. A silent client takes
//! no buffer.

use bytes::Bytes;

use crate::limits::connection::FRAME as LARGEST;
use crate::websocket::encode::{
    BINARY, CLOSE, CONTINUATION, FIN, LONGEST_CONTROL, MASKED, PING, PONG, TEXT,
};

/// Against the rules of framing.
const PROTOCOL_ERROR: u16 = 1002;
/// A text that is no UTF-8.
const INVALID_UTF8: u16 = 1007;
const MESSAGE_TOO_BIG: u16 = 1009;

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    Text(String),
    /// Its bytes are of no use here.
    Binary,
    Ping(Bytes),
    Pong,
    /// A piece of a message that is not complete yet: it costs work as a message does.
    Fragment,
    /// The client says goodbye, with its code if it gave one.
    Close(Option<u16>),
    /// It broke the rules, and this is the code to say so with. Nothing comes after it.
    ProtocolError(u16),
}

/// The state between two pieces. Iterating gives what is complete.
#[derive(Default)]
pub struct Decoder {
    /// Bytes as they came; the first `taken` of them were understood already.
    raw: Vec<u8>,
    taken: usize,
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

impl Decoder {
    /// Takes the next bytes. After a close, or what breaks the rules, nothing more is read.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !self.over {
            self.raw.extend_from_slice(bytes);
        }
    }

    /// Forgets the bytes of a frame. What is left is moved only when it is the smaller part, so that each
    /// byte is moved once however many frames there are.
    fn take(&mut self, length: usize) {
        self.taken += length;
        let left = self.raw.get(self.taken..).unwrap_or_default();
        if left.len() <= self.taken {
            self.raw = left.to_vec();
            self.taken = 0;
        }
    }

    /// The first frame of the bytes, and how long it is. `None` when it is not all there.
    fn next_frame(&mut self) -> Result<Option<(Incoming, usize)>, u16> {
        let bytes = self.raw.get(self.taken..).unwrap_or_default();
        let Some(head) = read_head(bytes)? else { return Ok(None) };
        self.check(&head)?;
        let Some(payload) = bytes.get(head.start..head.end) else { return Ok(None) };
        let mut payload = payload.to_vec();
        for (byte, key) in payload.iter_mut().zip(head.mask.iter().cycle()) {
            *byte ^= key;
        }
        Ok(Some((self.complete(&head, payload)?, head.end)))
    }

    /// Whether the header may stand here, before its payload is waited for.
    fn check(&self, head: &Head) -> Result<(), u16> {
        let length = head.end.saturating_sub(head.start);
        match (head.opcode, &self.fragments) {
            (CLOSE | PING | PONG, _) if head.fin && length <= LONGEST_CONTROL => Ok(()),
            (TEXT | BINARY, None) if length <= LARGEST => Ok(()),
            (CONTINUATION, Some(begun)) if begun.bytes.len() + length <= LARGEST => Ok(()),
            (TEXT | BINARY, None) | (CONTINUATION, Some(_)) => Err(MESSAGE_TOO_BIG),
            _ => Err(PROTOCOL_ERROR),
        }
    }

    fn complete(&mut self, head: &Head, payload: Vec<u8>) -> Result<Incoming, u16> {
        match head.opcode {
            PING => return Ok(Incoming::Ping(payload.into())),
            PONG => return Ok(Incoming::Pong),
            CLOSE => return close_code(&payload),
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
            Ok(Incoming::Fragment)
        } else if message.is_text {
            let text = String::from_utf8(message.bytes).map_err(|_| INVALID_UTF8)?;
            Ok(Incoming::Text(text))
        } else {
            Ok(Incoming::Binary)
        }
    }
}

impl Iterator for Decoder {
    type Item = Incoming;

    fn next(&mut self) -> Option<Incoming> {
        if self.over {
            return None;
        }
        let incoming = match self.next_frame() {
            Ok(Some((incoming, length))) => {
                self.take(length);
                incoming
            }
            Ok(None) => return None,
            Err(code) => Incoming::ProtocolError(code),
        };
        if matches!(incoming, Incoming::Close(_) | Incoming::ProtocolError(_)) {
            *self = Self { over: true, ..Self::default() };
        }
        Some(incoming)
    }
}

fn read_head(bytes: &[u8]) -> Result<Option<Head>, u16> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    // Reserved bits belong to extensions, and none was agreed upon.
    if first & 0x70 != 0 || second & MASKED == 0 {
        return Err(PROTOCOL_ERROR);
    }
    let (fin, opcode, short) = (first & FIN != 0, first & 0x0f, second & 0x7f);
    let (length, width) = match short {
        126 => (rest.first_chunk().map(|length| u64::from(u16::from_be_bytes(*length))), 2),
        127 => (rest.first_chunk().map(|length| u64::from_be_bytes(*length)), 8),
        _ => (Some(u64::from(short)), 0),
    };
    let Some(length) = length else { return Ok(None) };
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
    let start: usize = 2 + width + 4;
    let end = start.saturating_add(length);
    // What is too long is refused before its mask is there.
    let mask = rest.get(width..).and_then(|rest| rest.first_chunk().copied()).unwrap_or_default();
    Ok(Some(Head { fin, opcode, mask, start, end }))
}

fn close_code(payload: &[u8]) -> Result<Incoming, u16> {
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
        Err(_) => Err(INVALID_UTF8),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::websocket::encode;

    /// A frame as a client sends it.
    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [0x37, 0xfa, 0x21, 0x3d];
        let mut bytes = encode::text(payload).to_vec();
        let header = bytes.len() - payload.len();
        bytes[0] = first;
        bytes[1] |= MASKED;
        for (byte, key) in bytes[header..].iter_mut().zip(mask.iter().cycle()) {
            *byte ^= key;
        }
        bytes.splice(header..header, mask);
        bytes
    }

    fn parse(bytes: &[u8]) -> Vec<Incoming> {
        fed(&mut Decoder::default(), bytes)
    }

    /// What is complete with these bytes; that a piece came is left out.
    fn fed(parser: &mut Decoder, bytes: &[u8]) -> Vec<Incoming> {
        parser.feed(bytes);
        parser.by_ref().filter(|it| *it != Incoming::Fragment).collect()
    }

    #[test]
    fn frames_are_the_examples_of_the_standard() {
        let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        assert_eq!(masked(FIN | TEXT, b"Hello"), hello);
        assert_eq!(parse(&hello), [Incoming::Text("Hello".to_owned())]);
        let fragmented = [masked(TEXT, b"Hel"), masked(FIN | PING, b"?"), masked(FIN, b"lo")];
        let expected = [Incoming::Ping("?".into()), Incoming::Text("Hello".to_owned())];
        assert_eq!(parse(&fragmented.concat()), expected);
    }

    #[test]
    fn what_breaks_the_rules_is_refused_with_its_code_and_what_keeps_them_is_not() {
        let long = vec![b'x'; LARGEST];
        let halves = |rest: &[u8]| [masked(TEXT, &long[1..]), masked(FIN, rest)].concat();
        let mut unmasked = masked(FIN | TEXT, b"x");
        unmasked[1] &= !MASKED;
        for (what, bytes, code) in [
            ("no mask", unmasked, 1002),
            ("a reserved bit", masked(FIN | 0x40 | TEXT, b"x"), 1002),
            ("a reserved opcode", masked(FIN | 0x3, b"x"), 1002),
            ("a ping in pieces", masked(PING, b"x"), 1002),
            ("a ping of 126 bytes", masked(FIN | PING, &[0; 126]), 1002),
            ("the middle without a beginning", masked(FIN, b"x"), 1002),
            ("two beginnings", [masked(TEXT, b"x"), masked(FIN | TEXT, b"x")].concat(), 1002),
            ("half a code", masked(FIN | CLOSE, &[3]), 1002),
            ("a code that never travels", masked(FIN | CLOSE, &1005_u16.to_be_bytes()), 1002),
            ("a reason that is no text", masked(FIN | CLOSE, &[3, 0xe8, 0xff]), 1007),
            ("a longer length than needed", vec![0x81, 0xfe, 0, 1, 0, 0, 0, 0, b'x'], 1002),
            ("a text that is none", masked(FIN | TEXT, &[0xc3]), 1007),
            ("one byte too many", masked(FIN | TEXT, &[&long[..], b"x"].concat()), 1009),
            ("one byte too many in pieces", halves(b"xx"), 1009),
            ("more than there is", vec![0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255], 1009),
        ] {
            assert_eq!(parse(&bytes).last(), Some(&Incoming::ProtocolError(code)), "{what}");
        }
        let text = Incoming::Text(String::from_utf8(long.clone()).expect("text"));
        let text = [text];
        assert_eq!(parse(&masked(FIN | TEXT, &long)), text);
        assert_eq!(parse(&halves(b"x")), text);
        assert_eq!(parse(&masked(FIN | PING, &[0; 125])), [Incoming::Ping(vec![0; 125].into())]);
        // A letter may be cut in two by a fragment.
        let ene = [masked(TEXT, &[0xc3]), masked(FIN, &[0xb1])].concat();
        assert_eq!(parse(&ene), [Incoming::Text("ñ".to_owned())]);
        assert_eq!(parse(&masked(FIN | CLOSE, b"")), [Incoming::Close(None)]);
        assert_eq!(parse(&masked(FIN | CLOSE, &[3, 0xe8])), [Incoming::Close(Some(1000))]);
    }

    #[test]
    fn nothing_is_read_after_a_close_or_a_break_and_nothing_is_kept() {
        for last in [masked(FIN | CLOSE, b""), masked(FIN | 0x3, b"")] {
            let mut parser = Decoder::default();
            assert_eq!(fed(&mut parser, &[last, masked(FIN | TEXT, b"x")].concat()).len(), 1);
            assert_eq!(fed(&mut parser, &masked(FIN | TEXT, b"x")), []);
            assert_eq!(parser.raw.capacity(), 0);
        }
    }

    #[test]
    fn who_is_silent_between_two_messages_keeps_no_buffer() {
        let mut parser = Decoder::default();
        let bytes = masked(FIN | TEXT, &[b'x'; 9_000]);
        let (one, two) = bytes.split_at(5_000);
        assert_eq!(fed(&mut parser, one), []);
        assert_eq!(fed(&mut parser, two).len(), 1);
        assert_eq!(parser.raw.capacity(), 0);
    }

    #[test]
    fn every_piece_of_a_message_is_reported_so_that_it_can_be_counted() {
        let mut parser = Decoder::default();
        parser.feed(&[masked(TEXT, b""), masked(0, b""), masked(0, b"x")].concat());
        assert_eq!(parser.by_ref().collect::<Vec<_>>(), vec![Incoming::Fragment; 3]);
        parser.feed(&masked(FIN, b"y"));
        assert_eq!(parser.next(), Some(Incoming::Text("xy".to_owned())));
        assert_eq!(parser.next(), None);
    }

    #[test]
    fn many_small_frames_in_one_read_keep_no_more_than_their_bytes() {
        let (mut parser, one) = (Decoder::default(), masked(FIN | PING, b""));
        let bytes = one.repeat(10_000);
        parser.feed(&bytes);
        for left in (0..10_000).rev() {
            assert_eq!(parser.next(), Some(Incoming::Ping(Bytes::new())));
            assert!(parser.raw.len() <= 2 * left * one.len(), "{left}");
        }
        assert_eq!((parser.next(), parser.raw.capacity()), (None, 0));
    }

    /// Frames that a client may send, each with what it means.
    fn message() -> impl Strategy<Value = (Vec<u8>, Incoming)> {
        let text = |text: String| (masked(FIN | TEXT, text.as_bytes()), Incoming::Text(text));
        let ping =
            |payload: Vec<u8>| (masked(FIN | PING, &payload), Incoming::Ping(payload.into()));
        let pieces = |(text, at): (String, prop::sample::Index)| {
            let (one, two) = text.as_bytes().split_at(at.index(text.len() + 1));
            let bytes = [masked(TEXT, one), masked(FIN | PONG, b""), masked(FIN, two)];
            (bytes.concat(), Incoming::Text(text))
        };
        prop_oneof![
            ".{0,200}".prop_map(text),
            vec(any::<u8>(), 0..=125).prop_map(ping),
            (".{0,300}", any::<prop::sample::Index>()).prop_map(pieces),
            vec(any::<u8>(), 0..140_000).prop_map(|bytes| {
                let fits = bytes.len() <= LARGEST;
                let means =
                    if fits { Incoming::Binary } else { Incoming::ProtocolError(MESSAGE_TOO_BIG) };
                (masked(FIN | BINARY, &bytes), means)
            }),
        ]
    }

    fn in_pieces(bytes: &[u8], cuts: &[prop::sample::Index]) -> Vec<Incoming> {
        let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.sort_unstable();
        let ends = at.iter().copied().chain([bytes.len()]);
        let starts = [0].into_iter().chain(at.iter().copied());
        let mut parser = Decoder::default();
        starts.zip(ends).flat_map(|(start, end)| fed(&mut parser, &bytes[start..end])).collect()
    }

    proptest! {
        #[test]
        fn however_frames_are_cut_they_mean_the_same(
            messages in vec(message(), 0..6),
            cuts in vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let bytes: Vec<u8> = messages.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
            let mut expected: Vec<_> = messages.into_iter().map(|(_, means)| means).collect();
            if let Some(end) = expected.iter().position(|it| matches!(it, Incoming::ProtocolError(_))) {
                expected.truncate(end + 1);
            }
            let found = in_pieces(&bytes, &cuts);
            let found: Vec<_> = found.into_iter().filter(|it| *it != Incoming::Pong).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn whatever_arrives_it_means_the_same_in_pieces_and_nothing_panics(
            bytes in vec(any::<u8>(), 0..400),
            cuts in vec(any::<prop::sample::Index>(), 0..12),
        ) {
            prop_assert_eq!(in_pieces(&bytes, &cuts), parse(&bytes));
        }
    }

    /// What a fuzzer found or was given to begin with (`fuzz/README.md`).
    #[test]
    fn the_fuzzers_corpus_means_the_same_byte_by_byte() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/frames");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).expect("the corpus") {
            let bytes = std::fs::read(entry.expect("an entry").path()).expect("bytes");
            let mut parser = Decoder::default();
            let single: Vec<_> = bytes.iter().flat_map(|byte| fed(&mut parser, &[*byte])).collect();
            assert_eq!(single, parse(&bytes));
            seen += 1;
        }
        assert!(seen > 0, "there is a corpus");
    }
}
