//! Plain text: addresses, mentions, escapes, and the cost of a text.

use proptest::prelude::*;

use super::{restored, stored};
use crate::text::effort;
use crate::text::names::fold;

fn render(body: &str, mut find: impl FnMut(&str) -> Option<String>) -> String {
    super::render(body, super::Markup::Plain, |name, _| find(name))
}

#[track_caller]
fn check(body: &str, html: &str) {
    assert_eq!(render(body, |_| None), html);
}

#[test]
fn lines_and_paragraphs_are_kept() {
    check("hola", "<p>hola</p>");
    check("uno\ndos", "<p>uno<br>dos</p>");
    check("uno\n\n\n\ndos", "<p>uno</p><p>dos</p>");
}

#[test]
fn tags_in_the_input_are_escaped() {
    check("<b>&amp;</b>", "<p>&lt;b&gt;&amp;amp;&lt;/b&gt;</p>");
    check("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>");
}

#[test]
fn web_addresses_become_links() {
    let link = |address: &str| {
        format!(
            "<a href=\"{address}\" target=\"_blank\" \
             rel=\"noopener noreferrer nofollow ugc\">{address}</a>"
        )
    };
    check("https://example.org/a?b=1.", &format!("<p>{}.</p>", link("https://example.org/a?b=1")));
    check("(http://x.org)", &format!("<p>({})</p>", link("http://x.org")));
    check("javascript://x.org/%0aalert(1)", "<p>javascript://x.org/%0aalert(1)</p>");
    check("main.rs", "<p>main.rs</p>");
    let written = "<a href=\"mailto:ana@example.org\">ana@example.org</a>";
    check("ana@example.org", &format!("<p>{written}</p>"));
    check("x.org/a", &format!("<p>{}</p>", link("https://x.org/a").replace(">https://", ">")));
}

#[test]
fn an_address_cannot_leave_its_attribute() {
    let html = render("https://x.org/?a&b'<\"onmouseover=alert(1)//", |_| None);
    assert!(html.starts_with("<p><a href=\"https://x.org/?a&amp;b"), "{html}");
    assert!(!html.contains("b\"onmouseover") && !html.contains("<\""), "{html}");
}

/// Renders with Ana, José and a user with a full stop in the handle as known handles.
fn render_with_users(body: &str) -> String {
    let known = ["ana", "José", "j.r.", "ana.", "ana_", "luis", "สมชาย", "олег"];
    render(body, |sought| {
        known.iter().find(|name| fold(name) == sought).map(|name| (*name).to_owned())
    })
}

#[test]
fn handles_after_an_at_sign_are_mentions_in_any_spelling() {
    let mention = |name: &str, typed: &str| {
        format!("<a class=\"mention\" href=\"/direct/{name}\">@{typed}</a>")
    };
    for (body, name, typed) in [
        ("@ana", "ana", "ana"),
        ("hola @ANA", "ana", "ANA"),
        ("(@ana, you?)", "ana", "ana"),
        ("¿@jose\u{301}?", "José", "jose\u{301}"),
        ("ask @ana.", "ana", "ana"),
        ("ask @ana...", "ana", "ana"),
        ("ask @j.r.", "j.r.", "j.r."),
        ("ask @j.r..", "j.r.", "j.r."),
        ("https://x.org @ana", "ana", "ana"),
        ("@luis你好", "luis", "luis"),
        ("@luisさん、", "luis", "luis"),
        ("@สมชายครับ", "สมชาย", "สมชาย"),
        ("你好@luis", "luis", "luis"),
        ("@luis.你好", "luis", "luis"),
        ("@luisолег", "luis", "luis"),
        ("@bert/@ana", "ana", "ana"),
        ("and/or/@ana", "ana", "ana"),
        ("ana@example.org: @ana", "ana", "ana"),
        ("ana@example.org,@ana", "ana", "ana"),
        ("x@y,@ana", "ana", "ana"),
        ("bert\\@ana", "ana", "ana"),
        ("谢谢。好/@ana", "ana", "ana"),
        ("x。 org/@ana", "ana", "ana"),
        ("hola:@ana", "ana", "ana"),
        ("@luis你好@bert", "luis", "luis"),
        ("@luisです@bert", "luis", "luis"),
        ("@luis你好＠bert", "luis", "luis"),
        ("@สมชายครับ@bert", "สมชาย", "สมชาย"),
        ("@สมชาย@bert", "สมชาย", "สมชาย"),
        ("@luis你好x@bert", "luis", "luis"),
    ] {
        let html = render_with_users(body);
        assert!(html.contains(&mention(name, typed)), "{html}");
    }
    assert!(render_with_users("＠luis你好").contains("href=\"/direct/luis\">＠luis</a>"));
    for body in ["@luis你好@ana", "@luisです@ana", "@ana和@luisちゃん"] {
        let html = render_with_users(body);
        assert!(html.contains(">@luis</a>") && html.contains(">@ana</a>"), "{html}");
    }
    let both = format!("<p>{}, {}</p>", mention("ana", "ana"), mention("José", "José"));
    assert_eq!(render_with_users("@ana, @José"), both);
}

