//! The charset of a page (WHATWG Encoding Standard, HTML 13.2.3): a byte order mark, then the header, then a `meta` in
//! the first 1,024 bytes. Only UTF-8 and windows-1252 are known, which nearly all pages have.

use std::borrow::Cow;

/// The bytes in which a `meta` may name the charset.
const PRESCAN: usize = 1_024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Charset {
    Utf8,
    Windows1252,
}

/// The text of these bytes; `None` if their charset is another one.
pub(super) fn decode<'a>(bytes: &'a [u8], content_type: &str) -> Option<Cow<'a, str>> {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return Some(String::from_utf8_lossy(rest));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return None;
    }
    let prescan = bytes.get(..PRESCAN).unwrap_or(bytes).to_ascii_lowercase();
    let named = label(&content_type.to_ascii_lowercase())
        .or_else(|| meta(&String::from_utf8_lossy(&prescan)));
    let charset = match named {
        Some(label) => known(&label)?,
        None => guess(bytes),
    };
    Some(match charset {
        Charset::Utf8 => String::from_utf8_lossy(bytes),
        Charset::Windows1252 => {
            bytes.iter().map(|byte| windows_1252(*byte)).collect::<String>().into()
        }
    })
}

/// What a page is that does not say it. The last character may be cut off.
fn guess(bytes: &[u8]) -> Charset {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_some() => Charset::Windows1252,
        _ => Charset::Utf8,
    }
}

/// The value behind `charset=`, in small letters.
fn label(text: &str) -> Option<String> {
    let (_, value) = text.split_once("charset")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let value = value.trim_start_matches(['"', '\'']);
    let end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '>' | '/' | ',');
    let value = value.split(end).next().unwrap_or_default();
    (!value.is_empty()).then(|| value.to_owned())
}

/// The charset that a `meta` names.
fn meta(prescan: &str) -> Option<String> {
    prescan.split("<meta").skip(1).find_map(|rest| label(rest.split('>').next()?))
}

/// The labels of the Encoding Standard for both charsets.
fn known(label: &str) -> Option<Charset> {
    match label {
        "utf-8" | "utf8" | "unicode-1-1-utf-8" | "unicode11utf8" | "unicode20utf8"
        | "x-unicode20utf8" => Some(Charset::Utf8),
        "windows-1252" | "cp1252" | "x-cp1252" | "iso-8859-1" | "iso8859-1" | "iso88591"
        | "iso_8859-1" | "iso_8859-1:1987" | "iso-ir-100" | "latin1" | "l1" | "ascii"
        | "us-ascii" | "ansi_x3.4-1968" | "cp819" | "ibm819" | "csisolatin1" => {
            Some(Charset::Windows1252)
        }
        _ => None,
    }
}

/// The characters of windows-1252 from 0x80 to 0x9f; the others are those of Unicode.
const HIGH: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

fn windows_1252(byte: u8) -> char {
    let high = byte.checked_sub(0x80).and_then(|at| HIGH.get(usize::from(at)));
    high.copied().unwrap_or(char::from(byte))
}
