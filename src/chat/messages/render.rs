//! What somebody wrote, as HTML that is safe to show to everybody.
//!
//! Text is escaped, paragraphs and line breaks are kept, web addresses can be clicked, and so can the
//! names of people behind an `@`. Nothing that a person writes becomes a tag.

use std::ops::Range;

use html_escape::{encode_double_quoted_attribute, encode_text};
use icu_properties::CodePointMapData;
use icu_properties::props::Script;

use unicode_normalization::char::is_combining_mark;

use super::mention_scanner::{MentionScanner, SIGNS, is_of_names};
use crate::text::effort::looked_at;
use crate::text::links::{begins_with_domain, links};
use crate::text::names::fold;
use crate::text::scripts::is_written_without_spaces;

/// Around a paragraph.
const OPEN: &str = "<p>";
const CLOSE: &str = "</p>";
/// Of a word behind an `@` no more can be a name: 32 characters, accents that stand for themselves,
/// and the marks of a sentence behind it.
const MAX_WORD_CHARS: usize = 64;
/// So many characters has the longest name, besides what is joined to the one before.
const MAX_HANDLE_CHARS: usize = 32;

/// Renders a body. Empty lines divide paragraphs. For each word behind an `@`, `find` is asked how the
/// user is written whose folded name it is, for one reading of the word after the other.
pub fn render(body: &str, find: impl FnMut(&str) -> Option<String>) -> String {
    let mut writer = Writer { find, html: String::with_capacity(body.len() + 16) };
    for paragraph in body.split("\n\n").map(|p| p.trim_matches('\n')).filter(|p| !p.is_empty()) {
        writer.html.push_str(OPEN);
        for (n, line) in paragraph.split('\n').enumerate() {
            if n > 0 {
                writer.html.push_str("<br>");
            }
            writer.line(line);
        }
        writer.html.push_str(CLOSE);
    }
    writer.html
}

/// What of a body's HTML is stored: nothing where it is only the body in a paragraph, as most are.
pub fn stored<'a>(html: &'a str, body: &str) -> &'a str {
    let inner = html.strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(CLOSE));
    if inner == Some(body) { "" } else { html }
}

/// The HTML of which [`stored`] left this. A deleted message has neither.
pub(super) fn restored(stored: String, body: &str) -> String {
    if stored.is_empty() && !body.is_empty() { [OPEN, body, CLOSE].concat() } else { stored }
}

/// Nobody is known by any name.
pub fn no_mentions(_: &str) -> Option<String> {
    None
}

struct Writer<F> {
    find: F,
    html: String,
}

impl<F: FnMut(&str) -> Option<String>> Writer<F> {
    fn line(&mut self, line: &str) {
        let (mut at, mut places) = (0, MentionScanner::new(line));
        for link in links(line) {
            self.text(line, at..link.at.start, &mut places);
            self.link(&link.href, line.get(link.at.clone()).unwrap_or_default());
            at = link.at.end;
            places.pass_link(at);
        }
        self.text(line, at..line.len(), &mut places);
    }

    fn link(&mut self, href: &str, typed: &str) {
        self.html.push_str("<a href=\"");
        self.html.push_str(&encode_double_quoted_attribute(href));
        // No window handle and no address of the room for the other side.
        let rest = if href.starts_with("mailto:") {
            "\">"
        } else {
            "\" target=\"_blank\" rel=\"noopener noreferrer nofollow ugc\">"
        };
        self.html.push_str(rest);
        self.html.push_str(&encode_text(typed));
        self.html.push_str("</a>");
    }

