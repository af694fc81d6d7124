//! The part of a message that a search result shows: the first match and the text around it.

use std::ops::Range;

/// A part of a snippet, highlighted if `hit` is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnippetPart {
    pub text: String,
    pub hit: bool,
}

/// Characters before the first match, and in total.
const BEFORE: usize = 80;
const LENGTH: usize = 320;

/// The text around the first match; all of a short text. `hits` are byte ranges, in order and
/// without overlaps.
pub fn snippet(body: &str, hits: &[Range<usize>]) -> Vec<SnippetPart> {
    let (start, end) = window(body, hits.first().map_or(0, |hit| hit.start));
    let mut pieces = Vec::new();
    if start > 0 {
        pieces.push(SnippetPart { text: "…".to_owned(), hit: false });
    }
    let mut at = start;
    for hit in hits.iter().filter(|hit| hit.start >= start && hit.start < end) {
        push(&mut pieces, body.get(at..hit.start), false);
        at = hit.end.min(end);
        push(&mut pieces, body.get(hit.start..at), true);
    }
    push(&mut pieces, body.get(at..end), false);
    if end < body.len() {
        pieces.push(SnippetPart { text: "…".to_owned(), hit: false });
    }
    pieces
}

fn push(pieces: &mut Vec<SnippetPart>, text: Option<&str>, hit: bool) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        pieces.push(SnippetPart { text: text.to_owned(), hit });
    }
}

/// The byte range of the snippet. It begins at a word boundary if there is a space.
fn window(body: &str, hit: usize) -> (usize, usize) {
    let before = body.get(..hit).unwrap_or_default();
    let earliest = before.char_indices().rev().nth(BEFORE).map_or(0, |(at, _)| at);
    let words = body.get(earliest..hit).unwrap_or_default();
    let space = words.char_indices().find(|(_, c)| c.is_whitespace());
    let start = match space {
        Some((at, c)) if earliest > 0 => earliest + at + c.len_utf8(),
        _ => earliest,
    };
    let rest = body.get(start..).unwrap_or_default();
    let end = rest.char_indices().nth(LENGTH).map_or(body.len(), |(at, _)| start + at);
    (start, end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chat::search::model::Query;

    fn shown(query: &str, body: &str) -> String {
        let hits = Query::parse(query, &jiff::tz::TimeZone::UTC).hits(body).expect("a hit");
        let pieces = snippet(body, &hits);
        let formatted = pieces.into_iter().map(
            |SnippetPart { text, hit }| {
                if hit { format!("[{text}]") } else { text }
            },
        );
        formatted.collect()
    }

    #[test]
    fn matches_are_highlighted_and_a_long_text_is_cut_around_the_first() {
        assert_eq!(shown("bogota", "En Bogotá, Bogota."), "En [Bogotá], [Bogota].");
        let long = format!("{} aquí {}", "antes ".repeat(60), "después ".repeat(60));
        let shown = shown("aqui", &long);
        assert!(shown.starts_with("…antes ") && shown.ends_with('…'), "{shown}");
        assert!(shown.contains("[aquí]") && shown.chars().count() < 330, "{shown}");
    }

    proptest! {
        #[test]
        fn an_excerpt_is_text_of_the_message(body in any::<String>(), query in "[a-e ]{1,5}") {
            if let Some(hits) = Query::parse(&query, &jiff::tz::TimeZone::UTC).hits(&body) {
                let text: String = snippet(&body, &hits).into_iter().map(|piece| piece.text).collect();
                let text = text.trim_start_matches('…').trim_end_matches('…');
                prop_assert!(body.contains(text));
            }
        }
    }
}
