//! The CPU time of rendering one message: plain, with marks, the longest one, and the worst of many hostile texts.
//! `cargo run --release --manifest-path benches/render/Cargo.toml`

use std::hint::black_box;

use rustix::time::{ClockId, clock_gettime};

/// The renderer alone, so that the bench is built in seconds.
#[allow(dead_code, unused_imports)]
#[path = "../../../src/text"]
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
#[path = "../../../src/limits/mod.rs"]
mod limits;

use text::render::{Markup, render};

const LONGEST: usize = 16_000;

const PATTERNS: &[&str] = &[
    ">", "[", "[a](", "![", "*a **a ", "_a __a ", "> ", "- ", "`", "`` ` ", "<", "<![CDATA[", "<!--", "<?", "&",
    "\\", "|a", "[a]: x\n", "~~a ~a ", "a**b", "@ana ", ":smile", ":tada:", "https://x.org/_a_ ", "> a\nb\n", ">:(\n",
    "a\n---\n", "    a\n", "[a](https://x.org/b) ", "```\na\n```\n", "* ", "[](", "[*_`~<!", "1. ", "<a@", "[a](<",
    "> ```\n>x\n> ```\n", "+ 1\n", "[10:32]: a\n", "|b|\n|-|\n", "a|b\n-|-\n", "<a [^\n", "[ (](", "a\n> ", "*a*_b_",
    "[^", "<a [^", "a <? ", "a <!A ", "- a\n  ",
];

const DOCUMENT: &str = "# Title\n\nSome **bold** text with `code` and [link](https://x.org/a) and _em_ @ana :tada:.\n\n\
    - one\n- two\n  - three\n\n> quote\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```rust\nfn main() {}\n```\n\n";

fn repeated(pattern: &str, length: usize) -> String {
    pattern.chars().cycle().take(length).collect()
}

/// CPU time of this process in microseconds.
fn now() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

fn once(body: &str) -> String {
    render(black_box(body), Markup::Markdown, |name, _| (name == "ana").then(|| name.to_owned()))
}

/// Microseconds per message, the smallest of five runs.
fn measure(body: &str, times: u32) -> f64 {
    let run = || {
        let start = now();
        for _ in 0..times {
            black_box(once(body));
        }
        (now() - start) / f64::from(times)
    };
    (0..5).map(|_| run()).fold(f64::INFINITY, f64::min)
}

fn main() {
    let plain = repeated("lorem ipsum dolor sit amet, ", 200);
    let named = repeated("hola @ana, mira example.org: ya está. ", 200);
    let marked = "hey **Ana**, did you see https://example.org/a?b=1 and `main.rs`? It is *fine* now :tada: @ana";
    println!("{:>10.3} µs  200 plain characters", measure(&plain, 100_000));
    println!("{:>10.3} µs  200 characters with names and addresses", measure(&named, 10_000));
    println!("{:>10.3} µs  a message with marks, a link and a mention", measure(marked, 10_000));
    println!("{:>10.1} µs  {LONGEST} characters of a document", measure(&repeated(DOCUMENT, LONGEST), 50));
    let bombs = PATTERNS.iter().map(|pattern| {
        let body = repeated(pattern, LONGEST);
        (measure(&body, 5), pattern, once(&body).len())
    });
    let mut bombs: Vec<_> = bombs.collect();
    bombs.sort_by(|one, other| other.0.total_cmp(&one.0));
    for (time, pattern, length) in bombs.iter().take(5) {
        println!("{time:>10.1} µs  {LONGEST} characters of {pattern:?}: {length} bytes of HTML");
    }
}