    /// What stands in the line between addresses.
    fn text(&mut self, line: &str, part: Range<usize>, places: &mut MentionScanner<'_>) {
        let mut at = part.start;
        while let Some((sign, length)) = next_sign(line, at..part.end) {
            self.escaped(line.get(at..sign));
            at = sign + length;
            let behind = line.get(at..part.end).unwrap_or_default();
            let named = if places.may_mention(sign) { self.named(behind) } else { None };
            let written = line.get(sign..at);
            match named {
                Some((typed, name)) => {
                    self.mention(written.unwrap_or_default(), typed, &name);
                    at += typed.len();
                }
                None => self.escaped(written),
            }
        }
        self.escaped(line.get(at..part.end));
    }

    fn escaped(&mut self, text: Option<&str>) {
        self.html.push_str(&encode_text(text.unwrap_or_default()));
    }

    /// As much of the word at the beginning as is somebody's name, and how they write it.
    fn named<'a>(&mut self, text: &'a str) -> Option<(&'a str, String)> {
        let word = text.split(|c| !is_of_names(c)).next().unwrap_or_default();
        looked_at(word.len());
        let word = before_other_sign(word, text.get(word.len()..)?);
        readings(word).find_map(|typed| {
            looked_at(typed.len());
            (self.find)(&fold(typed)).map(|name| (typed, name))
        })
    }

    /// Names are letters, digits and marks that mean nothing in HTML.
    fn mention(&mut self, sign: &str, typed: &str, name: &str) {
        let name = encode_double_quoted_attribute(name);
        let typed = encode_text(typed);
        for part in ["<a class=\"mention\" href=\"/direct/", &name, "\">", sign, &typed, "</a>"] {
            self.html.push_str(part);
        }
    }
}

/// Where the next sign stands, and how long it is.
fn next_sign(line: &str, part: Range<usize>) -> Option<(usize, usize)> {
    let found = line.get(part.clone())?.char_indices().find(|(_, c)| SIGNS.contains(c));
    looked_at(found.map_or(part.len(), |(at, _)| at));
    let (at, sign) = found?;
    Some((part.start + at, sign.len_utf8()))
}

/// What of a word may be a name though another sign may follow: nothing of `ana@example.org`, and what
/// ends in a script without spaces, since there the next sign begins a mention of its own.
fn before_other_sign<'a>(word: &'a str, behind: &str) -> &'a str {
    match behind.strip_prefix(SIGNS) {
        None => word,
        Some(host) if begins_with_domain(host) => "",
        Some(_) => word.trim_end_matches(|c| !is_written_without_spaces(c)),
    }
}

/// How the word behind an `@` may be read as a name, the likeliest first: without the marks of a
/// sentence behind it, with them (some old handles end so), and, from the longest on, as far as a
/// name goes before other letters follow without a space.
fn readings(word: &str) -> impl Iterator<Item = &str> {
    let end = word.char_indices().nth(MAX_WORD_CHARS).map_or(word.len(), |(at, _)| at);
    let word = word.get(..end).unwrap_or_default();
    let mut own = word.char_indices().filter(|(_, c)| !joins_before(*c));
    let longest = own.nth(MAX_HANDLE_CHARS).map_or(word.len(), |(at, _)| at);
    let bare = without_marks(word);
    let with_marks = (bare.len()..=word.len()).filter_map(|end| word.get(..end));
    let letters: Vec<(usize, char)> = bare.char_indices().collect();
    let shorter: Vec<usize> = letters
        .windows(2)
        .rev()
        .filter_map(|pair| match pair {
            [(_, last), (at, next)] if is_boundary(*last, *next) => Some(*at),
            _ => None,
        })
        .collect();
    let shorter = shorter.into_iter().filter_map(|end| bare.get(..end).map(without_marks));
    with_marks.chain(shorter).filter(move |typed| (1..=longest).contains(&typed.len()))
}

/// What becomes one character with the one before: marks, parts of Korean syllables, voices of kana.
fn joins_before(c: char) -> bool {
    is_combining_mark(c)
        || matches!(c, '\u{1160}'..='\u{11ff}' | '\u{ff9e}'..='\u{ffdc}' | '\u{3131}'..='\u{318e}')
}

