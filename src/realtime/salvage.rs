//! Recovers the nonce and room of a post from a frame that is not valid JSON, so that the error frame can
//! name the post and the client's outbox does not wait for it.
//!
//! Does not use a JSON parser: a lone surrogate, a line break in a string, a malformed number or a missing
//! end make the frame invalid, and none of them may hide the nonce.

use serde::de::DeserializeOwned;

use crate::kernel::RoomId;

/// Identifies the post that a frame was meant to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Salvaged {
    pub nonce: String,
    pub room: Option<RoomId>,
}

impl Salvaged {
    /// Returns `None` if the frame is not a post, or has no nonce.
    pub fn of(text: &str) -> Option<Self> {
        let values = values(text);
        let kind = find::<String>(&values, "type");
        if kind.is_some_and(|kind| kind != "post") {
            return None;
        }
        let nonce = find(&values, "nonce")?;
        Some(Self { nonce, room: find(&values, "room") })
    }
}

/// Returns the first value of a key that has the expected type.
fn find<T: DeserializeOwned>(values: &[(&str, &str)], key: &str) -> Option<T> {
    values
        .iter()
        .filter(|(known, _)| serde_json::from_str::<String>(known).is_ok_and(|known| known == key))
        .find_map(|(_, value)| serde_json::from_str(value).ok())
}

/// Returns the keys of the outermost object with their string and number values, as raw text.
fn values(text: &str) -> Vec<(&str, &str)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut key = None;
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let mut next = at + 1;
        match byte {
            b'{' | b'[' => depth += 1,
            // A surplus bracket does not end the outermost object.
            b'}' | b']' => depth = depth.saturating_sub(1).max(1),
            b',' if depth == 1 => key = None,
            b'"' | b'-' | b'0'..=b'9' => {
                next = if *byte == b'"' { string_end(bytes, at) } else { number_end(bytes, at) };
                let token = text.get(at..next).unwrap_or_default();
                if depth == 1 {
                    match key.take() {
                        Some(key) => found.push((key, token)),
                        None => key = is_key(bytes, next).then_some(token),
                    }
                }
            }
            _ => {}
        }
        at = next;
    }
    found
}

/// Returns the position after the closing quote.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        match bytes.get(at) {
            Some(b'\\') => at += 2,
            Some(b'"') => return at + 1,
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}

fn number_end(bytes: &[u8], start: usize) -> usize {
    let is_of_number = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let rest = bytes.get(start..).unwrap_or_default();
    start + rest.iter().position(|byte| !is_of_number(byte)).unwrap_or(rest.len())
}

fn is_key(bytes: &[u8], end: usize) -> bool {
    let rest = bytes.get(end..).unwrap_or_default();
    rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_nonce_is_read_from_any_broken_frame() {
        for text in [
            r#"{"type":"post","room":1,"nonce":"n1","body":"a\ud800b"}"#,
            r#"{"type":"post","body":"a\ud800b","room":1,"nonce":"n1"}"#,
            "{\"type\":\"post\",\"body\":\"a\nb\",\"room\":1,\"nonce\":\"n1\"}",
            r#"{"type":"post","room":1,"nonce":"n1","body":7}"#,
            r#"{"type":"post","room":1,"nonce":"n1","body":{"nonce":"other","room":2}}"#,
            r#"{"type":"post","body":["\"nonce\":\"other\""],"room":1,"nonce":"n1"}"#,
            r#"{"type":"post","room":1,"nonce":"n1"}"#,
            r#"{"type":"post","room":1,"nonce":"n1","body":"x","reply_to":"y"}"#,
            r#"{"type":"post","room":1,"nonce":"n1","body":"x","reply_to":1e999}"#,
            r#"{"type":"post","room":1,"nonce":"n1","nonce":"n2","body":"x"}"#,
            r#"{"type":"post","room":1,"nonce":"n1","body":"x""#,
            r#"{"type":"post","room":1,"nonce":"n1","body":"x"#,
            r#"{"type":"post","room":1,"nonce":"n1","body":"x"}}"#,
            r#"{ "type" : "post" , "room" : 1 , "nonce" : "n\u0031" , "body" : nul }"#,
            r#"{"room":1,"nonce":"n1","body":"x"}"#,
            r#"{"type":"post","room":1,"nonce":7,"nonce":"n1"}"#,
        ] {
            let expected = Salvaged { nonce: "n1".to_owned(), room: Some(RoomId(1)) };
            assert_eq!(Salvaged::of(text), Some(expected), "{text}");
        }
        let lost = Salvaged { nonce: "n1".to_owned(), room: None };
        let text = r#"{"type":"post","room":"1","nonce":"n1","body":"x"}"#;
        assert_eq!(Salvaged::of(text), Some(lost));
    }

    #[test]
    fn other_frames_and_posts_without_a_nonce_are_ignored() {
        for text in [
            "",
            "nonce",
            "[]",
            r#"{"type":"post","room":1,"body":"x"}"#,
            r#"{"type":"post","room":1,"nonce":7}"#,
            r#"{"type":"typing","room":"1","nonce":"n1"}"#,
            r#"{"type":"post","inner":{"nonce":"n1"}}"#,
            r#"["nonce","n1"]"#,
        ] {
            assert_eq!(Salvaged::of(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[\"\\\\{}:,a-z0-9-]{0,60}|.{0,60}") {
            drop(Salvaged::of(&text));
        }
    }
}
