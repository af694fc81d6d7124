//! What somebody wrote, as HTML that is safe to show to everybody.
//!
//! Text is escaped, paragraphs and line breaks are kept, web addresses can be clicked, and so can the
//! names of people behind an `@`. Nothing that a person writes becomes a tag.

use html_escape::{encode_double_quoted_attribute, encode_text};
use linkify::{LinkFinder, LinkKind};
use unicode_normalization::char::is_combining_mark;

use crate::text::names::fold;

/// Around a paragraph.
const OPEN: &str = "<p>";
const CLOSE: &str = "</p>";
/// So many words behind an `@` may be names; the rest of them are text.
const MOST_NAMES: usize = 50;
/// A name, accents that stand for themselves, and the marks of a sentence behind it.
const LONGEST_WORD: usize = 64;

/// Renders a body. Empty lines divide paragraphs. For each word behind an `@`, `find` is asked how the
/// person is written whose folded name it is; where a word ends in marks, with and without them.
pub fn render(body: &str, find: impl FnMut(&str) -> Option<String>) -> String {
    let mut finder = LinkFinder::new();
    // Only what begins with a scheme: "main.rs" and "etc.and" are no addresses.
    finder.url_must_have_scheme(true).kinds(&[LinkKind::Url]);
    let mut writer = Writer { find, words: 0, html: String::with_capacity(body.len() + 16) };
    for paragraph in body.split("\n\n").map(|p| p.trim_matches('\n')).filter(|p| !p.is_empty()) {
        writer.html.push_str(OPEN);
        for (n, line) in paragraph.split('\n').enumerate() {
            if n > 0 {
                writer.html.push_str("<br>");
            }
            writer.line(&finder, line);
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
pub fn nobody(_: &str) -> Option<String> {
    None
}

struct Writer<F> {
    find: F,
    /// Behind an `@`, so far.
    words: usize,
    html: String,
}

impl<F: FnMut(&str) -> Option<String>> Writer<F> {
    fn line(&mut self, finder: &LinkFinder, line: &str) {
        for span in finder.spans(line) {
            let text = span.as_str();
            if span.kind().is_some() && is_web(text) {
                self.html.push_str("<a href=\"");
                self.html.push_str(&encode_double_quoted_attribute(text));
                // No window handle and no address of the room for the other side.
                self.html
                    .push_str("\" target=\"_blank\" rel=\"noopener noreferrer nofollow ugc\">");
                self.html.push_str(&encode_text(text));
                self.html.push_str("</a>");
            } else {
                self.text(text);
            }
        }
    }

    fn text(&mut self, mut rest: &str) {
        let mut before = None;
        while let Some((text, behind)) = rest.split_once('@') {
            self.html.push_str(&encode_text(text));
            before = text.chars().next_back().or(before);
            // In the middle of a word it belongs to an address.
            let apart = before.is_none_or(|c| !is_of_names(c) && c != '@');
            let named = if apart { self.named(behind) } else { None };
            if let Some((typed, name)) = named {
                self.mention(typed, &name);
                rest = behind.strip_prefix(typed).unwrap_or(behind);
                before = typed.chars().next_back();
            } else {
                self.html.push('@');
                rest = behind;
                before = Some('@');
            }
        }
        self.html.push_str(&encode_text(rest));
    }

    /// As much of the word at the beginning as is somebody's name, and how they write it.
    fn named<'a>(&mut self, text: &'a str) -> Option<(&'a str, String)> {
        let (word, behind) = text.split_at(text.find(|c| !is_of_names(c)).unwrap_or(text.len()));
        let possible =
            (1..=LONGEST_WORD).contains(&word.chars().count()) && !behind.starts_with('@');
        if !possible || self.words == MOST_NAMES {
            return None;
        }
        self.words += 1;
        // "Ask @ana." ends in a full stop, and not her name: the shortest reading wins, so that nobody
        // gets what is meant for another by a handle that ends in a mark, as some old ones do.
        let bare = word.trim_end_matches(['.', '-', '_']);
        (bare.len()..=word.len())
            .filter_map(|end| word.get(..end).filter(|typed| !typed.is_empty()))
            .find_map(|typed| (self.find)(&fold(typed)).map(|name| (typed, name)))
    }

    /// Names are letters, digits and marks that mean nothing in HTML.
    fn mention(&mut self, typed: &str, name: &str) {
        let name = encode_double_quoted_attribute(name);
        let typed = encode_text(typed);
        for part in ["<a class=\"mention\" href=\"/direct/", &name, "\">@", &typed, "</a>"] {
            self.html.push_str(part);
        }
    }
}

/// What a name may have in it.
fn is_of_names(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c) || "._-".contains(c)
}

fn is_web(address: &str) -> bool {
    let scheme = address.split(':').next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chat::messages::model::MessageBody;

    #[track_caller]
    fn check(body: &str, html: &str) {
        assert_eq!(render(body, nobody), html);
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
        check("main.rs ana@example.org", "<p>main.rs ana@example.org</p>");
    }

    #[test]
    fn an_address_cannot_leave_its_attribute() {
        let html = render("https://x.org/?a&b'<\"onmouseover=alert(1)//", nobody);
        assert!(html.starts_with("<p><a href=\"https://x.org/?a&amp;b"), "{html}");
        assert!(!html.contains("b\"onmouseover") && !html.contains("<\""), "{html}");
    }

    /// Where Ana, José and somebody with a full stop in the name are known.
    fn among_people(body: &str) -> String {
        let known = ["ana", "José", "j.r.", "ana.", "ana_"];
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
        ] {
            let html = among_people(body);
            assert!(html.contains(&mention(name, typed)), "{html}");
        }
        let both = format!("<p>{}, {}</p>", mention("ana", "ana"), mention("José", "José"));
        assert_eq!(among_people("@ana, @José"), both);
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
            "https://x.org/@ana",
            "@\u{200b}ana",
            "@jose",
        ] {
            let html = among_people(body);
            assert!(!html.contains("mention"), "{html}");
        }
    }

    #[test]
    fn of_very_many_names_the_first_are_asked_for() {
        let mut asked = 0;
        render(&"@ana ".repeat(MOST_NAMES + 10), |_| {
            asked += 1;
            None
        });
        assert_eq!(asked, MOST_NAMES);
    }

    #[test]
    fn only_html_that_is_more_than_its_text_is_stored() {
        for (body, kept) in [
            ("hola, mundo", ""),
            ("a < b", "<p>a &lt; b</p>"),
            ("two\nlines", "<p>two<br>lines</p>"),
            ("a\n\nb", "<p>a</p><p>b</p>"),
        ] {
            assert_eq!(stored(&render(body, nobody), body), kept);
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
