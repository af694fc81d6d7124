//! The Markdown of chats: a table of inputs with their HTML, and what holds for any input.

use proptest::prelude::*;
use proptest::sample::select;

use super::allowed::{check, find as names};
use crate::text::effort;
use crate::text::render::{Markup, Place, custom_emoji, no_mentions, render, text_of};

fn rendered(body: &str) -> String {
    render(body, Markup::Markdown, names)
}

#[test]
fn every_case_of_the_table_is_rendered_as_it_says() {
    let cases = include_str!("../../../../tests/cases/markdown.txt");
    let mut count = 0;
    for case in cases.split("\n\n") {
        let (body, html) = case.split_once("\n=>").expect("a text and its HTML");
        let body = body.replace('⏎', "\n");
        let link = " target=\"_blank\" rel=\"noopener noreferrer nofollow ugc\">";
        let html = html.trim().replace('⏎', "\n").replace(" …>", link);
        assert_eq!(rendered(&body), html, "{body}");
        count += 1;
    }
    assert!(count > 90, "{count}");
}

#[test]
fn names_in_quotes_are_no_mentions_and_names_in_code_no_links() {
    let mut found = Vec::new();
    let body = "@ana\n> @luis: `@ana`\n\n```\n@luis\n```\n[@luis](https://x.org)";
    let html = render(body, Markup::Markdown, |name, place| {
        found.push((name.to_owned(), place));
        names(name, place)
    });
    let expected = [("ana", Place::Text), ("luis", Place::Quote)];
    assert_eq!(found, expected.map(|(name, place)| (name.to_owned(), place)));
    assert_eq!(html.matches("class=\"mention\"").count(), 2);
}

#[test]
fn custom_emoji_are_images_and_a_few_emoji_alone_are_large() {
    let party = "<img class=\"emoji\" src=\"/emoji/party.1a2b3c4d\" alt=\":party:\">";
    for (body, html) in [
        ("so :party:!", format!("<p>so {party}!</p>")),
        (":party: **:party:**", format!("<p>{party} <strong>{party}</strong></p>")),
        (
            "`:party:` :unknown: x:party:",
            "<p><code>:party:</code> :unknown: x:party:</p>".to_owned(),
        ),
        (":party::tada: 🌱", format!("<p class=\"emoji-large\">{party}🎉 🌱</p>")),
        ("❤️", "<p class=\"emoji-large\">❤️</p>".to_owned()),
        ("🌱🌱🌱🌱", "<p>🌱🌱🌱🌱</p>".to_owned()),
        ("🌱 ok", "<p>🌱 ok</p>".to_owned()),
        ("🌱\n🌱", "<p>🌱<br>🌱</p>".to_owned()),
        (
            ":ana: @ana",
            "<p>:ana: <a class=\"mention\" href=\"/direct/ana\">@ana</a></p>".to_owned(),
        ),
    ] {
        assert_eq!(rendered(body), html, "{body}");
        assert_eq!(check(&html), Ok(()));
    }
    assert_eq!(text_of(&rendered("**so** :party:")), "so :party:");
    let found: Vec<_> = custom_emoji(&rendered(":party: and :party:")).collect();
    assert_eq!(found, [(); 2].map(|()| ("party".to_owned(), "1a2b3c4d".to_owned())));
    let forged = party.replace("1a2b3c4d", "1a2b3c4d/..");
    assert_eq!(custom_emoji(&forged).count(), 0);
    // Plain text has no codes, and stays as it was.
    assert_eq!(render("🌱", Markup::Plain, names), "<p>🌱</p>");
    assert_eq!(render(":party:", Markup::Plain, names), "<p>:party:</p>");
}

#[test]
fn text_of_html_has_no_marks() {
    for (body, text) in [
        ("hola **a** `x<y>` & [web](https://x.org)", "hola a x<y> & web"),
        ("# Title\n\n- one\n- two\n  - three\n\nend", "Title\none\ntwo\nthree\nend"),
        ("> quoted\nanswer :tada:", "quoted\nanswer 🎉"),
        ("a\n\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nb", "a\na\tb\n1\t2\nb"),
        ("```rust\nfn x() {\n\n}\n```", "fn x() {\n\n}"),
        ("&lt;b&gt; <b> 5 > 3", "&lt;b&gt; <b> 5 > 3"),
        ("uno\ndos", "uno\ndos"),
        ("[https://bank.example](https://evil.example)", "https://bank.example (evil.example)"),
    ] {
        assert_eq!(text_of(&rendered(body)), text, "{body}");
    }
}

