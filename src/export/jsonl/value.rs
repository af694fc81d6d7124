//! Writing and parsing a line. Parsing checks that every field is present and has the right type.

use std::io::{self, Write};

use serde_json::Value as Json;

use crate::export::jsonl::{Form, Kind};
use crate::kernel::Timestamp;
use hex::encode as hex;

/// The value of a field, as the tables store it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Number(Option<i64>),
    Text(Option<String>),
    Bytes(Vec<u8>),
}

/// The values of a line, in the order of its kind's fields.
pub type Row = Vec<Value>;

impl Value {
    /// The number; 0 for `null` and other types.
    pub fn number(&self) -> i64 {
        if let Self::Number(Some(number)) = self { *number } else { 0 }
    }

    /// The text; empty for `null` and other types.
    pub fn text(&self) -> &str {
        if let Self::Text(Some(text)) = self { text } else { "" }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Number(None) | Self::Text(None))
    }
}

/// Writes a line.
///
/// # Errors
/// If it cannot be written.
pub fn write(kind: &Kind, row: &Row, to: &mut dyn Write) -> io::Result<()> {
    for (n, (field, value)) in kind.fields.iter().zip(row).enumerate() {
        write!(to, "{}\"{}\":", if n == 0 { "{" } else { "," }, field.name)?;
        serde_json::to_writer(&mut *to, &json(field.form, value))?;
    }
    to.write_all(b"}\n")
}

fn json(form: Form, value: &Value) -> Json {
    match (form, value) {
        (_, Value::Number(None) | Value::Text(None)) => Json::Null,
        (Form::Flag, Value::Number(Some(number))) => Json::from(*number != 0),
        (Form::Time, Value::Number(Some(number))) => Json::from(Timestamp(*number).rfc3339()),
        (_, Value::Number(Some(number))) => Json::from(*number),
        (_, Value::Text(Some(text))) => Json::from(text.as_str()),
        (_, Value::Bytes(bytes)) => Json::from(hex(bytes)),
    }
}

/// Parses a line.
///
/// # Errors
/// What is wrong with it: not an object, a field too many or too few, or a value of another type.
pub fn parse(kind: &Kind, line: &[u8]) -> Result<Row, String> {
    let mut object: serde_json::Map<String, Json> =
        serde_json::from_slice(line).map_err(|error| format!("not a JSON object ({error})"))?;
    let mut row = Vec::with_capacity(kind.fields.len() + 3);
    for field in kind.fields {
        let name = field.name;
        // A field that can be null can be missing, because older exports lack some fields.
        let default = field.optional.then_some(Json::Null);
        let found = object.remove(name).or(default).ok_or_else(|| format!("{name} is missing"))?;
        if found.is_null() && !field.optional {
            return Err(format!("{name} is null"));
        }
        row.push(
            value(field.form, &found).map_err(|expected| format!("{name} must be {expected}"))?,
        );
    }
    match object.keys().next() {
        Some(unknown) => Err(format!("{unknown} is not a field of {}", kind.name)),
        None => Ok(row),
    }
}

fn value(form: Form, found: &Json) -> Result<Value, &'static str> {
    Ok(match (form, found) {
        (Form::Number | Form::Flag | Form::Time, Json::Null) => Value::Number(None),
        (Form::Text, Json::Null) => Value::Text(None),
        (Form::Number, found) => {
            let number = found.as_i64().filter(|number| (0..1 << 53).contains(number));
            Value::Number(Some(number.ok_or("a number from 0 to 2^53 - 1")?))
        }
        (Form::Flag, found) => Value::Number(Some(found.as_bool().ok_or("true or false")?.into())),
        (Form::Time, found) => {
            let time = found.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
            Value::Number(Some(time.ok_or("a time in RFC 3339")?.as_millisecond()))
        }
        (Form::Text, found) => {
            // PostgreSQL text cannot contain NUL.
            let text = found.as_str().filter(|text| !text.contains('\0'));
            Value::Text(Some(text.ok_or("text")?.to_owned()))
        }
        (Form::Bytes, found) => {
            let bytes = found.as_str().and_then(bytes).ok_or("hexadecimal")?;
            Value::Bytes(bytes)
        }
    })
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair.iter().fold(0, |byte, half| byte * 16 + half)).ok())
        .collect()
}