#[test]
fn a_handle_after_an_address_and_punctuation_is_a_mention() {
    for body in [
        "https://x.org/a，@luis",
        "请看https://x.org/a（@luis）",
        "「https://x.org/a」@luis",
        "x.org/a，@luis",
        "x.org/a。@luis",
        "https://x.org/a、@luis",
        "(https://x.org/a)@luis",
        "\"https://x.org/a\"@luis",
        "<https://x.org/a>@luis",
        "example.org，@luis",
        "ana@example.org,@luis",
        "ana@example.org、@luis",
        "12:30/12:45，@luis",
        "(12:30/12:45)@luis",
        "v1.2/v1.3：@luis",
        "2026.11.26/周四，@luis",
        "192.168.1.7/a。@luis",
        "«localhost/a»@luis",
    ] {
        assert!(render_with_users(body).contains("/direct/luis"), "{body}");
    }
    // Without punctuation between, the name belongs to the address.
    for body in [
        "https://x.org/a/@luis",
        "请看https://x.org/a/@luis",
        "x.org/a,@luis",
        "(https://x.org/(a)@luis",
        "12:30/12:45/@luis",
        "v1.2/v1.3:@luis",
        "2026.11.26/周四@luis",
        "x.org./@luis",
        "x.org?@luis",
    ] {
        assert!(!render_with_users(body).contains("mention"), "{body}");
    }
}

#[test]
fn unknown_handles_and_parts_of_words_are_not_mentions() {
    for body in [
        "@anna",
        "@an",
        "x@ana",
        "ana@ana",
        "@",
        "@@ana",
        "@.ana",
        "@ana@example.org",
        "@ana@bert",
        "@luis你好@example.org",
        "@luisолег@bert",
        "https://x.org/@ana",
        "@\u{200b}ana",
        "@jose",
        "@luisa",
        "@luisx你好",
        "@luis2",
        "x.org/@ana",
        "medium.com/@ana/post",
        "see 192.168.1.7/@ana",
        "localhost:3000/?u=@ana",
        "(a.b/@ana",
        "user@x.org/@ana",
        "git@x.org:@ana/repo",
        "git@host:@ana/repo",
        "git@10.0.0.1:@ana",
        "user@localhost/@ana",
        "x．org/@ana",
        "x。org/@ana",
        "x｡org/@ana",
        "x.org\\@ana",
        "192.168.1.7\\@ana",
        "x.org:@ana",
    ] {
        let html = render_with_users(body);
        assert!(!html.contains("mention"), "{html}");
    }
}

#[test]
fn unknown_handles_do_not_hide_a_known_one() {
    for words in [
        "@Override ".repeat(1_000),
        (0..2_000).map(|n| format!("@n{n} ")).collect::<Vec<_>>().concat(),
    ] {
        assert!(render_with_users(&format!("{words}@ana please")).contains("/direct/ana"));
    }
}

#[test]
fn only_possible_handles_are_looked_up() {
    let asked = |word: &str| {
        let mut asked = Vec::new();
        render(&format!("@{word}"), |name| {
            asked.push(name.to_owned());
            None
        });
        asked
    };
    assert_eq!(asked(&"中".repeat(60)).first(), Some(&"中".repeat(32)));
    assert_eq!(asked(&"中".repeat(60)).len(), 32);
    assert_eq!(asked(&"a".repeat(32)), ["a".repeat(32)]);
    assert_eq!(asked(&"a".repeat(33)), [""; 0]);
    // Combining accents and parts of syllables do not count as characters.
    assert_eq!(asked(&"e\u{301}".repeat(32)), ["é".repeat(32)]);
    assert_eq!(asked(&"\u{1112}\u{1161}".repeat(32)).first(), Some(&"하".repeat(32)));
}