/// What an attacker could repeat, and what people paste.
const PATTERNS: &[&str] = &[
    ">",
    "[",
    "[a](",
    "![",
    "*a **a ",
    "_a __a ",
    "> ",
    "- ",
    "`",
    "`` ` ",
    "<",
    "<![CDATA[",
    "<!--",
    "<?",
    "&",
    "\\",
    "|a",
    "[a]: x\n",
    "~~a ~a ",
    "a**b",
    "@ana ",
    ":smile",
    ":tada:",
    "https://x.org/_a_ ",
    "> a\nb\n",
    ">:(\n",
    "a\n---\n",
    "    a\n",
    "[a](https://x.org/b) ",
    "```\na\n```\n",
    "* ",
    "[](",
    "[*_`~<!",
    "1. ",
    "<a@",
    "[a](<",
    "> ```\n>x\n> ```\n",
    "+ 1\n",
    "[10:32]: a\n",
    "|b|\n|-|\n",
    "a|b\n-|-\n",
    "<a [^\n",
    "[ (](",
    "a\n> ",
    "**a** ",
    "*a*_b_",
    "# a\n",
    "- a\n  ",
    "<b>",
    "\t",
    "¯\\_(ツ)_/¯ ",
    "[x]\n",
];

/// The HTML of a text of this length that repeats one pattern, and what was looked at to make it.
fn effort_of(pattern: &str, length: usize) -> (usize, usize) {
    let body: String = pattern.chars().cycle().take(length).collect();
    let mut html = String::new();
    let effort = effort::of(|| html = rendered(&body));
    (effort, html.len())
}

#[test]
fn no_text_makes_long_html_or_much_work() {
    for pattern in PATTERNS {
        let (effort, length) = effort_of(pattern, 16_000);
        assert!(effort <= 16_000 * 10, "{pattern:?}: {effort}");
        assert!(length <= 4_096 + 12 * 16_000, "{pattern:?}: {length}");
    }
    let wide = format!("{}\n{}\n{}", "a|".repeat(3_000), "-|".repeat(3_000), "x\n".repeat(2_000));
    assert!(rendered(&wide).len() < 60_000);
}

const MARKS: [&str; 70] = [
    "*",
    "**",
    "_",
    "__",
    "`",
    "``",
    "```",
    "[",
    "]",
    "](",
    "(",
    ")",
    "<",
    ">",
    "!",
    "![",
    "#",
    "# ",
    "- ",
    "+ ",
    "1. ",
    " ",
    "  ",
    "    ",
    "\n",
    "\n\n",
    "~",
    "~~",
    "|",
    "\\",
    "&",
    "&amp;",
    "@ana",
    ":tada:",
    "a",
    "ñ",
    "https://x.org/",
    "https://x.org/a)",
    "---",
    "===",
    "\t",
    "[a]: x",
    "[a]:",
    "> ",
    "- [ ] ",
    "<b>",
    "</b>",
    "<!--",
    "-->",
    "<script>",
    "\"",
    "'",
    "javascript:",
    "(https://x.org",
    "^",
    "x",
    "\u{200b}",
    "é",
    "日",
    "0",
    "::",
    "<https://a.b>",
    "</div>",
    "<div>",
    "<?",
    "<![CDATA[",
    "]]>",
    "www.",
    "a@b.org",
    "mailto:",
];

/// Texts of marks and words. Each word is another one.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![5 => select(MARKS.to_vec()).prop_map(str::to_owned), 1 => Just("WORD".to_owned())];
    prop::collection::vec(piece, 1..40).prop_map(|pieces| {
        let number = |(n, piece): (usize, String)| piece.replace("WORD", &format!("w{n}q"));
        pieces.into_iter().enumerate().map(number).collect()
    })
}

/// What the fuzzer begins with, and what it found.
#[test]
fn the_fuzzing_corpus_gives_allowed_tags() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/markdown");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        let body = String::from_utf8_lossy(&bytes);
        assert_eq!(check(&rendered(&body)), Ok(()), "{body}");
        seen += 1;
    }
    assert!(seen > 0, "there is a corpus");
}

proptest! {
    #[test]
    fn only_the_listed_tags_come_out_and_no_word_is_lost(body in text()) {
        let html = rendered(&body);
        prop_assert_eq!(check(&html), Ok(()), "{:?} {}", body, html);
        let words = body.split(|c: char| !c.is_ascii_alphanumeric());
        for word in words.filter(|word| word.starts_with('w') && word.ends_with('q')) {
            prop_assert!(html.contains(word), "{} of {:?} in {}", word, body, html);
        }
        let text = text_of(&html);
        prop_assert!(!text.contains("</") || body.contains("</"), "{:?} {}", body, text);
    }

    #[test]
    fn any_input_gives_allowed_tags(body in ".{0,80}") {
        prop_assert_eq!(check(&rendered(&body)), Ok(()));
        prop_assert_eq!(check(&render(&body, Markup::Plain, no_mentions)), Ok(()));
    }
}
