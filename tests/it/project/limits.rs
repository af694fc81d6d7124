//! SECURITY.md lists every limit with its number. The table is generated from `src/limits/`:
//! `WRITE_LIMITS=1 cargo test --test it limits` writes it.
#![expect(clippy::string_slice, reason = "the indices come from searches in the text")]

use std::path::{Path, PathBuf};
use std::{env, fs};

use super::tidy::files;

const HEADING: &str = "## All limits\n";
const TABLE: &str = "| Limit | Number | What |\n| --- | --- | --- |\n";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// `(name, expression, description)` of all constants, in their order.
fn limits() -> Vec<(String, String, String)> {
    let mut text = fs::read_to_string(path("src/limits/mod.rs")).expect("text");
    for file in files("src/limits", "rs").iter().filter(|file| !file.ends_with("mod.rs")) {
        text += &fs::read_to_string(file).expect("text");
    }
    let (mut module, mut comment, mut found) = (String::new(), String::new(), Vec::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if let Some(text) = line.strip_prefix("///") {
            comment = format!("{comment} {}", text.trim());
        } else if let Some(name) = line.strip_prefix("pub mod ") {
            name.trim_end_matches(" {").clone_into(&mut module);
            comment.clear();
        } else if let Some(rest) = line.strip_prefix("pub const ").filter(|r| !r.starts_with("fn "))
        {
            let mut rest = rest.to_owned();
            while !rest.ends_with(';') {
                rest = format!("{rest} {}", lines.next().expect("an end").trim());
            }
            let (head, value) = rest.trim_end_matches(';').split_once(" = ").expect("a value");
            let name = head.split(':').next().expect("a name");
            found.push((format!("{module}::{name}"), value.to_owned(), comment.trim().to_owned()));
            comment.clear();
        } else if !line.starts_with("#[") && !line.is_empty() {
            comment.clear();
        }
    }
    assert!(found.len() > 20, "the test sees the limits: {found:?}");
    found
}

/// The value of a product of numbers.
fn product(text: &str) -> u64 {
    let factor = |number: &str| number.trim().replace('_', "").parse::<u64>();
    let factors = text.split('*').map(|number| factor(number).unwrap_or_else(|_| panic!("{text}")));
    factors.product()
}

/// In MiB and KiB if the source has a product, otherwise with a comma between thousands.
fn number(text: &str) -> String {
    let value = product(text);
    for (unit, size) in [("MiB", 1024 * 1024), ("KiB", 1024)] {
        if text.contains('*') && value >= size && value.is_multiple_of(size) {
            return format!("{} {unit}", value / size);
        }
    }
    let digits = value.to_string();
    let commas = digits.chars().enumerate().flat_map(|(at, digit)| {
        let comma = (at > 0 && (digits.len() - at).is_multiple_of(3)).then_some(',');
        comma.into_iter().chain([digit])
    });
    commas.collect()
}

fn duration(text: &str) -> String {
    let (unit, value) = text.trim_start_matches("Duration::from_").split_once('(').expect("a time");
    let value = product(value.trim_end_matches(')'));
    match unit {
        "hours" if value.is_multiple_of(24) && value > 24 => {
            format!("{} days", number(&(value / 24).to_string()))
        }
        "hours" => format!("{value} h"),
        "mins" => format!("{value} min"),
        "secs" => format!("{value} s"),
        "millis" => format!("{} ms", number(&value.to_string())),
        other => panic!("{other}"),
    }
}

fn format_value(expression: &str) -> String {
    if let Some(rate) = expression.strip_prefix("Rate::new(") {
        let (burst, every) = rate[..rate.len() - 1].split_once(", ").expect("two parts");
        format!("{}, then one in {}", number(burst), duration(every))
    } else if expression.starts_with("Duration::") {
        duration(expression)
    } else {
        number(expression)
    }
}

#[test]
fn every_limit_is_documented_in_security_md() {
    let rows = limits().into_iter().map(|(name, expression, what)| {
        format!("| `{name}` | {} | {what} |\n", format_value(&expression))
    });
    let table = format!("{TABLE}{}", rows.collect::<String>());
    let document = fs::read_to_string(path("SECURITY.md")).expect("text");
    let at = document.find(HEADING).expect("a section for it");
    let start = at + document[at..].find(TABLE).expect("a table");
    let end = document[start..].find("\n\n").map_or(document.len(), |end| start + end + 1);
    if env::var_os("WRITE_LIMITS").is_some() {
        let written = [&document[..start], &table, &document[end..]].concat();
        fs::write(path("SECURITY.md"), written).expect("written");
        return;
    }
    assert_eq!(&document[start..end], table, "WRITE_LIMITS=1 cargo test --test it limits");
}
