//! Which part of a file a request asks for (RFC 9110, section 14), and whether its sender has the file already.

use std::ops::Range;

use axum::http::HeaderMap;
use axum::http::header::{HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    Bytes(Range<u64>),
    /// The file has no such part.
    Missing,
}

/// The part that the headers ask for. Several parts are answered with the whole file: many small ones would cost more
/// than it.
pub(super) fn requested(headers: &HeaderMap, tag: &str, size: u64) -> Part {
    let Some(range) = text(headers, &RANGE) else { return Part::Whole };
    // A time never matches: the tag is what changes with the bytes.
    if headers.contains_key(IF_RANGE) && text(headers, &IF_RANGE) != Some(tag) {
        return Part::Whole;
    }
    parse(range, size).unwrap_or(Part::Whole)
}

/// `None` if the text is not one range of bytes.
fn parse(range: &str, size: u64) -> Option<Part> {
    let (unit, spec) = range.split_once('=')?;
    let (first, last) = spec.split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let number = |text: &str| {
        let text = text.trim();
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok())?
    };
    let part = match (first.trim(), last.trim()) {
        ("", suffix) => size.saturating_sub(number(suffix)?)..size,
        (first, "") => number(first)?..size,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(size)
        }
    };
    Some(if part.start < part.end { Part::Bytes(part) } else { Part::Missing })
}

/// Whether the sender has this version.
pub(super) fn has(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// A header that is present once.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    value.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let pair =
            |(name, value): &(HeaderName, &str)| (name.clone(), value.parse().expect("text"));
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn one_range_is_a_part_and_several_are_the_whole_file() {
        for (range, part) in [
            ("bytes=0-9", Part::Bytes(0..10)),
            ("bytes=90-", Part::Bytes(90..100)),
            ("bytes=-5", Part::Bytes(95..100)),
            ("bytes=-500", Part::Bytes(0..100)),
            ("bytes=50-99999999999", Part::Bytes(50..100)),
            ("BYTES = 1-1", Part::Bytes(1..2)),
            ("bytes=100-", Part::Missing),
            ("bytes=-0", Part::Missing),
            ("bytes=5-2", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("bytes=0-0,0-0,0-0,0-0", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("bytes=1-99999999999999999999999", Part::Whole),
            ("lines=1-2", Part::Whole),
            ("bytes", Part::Whole),
        ] {
            assert_eq!(requested(&headers(&[(RANGE, range)]), "\"a\"", 100), part, "{range}");
        }
        assert_eq!(requested(&headers(&[(RANGE, "bytes=0-")]), "\"a\"", 0), Part::Missing);
        let twice = headers(&[(RANGE, "bytes=0-1"), (RANGE, "bytes=2-3")]);
        assert_eq!(requested(&twice, "\"a\"", 100), Part::Whole);
    }

    #[test]
    fn a_part_of_another_version_is_not_sent() {
        for (condition, part) in [
            ("\"a\"", Part::Bytes(0..2)),
            ("\"b\"", Part::Whole),
            ("W/\"a\"", Part::Whole),
            ("Sat, 21 Nov 2026 10:00:00 GMT", Part::Whole),
        ] {
            let asked = headers(&[(RANGE, "bytes=0-1"), (IF_RANGE, condition)]);
            assert_eq!(requested(&asked, "\"a\"", 100), part, "{condition}");
        }
    }

    #[test]
    fn a_known_version_is_recognized() {
        for (known, has_it) in
            [("\"a\"", true), ("\"b\", W/\"a\"", true), ("*", true), ("\"b\"", false), ("a", false)]
        {
            assert_eq!(has(&headers(&[(IF_NONE_MATCH, known)]), "\"a\""), has_it, "{known}");
        }
        assert!(!has(&HeaderMap::new(), "\"a\""));
    }
}
