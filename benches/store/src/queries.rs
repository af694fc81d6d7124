//! Search queries with common and rare words.

use serde_json::{Value, json};

use crate::corpus::{Rng, Texts};

/// Frequency ranks of common, middling and rare words.
const COMMON: usize = 50;
const MIDDLING: (usize, usize) = (500, 3_000);
const RARE: (usize, usize) = (10_000, 30_000);

/// Returns `count` queries of each kind. They are quoted and so mean whole words, except prefixes and
/// words being typed. Phrases are taken from the first `messages` messages.
pub fn queries(count: usize, messages: u64) -> Value {
    let texts = Texts::default();
    let rng = &mut Rng::new(77);
    let word = |rng: &mut Rng, (from, to): (usize, usize), language: usize| {
        texts.word(language, from + rng.below(to - from)).to_owned()
    };
    let common = |rng: &mut Rng, language| word(rng, (0, COMMON), language);
    let mut list = |make: &mut dyn FnMut(&mut Rng, usize) -> String| -> Vec<String> {
        (0..count).map(|n| make(rng, n % 2)).collect()
    };
    json!({
        "common": list(&mut |rng, language| quoted(&common(rng, language))),
        "middling": list(&mut |rng, language| quoted(&word(rng, MIDDLING, language))),
        "rare": list(&mut |rng, language| quoted(&word(rng, RARE, language))),
        "common and common": list(&mut |rng, language| {
            format!("{} {}", common(rng, language), quoted(&common(rng, language)))
        }),
        "common and rare": list(&mut |rng, language| {
            format!("{} {}", common(rng, language), quoted(&word(rng, RARE, language)))
        }),
        "middling and middling": list(&mut |rng, language| {
            let second = quoted(&word(rng, MIDDLING, language));
            format!("{} {second}", word(rng, MIDDLING, language))
        }),
        // Adjacent words of an existing message.
        "phrase": list(&mut |rng, _| loop {
            let body = texts.body(rng.next() % messages.max(1));
            let corpus: Vec<&str> = body.split(' ').collect();
            let at = rng.below(corpus.len());
            if let [first, second, ..] = corpus[at..]
                && first.len() > 3
                && !first.ends_with(',')
            {
                break format!("\"{first} {}\"", second.trim_end_matches(','));
            }
        }),
        "prefix of 5": list(&mut |rng, language| loop {
            let whole = word(rng, MIDDLING, language);
            if whole.chars().count() > 5 {
                break whole.chars().take(5).collect();
            }
        }),
        "prefix of 3": list(&mut |rng, language| loop {
            let whole = word(rng, MIDDLING, language);
            if whole.chars().count() > 3 {
                break whole.chars().take(3).collect();
            }
        }),
        "common, being typed": list(&mut |rng, language| common(rng, language)),
        "nothing": list(&mut |_, n| format!("\"zzz{n}qqq\"")),
    })
}

fn quoted(word: &str) -> String {
    format!("\"{word}\"")
}