#[test]
fn server_and_browser_see_the_same_word_after_the_at_sign() {
    let cases = include_str!("../../../tests/cases/mentions.json");
    let cases: Vec<(String, Option<String>)> = serde_json::from_str(cases).expect("cases");
    for (text, word) in cases {
        let mut asked = Vec::new();
        render(&text, |name| {
            asked.push(name.to_owned());
            None
        });
        assert_eq!(asked.first(), word.as_ref(), "{text}");
    }
}

/// The work done for a text of this length that repeats one pattern.
fn effort_of(pattern: &str, length: usize) -> usize {
    let body: String = pattern.chars().cycle().take(length).collect();
    effort::of(|| render_with_users(&body))
}

#[test]
fn the_cost_is_linear_in_the_length() {
    for pattern in [
        "an ordinary text, with (marks) in it ",
        "@中",
        "/@a",
        "@a",
        "中@",
        "a@b.c/@",
        "x.org/@ana，",
        "localhost/?",
        "http://[",
        "http://%/",
        "http://%?",
        "http:///",
        "http://",
        "https://x:y/(",
        "https://x:y\\",
        "https://x.org/(",
        "a.co:99999/(",
        "a.co:99999?(",
        "a.b/?#@c",
        "www.",
        "x.org/",
        "a.",
        "a-",
        "a@",
        "中a.",
        "@中a.b",
        "。",
        "，http://",
        "([{",
    ] {
        let (once, twice) = (effort_of(pattern, 4_000), effort_of(pattern, 8_000));
        assert!(twice <= 2 * once + 200, "{pattern}: {once}, {twice}");
    }
}

#[test]
fn html_is_stored_only_if_it_differs_from_the_text() {
    for (body, kept) in [
        ("hola, mundo", ""),
        ("a < b", "<p>a &lt; b</p>"),
        ("two\nlines", "<p>two<br>lines</p>"),
        ("a\n\nb", "<p>a</p><p>b</p>"),
    ] {
        assert_eq!(stored(&render(body, |_| None), body), kept);
    }
    assert_eq!(restored(String::new(), ""), "", "a deleted message has none");
    // The format that earlier versions stored.
    assert_eq!(restored("<p>hola</p>".to_owned(), "hola"), "<p>hola</p>");
}

proptest! {
    #[test]
    fn restored_html_equals_the_original(body in ".{0,40}|(<p>|</p>|<|&|\n| |a|@ana|https://x\\.org){0,12}") {
        let body = body.trim();
        let html = render_with_users(body);
        let kept = stored(&html, body).to_owned();
        prop_assert_eq!(restored(kept, body), html);
    }

    #[test]
    fn the_cost_of_any_text_is_linear_in_its_length(
        pattern in "(https?://|@|/|\\?|#|\\[|\\(|%|:|:9|\\.|\\\\|a|b.c|x\\.org|中|，| ){1,8}",
    ) {
        let (once, twice) = (effort_of(&pattern, 2_000), effort_of(&pattern, 4_000));
        prop_assert!(twice <= 2 * once + 500, "{}: {}, {}", pattern, once, twice);
    }

    /// For any input: only our four tags come out, and only our attributes.
    #[test]
    fn no_text_becomes_a_tag(
        body in ".{0,200}|(https?://|<|>|\"|'|&|\n|x\\.org/|=on|@|ana|@ana){0,40}",
    ) {
        let page = scraper::Html::parse_fragment(&render_with_users(&body));
        for element in page.root_element().descendent_elements() {
            let tag = element.value().name();
            prop_assert!(["html", "p", "br", "a"].contains(&tag), "{} in {}", tag, body);
            for (name, _) in element.value().attrs() {
                prop_assert!(tag == "a" && ["href", "target", "rel", "class"].contains(&name), "{}", body);
            }
        }
    }
}
