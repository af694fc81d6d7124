//! What is searched for: words as common and as rare as words are.

use serde_json::{Value, json};

use crate::words::{Dice, Texts};

/// Words of these places are common, middling and rare.
const COMMON: usize = 50;
const MIDDLING: (usize, usize) = (500, 3_000);
const RARE: (usize, usize) = (10_000, 30_000);

/// So many queries of each kind. All end in a quote or a space in quotes, that is, mean whole words,
/// but those that are named after what is being typed. `messages`: how many there are to take
/// phrases from.
pub fn queries(count: usize, messages: u64) -> Value {
    let texts = Texts::default();
    let dice = &mut Dice::new(77);
    let word = |dice: &mut Dice, (from, to): (usize, usize), language: usize| {
        texts.word(language, from + dice.below(to - from)).to_owned()
    };
    let common = |dice: &mut Dice, language| word(dice, (0, COMMON), language);
    let mut list = |make: &mut dyn FnMut(&mut Dice, usize) -> String| -> Vec<String> {
        (0..count).map(|n| make(dice, n % 2)).collect()
    };
    json!({
        "common": list(&mut |dice, language| quoted(&common(dice, language))),
        "middling": list(&mut |dice, language| quoted(&word(dice, MIDDLING, language))),
        "rare": list(&mut |dice, language| quoted(&word(dice, RARE, language))),
        "common and common": list(&mut |dice, language| {
            format!("{} {}", common(dice, language), quoted(&common(dice, language)))
        }),
        "common and rare": list(&mut |dice, language| {
            format!("{} {}", common(dice, language), quoted(&word(dice, RARE, language)))
        }),
        "middling and middling": list(&mut |dice, language| {
            let second = quoted(&word(dice, MIDDLING, language));
            format!("{} {second}", word(dice, MIDDLING, language))
        }),
        // Neighbours in a message that is there.
        "phrase": list(&mut |dice, _| loop {
            let body = texts.body(dice.next() % messages.max(1));
            let words: Vec<&str> = body.split(' ').collect();
            let at = dice.below(words.len());
            if let [first, second, ..] = words[at..]
                && first.len() > 3
                && !first.ends_with(',')
            {
                break format!("\"{first} {}\"", second.trim_end_matches(','));
            }
        }),
        "prefix of 5": list(&mut |dice, language| loop {
            let whole = word(dice, MIDDLING, language);
            if whole.chars().count() > 5 {
                break whole.chars().take(5).collect();
            }
        }),
        "prefix of 3": list(&mut |dice, language| loop {
            let whole = word(dice, MIDDLING, language);
            if whole.chars().count() > 3 {
                break whole.chars().take(3).collect();
            }
        }),
        "common, being typed": list(&mut |dice, language| common(dice, language)),
        "nothing": list(&mut |_, n| format!("\"zzz{n}qqq\"")),
    })
}

fn quoted(word: &str) -> String {
    format!("\"{word}\"")
}