fn without_marks(word: &str) -> &str {
    word.trim_end_matches(['.', '-', '_'])
}

/// Whether a name may end between these letters: where the script changes, and anywhere in scripts
/// that are written without spaces.
fn is_boundary(last: char, next: char) -> bool {
    let script = |c| match CodePointMapData::<Script>::new().get(c) {
        Script::Common | Script::Inherited => None,
        script => Some(script),
    };
    let changes = matches!((script(last), script(next)), (Some(one), Some(other)) if one != other);
    is_written_without_spaces(last) || is_written_without_spaces(next) || changes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chat::messages::model::MessageBody;
    use crate::text::effort;

    #[track_caller]
    fn check(body: &str, html: &str) {
        assert_eq!(render(body, no_mentions), html);
    }

    #[test]
    fn lines_and_paragraphs_are_kept() {
        check("hola", "<p>hola</p>");
        check("uno\ndos", "<p>uno<br>dos</p>");
        check("uno\n\n\n\ndos", "<p>uno</p><p>dos</p>");
    }

    #[test]
    fn what_looks_like_a_tag_is_text() {
        check("<b>&amp;</b>", "<p>&lt;b&gt;&amp;amp;&lt;/b&gt;</p>");
        check("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>");
    }

    #[test]
    fn addresses_of_the_web_can_be_clicked() {
        let link = |address: &str| {
            format!(
                "<a href=\"{address}\" target=\"_blank\" \
                 rel=\"noopener noreferrer nofollow ugc\">{address}</a>"
            )
        };
        check(
            "https://example.org/a?b=1.",
            &format!("<p>{}.</p>", link("https://example.org/a?b=1")),
        );
        check("(http://x.org)", &format!("<p>({})</p>", link("http://x.org")));
        check("javascript://x.org/%0aalert(1)", "<p>javascript://x.org/%0aalert(1)</p>");
        check("main.rs", "<p>main.rs</p>");
        let written = "<a href=\"mailto:ana@example.org\">ana@example.org</a>";
        check("ana@example.org", &format!("<p>{written}</p>"));
        check("x.org/a", &format!("<p>{}</p>", link("https://x.org/a").replace(">https://", ">")));
    }

    #[test]
    fn an_address_cannot_leave_its_attribute() {
        let html = render("https://x.org/?a&b'<\"onmouseover=alert(1)//", no_mentions);
        assert!(html.starts_with("<p><a href=\"https://x.org/?a&amp;b"), "{html}");
        assert!(!html.contains("b\"onmouseover") && !html.contains("<\""), "{html}");
    }

    /// Where Ana, José and somebody with a full stop in the name are known.
    fn among_people(body: &str) -> String {
        let known = ["ana", "José", "j.r.", "ana.", "ana_", "luis", "สมชาย", "олег"];
        render(body, |sought| {
            known.iter().find(|name| fold(name) == sought).map(|name| (*name).to_owned())
        })
    }

    #[test]
    fn names_behind_an_at_sign_are_mentions_however_they_are_written() {
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
            let html = among_people(body);
            assert!(html.contains(&mention(name, typed)), "{html}");
        }
        assert!(among_people("＠luis你好").contains("href=\"/direct/luis\">＠luis</a>"));
        for body in ["@luis你好@ana", "@luisです@ana", "@ana和@luisちゃん"] {
            let html = among_people(body);
            assert!(html.contains(">@luis</a>") && html.contains(">@ana</a>"), "{html}");
        }
        let both = format!("<p>{}, {}</p>", mention("ana", "ana"), mention("José", "José"));
        assert_eq!(among_people("@ana, @José"), both);
    }

    #[test]
    fn behind_an_address_and_its_mark_a_name_is_a_mention() {
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
            assert!(among_people(body).contains("/direct/luis"), "{body}");
        }
        // Without a mark the name belongs to the address.
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
            assert!(!among_people(body).contains("mention"), "{body}");
        }
    }

    #[test]
    fn what_is_nobodys_name_or_part_of_a_word_is_no_mention() {
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
            let html = among_people(body);
            assert!(!html.contains("mention"), "{html}");
        }
    }

    #[test]
    fn words_that_are_nobodys_name_do_not_hide_the_one_that_is() {
        for words in [
            "@Override ".repeat(1_000),
            (0..2_000).map(|n| format!("@n{n} ")).collect::<Vec<_>>().concat(),
        ] {
            assert!(among_people(&format!("{words}@ana please")).contains("/direct/ana"));
        }
    }

    #[test]
    fn only_what_may_be_a_name_is_looked_for() {
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
        // Accents that stand for themselves and parts of syllables are no further characters.
        assert_eq!(asked(&"e\u{301}".repeat(32)), ["é".repeat(32)]);
        assert_eq!(asked(&"\u{1112}\u{1161}".repeat(32)).first(), Some(&"하".repeat(32)));
    }

    #[test]
    fn server_and_browser_see_the_same_word_behind_the_sign() {
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

    /// How much is looked at where a text of so many characters is nothing but this.
    fn effort_of(piece: &str, length: usize) -> usize {
        let body: String = piece.chars().cycle().take(length).collect();
        effort::of(|| among_people(&body))
    }

    #[test]
    fn a_text_twice_as_long_costs_twice_as_much_whatever_it_is() {
        for piece in [
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
            let (once, twice) = (effort_of(piece, 4_000), effort_of(piece, 8_000));
            assert!(twice <= 2 * once + 200, "{piece}: {once}, {twice}");
        }
    }

    #[test]
    fn only_html_that_is_more_than_its_text_is_stored() {
        for (body, kept) in [
            ("hola, mundo", ""),
            ("a < b", "<p>a &lt; b</p>"),
            ("two\nlines", "<p>two<br>lines</p>"),
            ("a\n\nb", "<p>a</p><p>b</p>"),
        ] {
            assert_eq!(stored(&render(body, no_mentions), body), kept);
        }
        assert_eq!(restored(String::new(), ""), "", "a deleted message has none");
        // As it was stored before.
        assert_eq!(restored("<p>hola</p>".to_owned(), "hola"), "<p>hola</p>");
    }

    proptest! {
        #[test]
        fn html_comes_back_as_it_was(body in ".{0,40}|(<p>|</p>|<|&|\n| |a|@ana|https://x\\.org){0,12}") {
            if let Ok(body) = MessageBody::parse(&body) {
                let html = among_people(body.as_str());
                let kept = stored(&html, body.as_str()).to_owned();
                prop_assert_eq!(restored(kept, body.as_str()), html);
            }
        }

        #[test]
        fn no_text_costs_more_than_its_length(
            piece in "(https?://|@|/|\\?|#|\\[|\\(|%|:|:9|\\.|\\\\|a|b.c|x\\.org|中|，| ){1,8}",
        ) {
            let (once, twice) = (effort_of(&piece, 2_000), effort_of(&piece, 4_000));
            prop_assert!(twice <= 2 * once + 500, "{}: {}, {}", piece, once, twice);
        }

        /// Whatever is written: only our four tags come out, and only our attributes.
        #[test]
        fn no_text_becomes_a_tag(
            body in ".{0,200}|(https?://|<|>|\"|'|&|\n|x\\.org/|=on|@|ana|@ana){0,40}",
        ) {
            let page = scraper::Html::parse_fragment(&among_people(&body));
            for element in page.root_element().descendent_elements() {
                let tag = element.value().name();
                prop_assert!(["html", "p", "br", "a"].contains(&tag), "{} in {}", tag, body);
                for (name, _) in element.value().attrs() {
                    prop_assert!(tag == "a" && ["href", "target", "rel", "class"].contains(&name), "{}", body);
                }
            }
        }
    }
}
