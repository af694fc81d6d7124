//! Whatever text a client sends: the renderer does not panic, and writes only allowed tags, closed in their
//! places.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// The renderer alone, so that the fuzzer is built in seconds.
#[allow(dead_code, unused_imports)]
#[path = "../../src/text"]
mod text {
    pub mod addresses;
    pub mod effort;
    pub mod emoji;
    pub mod links;
    pub mod names;
    pub mod render;
    pub mod scripts;
    pub mod visible;
}

#[allow(dead_code)]
#[path = "../../src/limits/mod.rs"]
mod limits;

use text::render::{Markup, allowed, render, text_of};

fuzz_target!(|body: &str| {
    let html = render(body, Markup::Markdown, allowed::find);
    assert_eq!(allowed::check(&html), Ok(()), "{body:?}");
    text_of(&html);
});
