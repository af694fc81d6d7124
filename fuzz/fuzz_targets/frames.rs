//! Whatever bytes a client sends, in whatever pieces: the decoder does not panic, keeps no more than
//! a message may have, and the pieces make no difference. The first byte says how long the pieces are.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// The framing alone, so that the fuzzer is built in seconds.
#[allow(dead_code)]
#[path = "../../src/websocket"]
mod websocket {
    pub mod decode;
    pub mod encode;
}

#[allow(dead_code)]
#[path = "../../src/limits/mod.rs"]
mod limits;

use websocket::decode::{Decoder, Incoming};

fn fed(decoder: &mut Decoder, bytes: &[u8]) -> Vec<Incoming> {
    decoder.feed(bytes);
    decoder.by_ref().collect()
}

fuzz_target!(|data: &[u8]| {
    let Some((piece, bytes)) = data.split_first() else { return };
    let mut decoder = Decoder::default();
    let pieces = bytes.chunks(usize::from(*piece) + 1);
    let in_pieces: Vec<_> = pieces.flat_map(|piece| fed(&mut decoder, piece)).collect();
    assert_eq!(in_pieces, fed(&mut Decoder::default(), bytes));
});
