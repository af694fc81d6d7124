//! How easily a password is guessed by somebody who knows its owner. The judge's work grows with the
//! square of the length, and with every way in which signs can be read as letters, so both are bounded
//! before it sees the text.

use super::model::PlainPassword;
use crate::limits::passwords as limits;

/// Below this nothing offline is needed to find it: zxcvbn's 3 of 4 is "safely unguessable
/// against a slow hash" (Wheeler, USENIX Security 2016).
const LEAST_SCORE: zxcvbn::Score = zxcvbn::Score::Three;

/// Signs that zxcvbn reads as letters. It tries every combination of one sign for each letter.
const LOOK_ALIKES: [(char, &str); 12] = [
    ('a', "4@"),
    ('b', "8"),
    ('c', "({[<"),
    ('e', "3"),
    ('g', "69"),
    ('i', "1!|"),
    ('l', "1|7"),
    ('o', "0"),
    ('s', "$5"),
    ('t', "+7"),
    ('x', "%"),
    ('z', "2"),
];

/// Whether the password is too easy to guess for somebody who knows `about` its owner.
pub(super) fn is_guessable(password: &PlainPassword, about: &[String]) -> bool {
    let about: Vec<&str> = about.iter().map(String::as_str).collect();
    zxcvbn::zxcvbn(&judged(password.as_str()), &about).score() < LEAST_SCORE
}

/// What is judged in place of a password: its beginning, with one sign for each letter where it could
/// be read in too many ways. Neither makes a weak password look strong.
fn judged(password: &str) -> String {
    let start = || password.chars().take(limits::JUDGED_CHARACTERS);
    if readings(&start().collect::<String>()) <= limits::JUDGED_READINGS {
        return start().collect();
    }
    start().map(plainest).collect()
}

/// In how many ways the signs of a text can be read, at most.
fn readings(text: &str) -> usize {
    let signs = |signs: &str| signs.chars().filter(|sign| text.contains(*sign)).count();
    // A sign that stands for two letters is tried as either.
    let shared = "1|7".chars().filter(|sign| text.contains(*sign)).count();
    let ways: usize = LOOK_ALIKES.iter().map(|(_, of)| signs(of).max(1)).product();
    ways << shared
}

/// One sign for all that look like the same letter.
fn plainest(sign: char) -> char {
    match sign {
        '@' => '4',
        '{' | '[' | '<' => '(',
        '9' => '6',
        '!' | '|' | '7' => '1',
        '5' => '$',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_guessable(text: &str) -> bool {
        let password = PlainPassword::parse(text).expect("a password");
        super::is_guessable(&password, &["anaortega".to_owned()])
    }

    #[test]
    fn common_words_and_ones_own_name_are_guessable_and_a_phrase_is_not() {
        for (text, guessable) in [
            ("password1", true),
            ("qwertyuiop", true),
            ("12345678", true),
            ("anaortega1", true),
            ("p4$$w0rd!", true),
            ("contraseña", true),
            ("correcto-caballo-42-grapa", false),
            ("huerto vecinal con manguera", false),
            ("a4@c({[<i1!|l7s5$t+g69e3o0", false),
        ] {
            assert_eq!(is_guessable(text), guessable, "{text}");
        }
        assert!(is_guessable(&"a".repeat(256)), "length alone is no strength");
    }

    #[test]
    fn whatever_the_text_a_bounded_part_is_judged_in_a_bounded_number_of_ways() {
        let most = limits::JUDGED_READINGS;
        for pattern in [
            "a4@c({[<i1!|l7s5$t+g69e3o0",
            "4@({[<1!|7$5+693028%",
            "p4$$w0rdm0nk3y|0v3dr@g0n!1(<{[+769",
            "aabb",
            "1.1.2000",
            "qwertyuiop",
            "密码是什么",
            "ñandú",
            "e\u{301}\u{302}\u{303}",
        ] {
            for length in [8, 49, 50, 51, 256] {
                let text: String = pattern.chars().cycle().take(length).collect();
                let judged = judged(&text);
                assert!(judged.chars().count() <= limits::JUDGED_CHARACTERS, "{text}");
                assert!(readings(&judged) <= most, "{text}: {}", readings(&judged));
            }
        }
        for ordinary in ["correcto-caballo-42-grapa", "Tr0ub4dor&3", "2026-11-21 Lima!"] {
            assert_eq!(judged(ordinary), ordinary, "it is judged as it is");
        }
    }
}
