//! Decodes the frames of clients: chunks of bytes of any size become messages (RFC 6455, section 5).
//!
//! Keeps only the bytes that are not decoded yet. Messages are decoded one by one on demand, so that a
//! client cannot turn a few bytes of frames into much more memory. The decoder of a silent client has no
//! buffer.

use bytes::Bytes;

use crate::limits::connection::FRAME as LARGEST;
use crate::websocket::encode::{
    BINARY, CLOSE, CONTINUATION, FIN, LONGEST_CONTROL, MASKED, PING, PONG, TEXT,
};

/// The client violated the framing rules.
const PROTOCOL_ERROR: u16 = 1002;
/// A text message is not UTF-8.
const INVALID_UTF8: u16 = 1007;
const MESSAGE_TOO_BIG: u16 = 1009;

/// A decoded message or control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    Text(String),
    Binary(Bytes),
    Ping(Bytes),
    Pong,
    /// A fragment of an incomplete message. Reported because it costs as much work as a message.
    Fragment,
    /// The client closes, with its close code if it sent one.
    Close(Option<u16>),
    /// The client violated the protocol. Holds the close code to send. The decoder returns nothing after it.
    ProtocolError(u16),
}

/// An incremental decoder. Iterating returns the messages that are complete.
#[derive(Default)]
pub struct Decoder {
    /// Received bytes. The first `consumed` of them are decoded already.
    raw: Vec<u8>,
    consumed: usize,
    /// A message whose last fragment has not arrived yet.
    fragments: Option<Fragments>,
    /// A close frame or a protocol error was returned.
    is_finished: bool,
}

struct Fragments {
    is_text: bool,
    bytes: Vec<u8>,
}

/// A frame's header, and the range of its payload in the bytes.
struct Head {
    fin: bool,
    opcode: u8,
    mask: [u8; 4],
    start: usize,
    end: usize,
}

impl Decoder {
    /// Adds received bytes. After a close frame or a protocol error they are discarded.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !self.is_finished {
            self.raw.extend_from_slice(bytes);
        }
    }

    /// Drops the bytes of a decoded frame. Moves the rest only if it is the smaller part, so that the moves
    /// cost linear time over any number of frames.
    fn consume(&mut self, length: usize) {
        self.consumed += length;
        let left = self.raw.get(self.consumed..).unwrap_or_default();
        if left.len() <= self.consumed {
            self.raw = left.to_vec();
            self.consumed = 0;
        }
    }

    /// Decodes the first frame and returns it with its length in bytes; `None` if it is incomplete.
    fn next_frame(&mut self) -> Result<Option<(Incoming, usize)>, u16> {
        let bytes = self.raw.get(self.consumed..).unwrap_or_default();
        let Some(head) = read_head(bytes)? else { return Ok(None) };
        self.check(&head)?;
        let Some(payload) = bytes.get(head.start..head.end) else { return Ok(None) };
        let mut payload = payload.to_vec();
        for (byte, key) in payload.iter_mut().zip(head.mask.iter().cycle()) {
            *byte ^= key;
        }
        Ok(Some((self.complete(&head, payload)?, head.end)))
    }

    /// Checks a header before its payload arrives, so that an invalid or too long frame is never buffered.
    fn check(&self, head: &Head) -> Result<(), u16> {
        let length = head.end.saturating_sub(head.start);
        match (head.opcode, &self.fragments) {
            (CLOSE | PING | PONG, _) if head.fin && length <= LONGEST_CONTROL => Ok(()),
            (TEXT | BINARY, None) if length <= LARGEST => Ok(()),
            (CONTINUATION, Some(first)) if first.bytes.len() + length <= LARGEST => Ok(()),
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
            Some(mut message) => {
                message.bytes.extend_from_slice(&payload);
                message
            }
        };
        if !head.fin {
            self.fragments = Some(message);
            Ok(Incoming::Fragment)
        } else if message.is_text {
            let text = String::from_utf8(message.bytes).map_err(|_| INVALID_UTF8)?;
            Ok(Incoming::Text(text))
        } else {
            Ok(Incoming::Binary(message.bytes.into()))
        }
    }
}

impl Iterator for Decoder {
    type Item = Incoming;

    fn next(&mut self) -> Option<Incoming> {
        if self.is_finished {
            return None;
        }
        let incoming = match self.next_frame() {
            Ok(Some((incoming, length))) => {
                self.consume(length);
                incoming
            }
            Ok(None) => return None,
            Err(code) => Incoming::ProtocolError(code),
        };
        if matches!(incoming, Incoming::Close(_) | Incoming::ProtocolError(_)) {
            *self = Self { is_finished: true, ..Self::default() };
        }
        Some(incoming)
    }
}

