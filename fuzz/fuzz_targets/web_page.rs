//! Whatever page a stranger's server sends: its head is read without a panic, and what it says is short and plain.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// The reader alone, so that the fuzzer is built in seconds.
#[allow(dead_code)]
#[path = "../../src/text/web_page/mod.rs"]
mod web_page;

#[allow(dead_code)]
#[path = "../../src/limits/mod.rs"]
mod limits;

use limits::link_preview::{SITE, TEXT, TITLE};

const TYPES: [&str; 4] =
    ["text/html", "text/html; charset=utf-8", "text/html; charset=iso-8859-1", "text/html; charset="];

fuzz_target!(|data: &[u8]| {
    let Some((kind, page)) = data.split_first() else { return };
    web_page::has_whole_head(page, usize::from(*kind));
    let Some(found) = web_page::read(page, TYPES[usize::from(*kind) % TYPES.len()]) else { return };
    for (text, most) in [(&found.title, TITLE), (&found.text, TEXT), (&found.site, SITE)] {
        assert!(text.chars().count() <= most, "{text:?}");
        assert!(!text.contains(|c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}')), "{text:?}");
    }
});
