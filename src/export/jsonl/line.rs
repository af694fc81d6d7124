//! Writing and parsing a line.

use std::io::{self, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

/// Writes a record as a line.
pub fn write(record: &impl Serialize, to: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *to, record)?;
    to.write_all(b"\n")
}

/// Parses a line without its end. The error says which field is wrong, and why.
pub fn parse<R: DeserializeOwned>(line: &[u8]) -> Result<R, String> {
    // Serde would also read a struct from an array.
    if line.trim_ascii_start().first() != Some(&b'{') {
        return Err("not a JSON object".to_owned());
    }
    let mut json = serde_json::Deserializer::from_slice(line);
    let record = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| explain(error.path(), error.inner()))?;
    json.end().map_err(|error| format!("not a JSON object ({error})"))?;
    Ok(record)
}

fn explain(path: &serde_path_to_error::Path, error: &serde_json::Error) -> String {
    if error.classify() != Category::Data {
        return format!("not a JSON object ({error})");
    }
    // The caller adds the number of the line in its file, which is not this one.
    let location = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    let text = text.strip_suffix(&location).unwrap_or(&text);
    match path.iter().next() {
        Some(_) => format!("{path}: {text}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::export::jsonl::{Flag, Number, Sha256, Text};
    use crate::kernel::Timestamp;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        number: Number,
        flag: Flag,
        text: Text,
        hash: Option<Sha256>,
        at: Option<Timestamp>,
    }

    const LINE: &str = r#"{"number":9007199254740991,"flag":true,"text":"é\n\"","hash":"0a0b0c0d0e0f000102030405060708090a0b0c0d0e0f00010203040506070809","at":"2026-11-21T09:05:00.120Z"}"#;

    #[test]
    fn a_line_is_written_as_it_was_read() {
        let record: Sample = parse(LINE.as_bytes()).expect("a line");
        let mut written = Vec::new();
        write(&record, &mut written).expect("written");
        assert_eq!(String::from_utf8(written).expect("text"), format!("{LINE}\n"));
    }

    #[test]
    fn optional_fields_can_be_missing_or_null() {
        let parsed = |line: &str| parse::<Sample>(line.as_bytes()).expect("a line");
        let short = parsed(r#"{"number":1,"flag":false,"text":""}"#);
        assert_eq!(short, parsed(r#"{"at":null,"hash":null,"text":"","flag":false,"number":1}"#));
        assert_eq!((short.hash, short.at), (None, None));
    }

    #[test]
    fn the_error_names_the_field() {
        let with = |field: &str, value: &str| {
            let mut line: serde_json::Map<_, _> = serde_json::from_str(LINE).expect("JSON");
            line.insert(field.to_owned(), serde_json::from_str(value).expect("JSON"));
            serde_json::to_vec(&line).expect("a line")
        };
        for (field, value, error) in [
            ("number", "-1", "number: must be from 0 to 2^53 - 1"),
            ("number", "9007199254740992", "number: must be from 0 to 2^53 - 1"),
            ("number", "1.5", "number: invalid type: floating point `1.5`, expected i64"),
            ("number", "null", "number: invalid type: null, expected i64"),
            ("number", "\"1\"", "number: invalid type: string \"1\", expected i64"),
            ("flag", "1", "flag: invalid type: integer `1`, expected a boolean"),
            ("text", "\"a\\u0000\"", "text: must not contain NUL"),
            ("hash", "\"0a\"", "hash: must be a SHA-256 in hexadecimal"),
            ("at", "\"2026-11-21\"", "at: must be a time in RFC 3339"),
            ("extra", "1", "extra: unknown field `extra`"),
        ] {
            let refused = parse::<Sample>(&with(field, value)).expect_err(value);
            assert!(refused.starts_with(error), "{error}: {refused}");
        }
        for (line, error) in [
            ("", "not a JSON object"),
            ("[1,true,\"\",null,null]", "not a JSON object"),
            ("{\"number\":", "not a JSON object (EOF"),
            ("{\"number\":1,\"flag\":true,\"text\":\"\"}}", "not a JSON object (trailing"),
            ("{\"number\":1,\"flag\":true}", "missing field `text`"),
            ("{\"number\":1,\"number\":1}", "duplicate field `number`"),
        ] {
            let refused = parse::<Sample>(line.as_bytes()).expect_err(line);
            assert!(refused.starts_with(error), "{error}: {refused}");
        }
    }
}
