//! A corpus of realistic messages: words of two languages with Zipf frequencies (the second word is half
//! as frequent as the first, and so on) and realistic lengths. The same number always gives the same
//! message.

/// Words of each language.
const WORDS: usize = 30_000;
/// Results in a mean body length of 114 bytes.
const LENGTH_MEDIAN: f64 = 74.0;
const LENGTH_SPREAD: f64 = 0.9;
const LONGEST: f64 = 3_000.0;

const ENGLISH: &str = "the to and of a in is it you that was for on are with as be this have or not they we \
    but what there can all your when up use out if will each about how then them would make like \
    time has look two more go see no way could people my than first been who its now find long \
    down day did get come made may after back only little work know place year live me give most \
    very thing our just name good think say help where much before line right too mean old any \
    same tell boy follow want show also around form three small set put end does another well";
const SPANISH: &str = "de la que el en y a los se del las un por con no una su para es al lo como más o pero \
    sus le ha me si sin sobre este ya entre cuando todo esta ser son dos también fue había era \
    muy años hasta desde está mi porque qué sólo han yo hay vez puede todos así nos ni parte tiene \
    él uno donde bien tiempo mismo ese ahora cada vida otro después te otros aunque esa eso hace \
    otra gobierno tan durante siempre día tanto ella tres sí dijo sido gran país según menos mundo \
    año antes estado quiero mientras lugar solo cómo mañana gracias hola vamos bueno casa hoy aquí";
const SYLLABLES: [&[&str]; 2] = [
    &[
        "an", "ber", "cor", "dis", "el", "fer", "gra", "hol", "in", "jus", "ker", "lan", "mon",
        "nor", "ous", "per", "qui", "ran", "ston", "tle", "un", "ver", "win", "ing", "tion", "ly",
    ],
    &[
        "al", "ba", "ca", "ción", "do", "es", "fa", "gue", "hi", "ja", "lla", "ma", "ña", "o",
        "pe", "qui", "ro", "sa", "tá", "u", "ví", "za", "mien", "tos", "dor", "ble",
    ],
];

/// A deterministic pseudo-random generator (SplitMix64).
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x6a09_e667_f3bc_c908)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// At least 0, below 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// At least 0, below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or(0)
    }

    /// Standard normal distribution.
    fn normal(&mut self) -> f64 {
        let (u, v) = (self.share().max(1e-12), self.share());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
}

/// A Zipf distribution over ranks from 0.
pub struct Zipf(Vec<f64>);

impl Zipf {
    pub fn new(count: usize) -> Self {
        let mut sum = 0.0;
        let mut ends = Vec::with_capacity(count);
        for rank in 1..=count {
            sum += 1.0 / rank as f64;
            ends.push(sum);
        }
        Self(ends)
    }

    pub fn pick(&self, rng: &mut Rng) -> usize {
        let at = rng.share() * self.0.last().copied().unwrap_or(1.0);
        self.0.partition_point(|end| *end <= at).min(self.0.len() - 1)
    }
}

pub struct Texts {
    corpus: [Vec<String>; 2],
    zipf: Zipf,
}

impl Default for Texts {
    fn default() -> Self {
        let corpus = [0, 1].map(|language| {
            let head = [ENGLISH, SPANISH][language].split_whitespace().map(str::to_owned);
            let mut corpus: Vec<String> = head.collect();
            let syllables = SYLLABLES[language];
            let mut known: std::collections::HashSet<String> = corpus.iter().cloned().collect();
            let mut rng = Rng::new(language as u64 + 1);
            while corpus.len() < WORDS {
                let count = 2 + rng.below(3);
                let word: String =
                    (0..count).map(|_| syllables[rng.below(syllables.len())]).collect();
                if known.insert(word.clone()) {
                    corpus.push(word);
                }
            }
            corpus
        });
        Self { corpus, zipf: Zipf::new(WORDS) }
    }
}

impl Texts {
    /// The body of message `number`.
    pub fn body(&self, number: u64) -> String {
        let mut rng = Rng::new(number.wrapping_add(1_000));
        let corpus = &self.corpus[rng.below(2)];
        let length = (LENGTH_MEDIAN.ln() + LENGTH_SPREAD * rng.normal()).exp();
        let length = length.clamp(2.0, LONGEST);
        let mut body = String::with_capacity(160);
        while (body.len() as f64) < length - 3.0 {
            if !body.is_empty() {
                body.push_str(if rng.below(12) == 0 { ", " } else { " " });
            }
            // Numbers, hashes and file names, which no dictionary contains.
            if rng.below(66) == 0 {
                body.push_str(&format!("{:08x}", rng.next() >> 32));
            } else {
                body.push_str(&corpus[self.zipf.pick(&mut rng)]);
            }
        }
        if body.is_empty() { "ok".to_owned() } else { body }
    }

    /// The word of a language (0 or 1) with this frequency rank, from 0.
    pub fn word(&self, language: usize, rank: usize) -> &str {
        &self.corpus[language % 2][rank.min(WORDS - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_deterministic_with_a_mean_of_114_bytes() {
        let texts = Texts::default();
        let sum: usize = (0..20_000).map(|number| texts.body(number).len()).sum();
        let mean = sum as f64 / 20_000.0;
        assert!((mean - 114.0).abs() < 3.0, "{mean}");
        assert_eq!(texts.body(7), Texts::default().body(7));
        assert_ne!(texts.body(7), texts.body(8));
    }
}