fn read_head(bytes: &[u8]) -> Result<Option<Head>, u16> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    // Reserved bits belong to extensions, and the handshake negotiates none. A client must mask every frame.
    if first & 0x70 != 0 || second & MASKED == 0 {
        return Err(PROTOCOL_ERROR);
    }
    let fin = first & FIN != 0;
    let opcode = first & 0x0f;
    let short = second & 0x7f;
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
    // A length that does not fit into memory exceeds the limit anyway, and `check` refuses it.
    let length = usize::try_from(length).unwrap_or(usize::MAX / 2).min(usize::MAX / 2);
    let start: usize = 2 + width + 4;
    let end = start.saturating_add(length);
    // The mask may be missing still: a frame that is too long must be refused without waiting for it.
    let mask = rest.get(width..).and_then(|rest| rest.first_chunk().copied()).unwrap_or_default();
    Ok(Some(Head { fin, opcode, mask, start, end }))
}

fn close_code(payload: &[u8]) -> Result<Incoming, u16> {
    let [a, b, reason @ ..] = payload else {
        return if payload.is_empty() { Ok(Incoming::Close(None)) } else { Err(PROTOCOL_ERROR) };
    };
    let code = u16::from_be_bytes([*a, *b]);
    // 1004 to 1006 and 1015 are never sent (RFC 6455, section 7.4).
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

    /// Encodes a masked frame, as a client sends it.
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
        feed(&mut Decoder::default(), bytes)
    }

    /// Feeds bytes and returns the messages that are complete. Leaves out reports of fragments.
    fn feed(decoder: &mut Decoder, bytes: &[u8]) -> Vec<Incoming> {
        decoder.feed(bytes);
        decoder.by_ref().filter(|it| *it != Incoming::Fragment).collect()
    }

    #[test]
    fn frames_match_the_examples_of_rfc_6455() {
        let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        assert_eq!(masked(FIN | TEXT, b"Hello"), hello);
        assert_eq!(parse(&hello), [Incoming::Text("Hello".to_owned())]);
        let fragmented = [masked(TEXT, b"Hel"), masked(FIN | PING, b"?"), masked(FIN, b"lo")];
        let expected = [Incoming::Ping("?".into()), Incoming::Text("Hello".to_owned())];
        assert_eq!(parse(&fragmented.concat()), expected);
    }

    #[test]
    fn violations_are_refused_with_their_close_code() {
        let long = vec![b'x'; LARGEST];
        let halves = |rest: &[u8]| [masked(TEXT, &long[1..]), masked(FIN, rest)].concat();
        let mut unmasked = masked(FIN | TEXT, b"x");
        unmasked[1] &= !MASKED;
        for (what, bytes, code) in [
            ("no mask", unmasked, 1002),
            ("a reserved bit", masked(FIN | 0x40 | TEXT, b"x"), 1002),
            ("a reserved opcode", masked(FIN | 0x3, b"x"), 1002),
            ("a fragmented ping", masked(PING, b"x"), 1002),
            ("a ping of 126 bytes", masked(FIN | PING, &[0; 126]), 1002),
            ("a continuation without a first frame", masked(FIN, b"x"), 1002),
            ("two first frames", [masked(TEXT, b"x"), masked(FIN | TEXT, b"x")].concat(), 1002),
            ("half a code", masked(FIN | CLOSE, &[3]), 1002),
            ("a code that is never sent", masked(FIN | CLOSE, &1005_u16.to_be_bytes()), 1002),
            ("a reason that is not UTF-8", masked(FIN | CLOSE, &[3, 0xe8, 0xff]), 1007),
            ("a longer length than needed", vec![0x81, 0xfe, 0, 1, 0, 0, 0, 0, b'x'], 1002),
            ("a text that is not UTF-8", masked(FIN | TEXT, &[0xc3]), 1007),
            ("one byte too many", masked(FIN | TEXT, &[&long[..], b"x"].concat()), 1009),
            ("one byte too many in fragments", halves(b"xx"), 1009),
            ("the longest length", vec![0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255], 1009),
        ] {
            assert_eq!(parse(&bytes).last(), Some(&Incoming::ProtocolError(code)), "{what}");
        }
        let text = [Incoming::Text(String::from_utf8(long.clone()).expect("text"))];
        assert_eq!(parse(&masked(FIN | TEXT, &long)), text);
        assert_eq!(parse(&halves(b"x")), text);
        assert_eq!(parse(&masked(FIN | PING, &[0; 125])), [Incoming::Ping(vec![0; 125].into())]);
        // A fragment may end in the middle of a character.
        let ene = [masked(TEXT, &[0xc3]), masked(FIN, &[0xb1])].concat();
        assert_eq!(parse(&ene), [Incoming::Text("ñ".to_owned())]);
        assert_eq!(parse(&masked(FIN | CLOSE, b"")), [Incoming::Close(None)]);
        assert_eq!(parse(&masked(FIN | CLOSE, &[3, 0xe8])), [Incoming::Close(Some(1000))]);
    }

    #[test]
    fn nothing_is_read_or_kept_after_a_close_or_an_error() {
        for last in [masked(FIN | CLOSE, b""), masked(FIN | 0x3, b"")] {
            let mut decoder = Decoder::default();
            assert_eq!(feed(&mut decoder, &[last, masked(FIN | TEXT, b"x")].concat()).len(), 1);
            assert_eq!(feed(&mut decoder, &masked(FIN | TEXT, b"x")), []);
            assert_eq!(decoder.raw.capacity(), 0);
        }
    }

    #[test]
    fn between_two_messages_there_is_no_buffer() {
        let mut decoder = Decoder::default();
        let bytes = masked(FIN | TEXT, &[b'x'; 9_000]);
        let (one, two) = bytes.split_at(5_000);
        assert_eq!(feed(&mut decoder, one), []);
        assert_eq!(feed(&mut decoder, two).len(), 1);
        assert_eq!(decoder.raw.capacity(), 0);
    }

    #[test]
    fn every_fragment_is_reported() {
        let mut decoder = Decoder::default();
        decoder.feed(&[masked(TEXT, b""), masked(0, b""), masked(0, b"x")].concat());
        assert_eq!(decoder.by_ref().collect::<Vec<_>>(), vec![Incoming::Fragment; 3]);
        decoder.feed(&masked(FIN, b"y"));
        assert_eq!(decoder.next(), Some(Incoming::Text("xy".to_owned())));
        assert_eq!(decoder.next(), None);
    }

    #[test]
    fn many_small_frames_in_one_read_take_only_their_bytes() {
        let mut decoder = Decoder::default();
        let one = masked(FIN | PING, b"");
        let bytes = one.repeat(10_000);
        decoder.feed(&bytes);
        for left in (0..10_000).rev() {
            assert_eq!(decoder.next(), Some(Incoming::Ping(Bytes::new())));
            assert!(decoder.raw.len() <= 2 * left * one.len(), "{left}");
        }
        assert_eq!((decoder.next(), decoder.raw.capacity()), (None, 0));
    }

    /// Frames that a client may send, with the expected result.
    fn message() -> impl Strategy<Value = (Vec<u8>, Incoming)> {
        let text = |text: String| (masked(FIN | TEXT, text.as_bytes()), Incoming::Text(text));
        let ping =
            |payload: Vec<u8>| (masked(FIN | PING, &payload), Incoming::Ping(payload.into()));
        let fragments = |(text, at): (String, prop::sample::Index)| {
            let (one, two) = text.as_bytes().split_at(at.index(text.len() + 1));
            let bytes = [masked(TEXT, one), masked(FIN | PONG, b""), masked(FIN, two)];
            (bytes.concat(), Incoming::Text(text))
        };
        prop_oneof![
            ".{0,200}".prop_map(text),
            vec(any::<u8>(), 0..=125).prop_map(ping),
            (".{0,300}", any::<prop::sample::Index>()).prop_map(fragments),
            vec(any::<u8>(), 0..140_000).prop_map(|bytes| {
                let fits = bytes.len() <= LARGEST;
                let frame = masked(FIN | BINARY, &bytes);
                let too_big = Incoming::ProtocolError(MESSAGE_TOO_BIG);
                (frame, if fits { Incoming::Binary(bytes.into()) } else { too_big })
            }),
        ]
    }

    fn in_chunks(bytes: &[u8], cuts: &[prop::sample::Index]) -> Vec<Incoming> {
        let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.sort_unstable();
        let ends = at.iter().copied().chain([bytes.len()]);
        let starts = [0].into_iter().chain(at.iter().copied());
        let mut decoder = Decoder::default();
        starts.zip(ends).flat_map(|(start, end)| feed(&mut decoder, &bytes[start..end])).collect()
    }

    proptest! {
        #[test]
        fn frames_decode_the_same_in_chunks_of_any_size(
            messages in vec(message(), 0..6),
            cuts in vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let bytes: Vec<u8> = messages.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
            let mut expected: Vec<_> = messages.into_iter().map(|(_, expected)| expected).collect();
            if let Some(end) = expected.iter().position(|it| matches!(it, Incoming::ProtocolError(_))) {
                expected.truncate(end + 1);
            }
            let found = in_chunks(&bytes, &cuts);
            let found: Vec<_> = found.into_iter().filter(|it| *it != Incoming::Pong).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn any_bytes_decode_the_same_in_chunks_and_never_panic(
            bytes in vec(any::<u8>(), 0..400),
            cuts in vec(any::<prop::sample::Index>(), 0..12),
        ) {
            prop_assert_eq!(in_chunks(&bytes, &cuts), parse(&bytes));
        }
    }

    /// Seeds and findings of the fuzzer (`fuzz/README.md`).
    #[test]
    fn the_fuzzing_corpus_decodes_the_same_byte_by_byte() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/frames");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).expect("the corpus") {
            let bytes = std::fs::read(entry.expect("an entry").path()).expect("bytes");
            let mut decoder = Decoder::default();
            let single: Vec<_> =
                bytes.iter().flat_map(|byte| feed(&mut decoder, &[*byte])).collect();
            assert_eq!(single, parse(&bytes));
            seen += 1;
        }
        assert!(seen > 0, "there is a corpus");
    }
}
