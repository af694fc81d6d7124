//! Rates how easy a password is to guess for someone who knows its owner. The work of zxcvbn grows with
//! the square of the length, and with the number of ways to read characters as letters, so both are
//! limited before it gets the text.

use super::model::PlainPassword;
use crate::limits::passwords as limits;

/// The lowest accepted score. zxcvbn's 3 of 4 is "safely unguessable against a slow hash" (Wheeler,
/// USENIX Security 2016).
const LEAST_SCORE: zxcvbn::Score = zxcvbn::Score::Three;

/// Characters that zxcvbn reads as letters. It tries every combination of one character for each
/// letter.
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

/// Whether the password is easy to guess for someone who knows `about` its owner.
pub(super) fn is_guessable(password: &PlainPassword, about: &[String]) -> bool {
    let about: Vec<&str> = about.iter().map(String::as_str).collect();
    zxcvbn::zxcvbn(&rated_text(password.as_str()), &about).score() < LEAST_SCORE
}

/// The text to rate instead of the password: its beginning, and, if it could be read in too many ways,
/// with one character per letter. Neither makes a weak password look strong.
fn rated_text(password: &str) -> String {
    let beginning = || password.chars().take(limits::JUDGED_CHARACTERS);
    if readings(&beginning().collect::<String>()) <= limits::JUDGED_READINGS {
        return beginning().collect();
    }
    beginning().map(representative).collect()
}

/// An upper limit for the number of ways to read a text.
fn readings(text: &str) -> usize {
    let count = |signs: &str| signs.chars().filter(|sign| text.contains(*sign)).count();
    // A character that looks like two letters is tried as either.
    let shared = "1|7".chars().filter(|sign| text.contains(*sign)).count();
    let ways: usize = LOOK_ALIKES.iter().map(|(_, signs)| count(signs).max(1)).product();
    ways << shared
}

/// One character for all that look like the same letter.
fn representative(sign: char) -> char {
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
    fn common_words_and_the_users_name_are_guessable() {
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
    fn the_work_is_limited_for_any_text() {
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
                let rated_text = rated_text(&text);
                assert!(rated_text.chars().count() <= limits::JUDGED_CHARACTERS, "{text}");
                assert!(readings(&rated_text) <= most, "{text}: {}", readings(&rated_text));
            }
        }
        for ordinary in ["correcto-caballo-42-grapa", "Tr0ub4dor&3", "2026-11-21 Lima!"] {
            assert_eq!(rated_text(ordinary), ordinary, "it is rated unchanged");
        }
    }
}
