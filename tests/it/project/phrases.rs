//! Words and phrases that must not come back: each has a plainer one. They are looked for in comments, identifiers and
//! documents, not in texts and data in quotes. The glossary lists what to say instead.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use super::tidy::files;

const PHRASES: [&str; 43] = [
    "anew",
    "anybody",
    "as good as none",
    "begun",
    "bell",
    "by itself",
    "crowd",
    "darkroom",
    "ear",
    "ears",
    "era",
    "eras",
    "everybody",
    "farewell",
    "for ever",
    "goodbye",
    "hall",
    "heard",
    "hearing",
    "hence",
    "is looked at",
    "is looked for",
    "it is known",
    "lest",
    "meanwhile",
    "mouthful",
    "news",
    "no more than",
    "nobody",
    "oneself",
    "retold",
    "ringer",
    "shall",
    "shelf",
    "so to speak",
    "somebody",
    "thereby",
    "told",
    "trouble",
    "upon",
    "whisper",
    "whoever",
    "whomever",
];

/// Folders with the endings of their files that are read.
const SOURCES: [(&str, &[&str]); 11] = [
    ("src", &["rs"]),
    ("tests/it", &["rs"]),
    ("tests/cluster", &["rs"]),
    ("tests/browser", &["mjs"]),
    ("static", &["js", "css"]),
    ("templates", &["html", "css"]),
    ("migrations", &["sql"]),
    ("benches/src", &["rs"]),
    ("benches/store/src", &["rs"]),
    ("benches/attacks", &["mjs"]),
    ("docs", &["md"]),
];
const DOCUMENTS: [&str; 6] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "benches/README.md",
];
/// The glossary and this file name the phrases, the corpus is Spanish.
const EXCEPT: [&str; 3] =
    ["docs/GLOSSARY.md", "tests/it/project/phrases.rs", "benches/store/src/corpus.rs"];

/// The line without what is between these quotes.
fn without_quoted(line: &str, quotes: &[char]) -> String {
    let mut kept = String::new();
    let mut quote = None;
    let mut before = ' ';
    for c in line.chars() {
        match quote {
            Some(open) if c == open && before != '\\' => quote = None,
            Some(_) => {}
            None if quotes.contains(&c) => quote = Some(c),
            None => kept.push(c),
        }
        before = c;
    }
    kept
}

/// What opens a text in a file of this kind. In Rust a single quote is a lifetime, and a backtick a name in a comment.
fn quotes(file: &Path) -> &'static [char] {
    match file.extension().and_then(OsStr::to_str) {
        Some("md") => &[],
        Some("js" | "mjs") => &['"', '\'', '`'],
        _ => &['"'],
    }
}

/// The words of a line in lower case, with a space around each.
fn words(line: &str) -> String {
    let words = line.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    words.fold(" ".to_owned(), |all, word| all + &word.to_lowercase() + " ")
}

fn has(words: &str, phrase: &str) -> bool {
    words.contains(&format!(" {phrase} "))
}

#[test]
fn phrases_are_found_in_words_and_identifiers_only() {
    for (line, found) in [
        ("// Nobody is told.", true),
        ("fn is_told()", true),
        ("let told = 1;", true),
        ("// untold", false),
        ("let hall_of_fame = 1;", true),
        ("challenge", false),
        ("say(\"nobody\")", false),
    ] {
        let words = words(&without_quoted(line, &['"']));
        assert_eq!(PHRASES.iter().any(|phrase| has(&words, phrase)), found, "{line}");
    }
    assert!(PHRASES.is_sorted());
}

#[test]
fn no_abandoned_phrase_comes_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let of_folder = |(folder, endings): (&str, &[&str])| -> Vec<_> {
        endings.iter().flat_map(|ending| files(folder, ending)).collect()
    };
    let documents = DOCUMENTS.iter().map(|name| root.join(name));
    let all = SOURCES.into_iter().flat_map(of_folder).chain(documents);
    let mut found = Vec::new();
    for file in all.filter(|file| EXCEPT.iter().all(|name| !file.ends_with(name))) {
        for (number, line) in fs::read_to_string(&file).expect("text").lines().enumerate() {
            let words = words(&without_quoted(line, quotes(&file)));
            for phrase in PHRASES.iter().filter(|phrase| has(&words, phrase)) {
                found.push(format!("{}:{}: {phrase}", file.display(), number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
