//! What somebody wrote, as HTML that is safe to show to everybody.
//!
//! Text is escaped, paragraphs and line breaks are kept, web addresses can be clicked. Nothing
//! that a person writes becomes a tag.

use html_escape::{encode_double_quoted_attribute, encode_text};
use linkify::{LinkFinder, LinkKind};

/// Renders a body. Empty lines divide paragraphs.
pub fn render(body: &str) -> String {
    let mut finder = LinkFinder::new();
    // Only what begins with a scheme: "main.rs" and "etc.and" are no addresses.
    finder.url_must_have_scheme(true).kinds(&[LinkKind::Url]);
    let mut html = String::with_capacity(body.len() + 16);
    for paragraph in body.split("\n\n").map(|p| p.trim_matches('\n')).filter(|p| !p.is_empty()) {
        html.push_str("<p>");
        for (n, line) in paragraph.split('\n').enumerate() {
            if n > 0 {
                html.push_str("<br>");
            }
            render_line(&finder, line, &mut html);
        }
        html.push_str("</p>");
    }
    html
}

fn render_line(finder: &LinkFinder, line: &str, html: &mut String) {
    for span in finder.spans(line) {
        let text = span.as_str();
        if span.kind().is_some() && is_web(text) {
            html.push_str("<a href=\"");
            html.push_str(&encode_double_quoted_attribute(text));
            // No window handle and no address of the room for the other side.
            html.push_str("\" target=\"_blank\" rel=\"noopener noreferrer nofollow ugc\">");
            html.push_str(&encode_text(text));
            html.push_str("</a>");
        } else {
            html.push_str(&encode_text(text));
        }
    }
}

fn is_web(address: &str) -> bool {
    let scheme = address.split(':').next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(body: &str, html: &str) {
        assert_eq!(render(body), html);
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
        let html = render("https://x.org/?a&b'<\"onmouseover=alert(1)//");
        assert!(html.starts_with("<p><a href=\"https://x.org/?a&amp;b"), "{html}");
        assert!(!html.contains("b\"onmouseover") && !html.contains("<\""), "{html}");
    }

    proptest! {
        /// Whatever is written: only our four tags come out, and only our attributes.
        #[test]
        fn no_text_becomes_a_tag(body in ".{0,200}|(https?://|<|>|\"|'|&|\n|x\\.org/|=on){0,40}") {
            let page = scraper::Html::parse_fragment(&render(&body));
            for element in page.root_element().descendent_elements() {
                let tag = element.value().name();
                prop_assert!(["html", "p", "br", "a"].contains(&tag), "{} in {}", tag, body);
                for (name, _) in element.value().attrs() {
                    prop_assert!(tag == "a" && ["href", "target", "rel"].contains(&name), "{}", body);
                }
            }
        }
    }
}
