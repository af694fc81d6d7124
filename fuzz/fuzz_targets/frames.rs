//! Whatever bytes a client sends, in whatever pieces: the parser does not panic, keeps no more than
//! a message may have, and the pieces make no difference. The first byte says how long the pieces are.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// The framing alone, so that the fuzzer is built in seconds.
#[allow(dead_code)]
#[path = "../../src/live/transport"]
mod transport {
    pub mod frame;
    pub mod parser;
}

#[allow(dead_code)]
#[path = "../../src/limits.rs"]
mod limits;

use transport::parser::{Incoming, Parser};

fn fed(parser: &mut Parser, bytes: &[u8]) -> Vec<Incoming> {
    parser.feed(bytes);
    parser.by_ref().collect()
}

fuzz_target!(|data: &[u8]| {
    let Some((piece, bytes)) = data.split_first() else { return };
    let mut parser = Parser::default();
    let pieces = bytes.chunks(usize::from(*piece) + 1);
    let in_pieces: Vec<_> = pieces.flat_map(|piece| fed(&mut parser, piece)).collect();
    assert_eq!(in_pieces, fed(&mut Parser::default(), bytes));
});
