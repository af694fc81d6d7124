//! Whatever bytes a user sends as a file: the parsers of containers do not panic, keep to the file, and what they write
//! has no room for more than a few bytes beside it. What is clean is left as it is.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;

/// The parsers alone, so that the fuzzer is built in seconds.
#[allow(dead_code, unused_imports)]
#[path = "../../src/media/attachment/mod.rs"]
mod attachment;

use attachment::{Facts, Walk, plan};

fn clean(file: &[u8]) -> Option<(Vec<u8>, Facts)> {
    let (plan, facts) = plan(&mut Walk::new(Cursor::new(file)).ok()?).ok()?;
    let mut cleaned = Cursor::new(Vec::new());
    plan.write(&mut Cursor::new(file), &mut cleaned).expect("written to memory");
    Some((cleaned.into_inner(), facts))
}

fuzz_target!(|file: &[u8]| {
    let Some((cleaned, facts)) = clean(file) else { return };
    assert!(cleaned.len() <= file.len() + 64);
    if facts.inline.is_some() {
        let again = clean(&cleaned).expect("a clean file can be read");
        assert!(again.0 == cleaned, "it was not clean");
        assert_eq!(again.1.inline, facts.inline);
    }
});
