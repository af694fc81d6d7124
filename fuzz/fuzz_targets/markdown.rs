//! Whatever text a client sends: the renderer does not panic, and writes only allowed tags, closed in their
//! places.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// The renderer alone, so that the fuzzer is built in seconds.
#[allow(dead_code)]
mod text {
    #[path = "../../../src/text/addresses.rs"]
    pub mod addresses;
    #[path = "../../../src/text/effort.rs"]
    pub mod effort;
    #[path = "../../../src/text/emoji.rs"]
    pub mod emoji;
    #[path = "../../../src/text/links.rs"]
    pub mod links;
    #[path = "../../../src/text/names.rs"]
    pub mod names;
    #[path = "../../../src/text/render/mod.rs"]
    pub mod render;
    #[path = "../../../src/text/scripts.rs"]
    pub mod scripts;
    #[path = "../../../src/text/visible.rs"]
    pub mod visible;
}

#[allow(dead_code)]
#[path = "../../src/limits.rs"]
mod limits;

use text::render::{Markup, allowed, render, text_of};

fuzz_target!(|body: &str| {
    let html = render(body, Markup::Markdown, |name, _| {
        ["ana", "luis"].into_iter().find(|known| *known == name).map(str::to_owned)
    });
    assert_eq!(allowed::check(&html), Ok(()), "{body:?}");
    text_of(&html);
});
