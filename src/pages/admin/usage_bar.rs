//! The bar on the page of the storage: parts of a whole, drawn, and said again in a legend.

use crate::chat::files::usage::Usage;
use crate::http::Language;

/// The width of the whole bar, in its own units.
const WIDTH: u64 = 1_000;
/// A part that is there can be seen.
const LEAST: u64 = 4;
const GAP: u64 = 2;

pub(super) struct UsageBar {
    /// How much is used, and of how much, if that is known.
    pub heading: String,
    pub parts: Vec<UsagePart>,
}

/// One part of the bar, and its line in the legend.
pub(super) struct UsagePart {
    /// The end of its class in the style sheet.
    pub class: &'static str,
    pub name: &'static str,
    pub value: String,
    /// The path that draws it; empty if there is nothing to draw.
    pub shape: String,
}

/// Contents and bytes.
#[derive(Clone, Copy, Default)]
struct Amount {
    number: i64,
    bytes: i64,
}

/// A sum of the database. None is below zero.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

impl UsageBar {
    /// `quota`: how much all files together may take.
    pub fn new(usage: &Usage, quota: Option<u64>, t: Language) -> Self {
        let amounts = amounts(usage);
        let used = amounts.iter().map(|(.., amount)| unsigned(amount.bytes)).sum::<u64>();
        let below_quota = quota.map(|quota| quota.saturating_sub(used));
        let free = below_quota.into_iter().chain(usage.free).min();
        let whole = used.saturating_add(free.unwrap_or_default());
        let shapes = shapes(amounts.map(|(.., amount)| unsigned(amount.bytes)), whole);
        let part = |((class, name, unit, Amount { number, bytes }), shape)| {
            let number = t.count(unit, usize::try_from(number).unwrap_or_default());
            let value = format!("{} · {number}", t.size(unsigned(bytes)));
            UsagePart { class, name: t.text(name), value, shape }
        };
        let parts = amounts.into_iter().zip(shapes).map(part);
        let free_part = free.map(|bytes| UsagePart {
            class: "free",
            name: t.text("storage-free"),
            value: t.size(bytes),
            shape: String::new(),
        });
        let sizes = [("used", t.size(used)), ("whole", t.size(whole))];
        let heading = match free {
            Some(_) => {
                t.fill("storage-of", sizes.each_ref().map(|(key, size)| (*key, size.as_str())))
            }
            None => t.text("storage-all").to_owned(),
        };
        Self { heading, parts: parts.chain(free_part).collect() }
    }
}

/// The parts with their classes, names and what is counted. What no file of a kind names is a smaller picture of one, or
/// unused.
fn amounts(usage: &Usage) -> [(&'static str, &'static str, &'static str, Amount); 5] {
    let total = &usage.total;
    let of = |wanted: &[&str]| {
        let kinds = usage.kinds.iter().filter(|found| wanted.contains(&found.kind.as_str()));
        kinds.fold(Amount::default(), |sum, found| Amount {
            number: sum.number.saturating_add(found.contents),
            bytes: sum.bytes.saturating_add(found.bytes),
        })
    };
    let (media, others) = (of(&["video", "audio"]), of(&["file"]));
    let unused = Amount { number: total.unused, bytes: total.unused_bytes };
    let rest = |all: i64, of: fn(&Amount) -> i64| {
        [media, others, unused].iter().map(of).fold(all, i64::saturating_sub).max(0)
    };
    let pictures = Amount {
        number: rest(total.contents, |amount| amount.number),
        bytes: rest(total.bytes, |amount| amount.bytes),
    };
    let arriving = Amount { number: total.uploads, bytes: total.announced };
    [
        ("pictures", "storage-pictures", "storage-contents", pictures),
        ("media", "storage-media", "storage-contents", media),
        ("others", "storage-others", "storage-contents", others),
        ("unused", "storage-unused", "storage-contents", unused),
        ("arriving", "storage-arriving", "storage-files", arriving),
    ]
}

/// A rectangle for each part that is not empty, from left to right: the least that can be seen, and its share of what is
/// left after that.
fn shapes<const N: usize>(parts: [u64; N], whole: u64) -> [String; N] {
    let number = parts.iter().filter(|bytes| **bytes > 0).count();
    let taken = (LEAST + GAP) * u64::try_from(number).unwrap_or_default();
    let shared = WIDTH.saturating_sub(taken);
    let mut left = 0;
    parts.map(|bytes| {
        if bytes == 0 {
            return String::new();
        }
        let share = u128::from(bytes) * u128::from(shared) / u128::from(whole.max(1));
        let width = LEAST + u64::try_from(share).unwrap_or(shared).min(shared);
        let shape = format!("M{left} 0h{width}v16h-{width}z");
        left += width + GAP;
        shape
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::files::usage::{KindUsage, TotalUsage};

    fn usage(kinds: &[(&str, i64, i64)], free: Option<u64>) -> Usage {
        let kind = |(kind, contents, bytes): &(&str, i64, i64)| KindUsage {
            kind: (*kind).to_owned(),
            contents: *contents,
            bytes: *bytes,
        };
        Usage {
            total: TotalUsage {
                contents: 10,
                bytes: 1_000,
                unused: 1,
                unused_bytes: 100,
                uploads: 1,
                announced: 24,
            },
            kinds: kinds.iter().map(kind).collect(),
            rooms: Vec::new(),
            users: Vec::new(),
            free,
        }
    }

    fn legend(bar: &UsageBar) -> Vec<(&'static str, &str)> {
        bar.parts.iter().map(|part| (part.class, part.value.as_str())).collect()
    }

    #[test]
    fn smaller_pictures_count_as_pictures() {
        let kinds = [("image", 2, 300), ("video", 1, 200), ("audio", 1, 50), ("file", 3, 150)];
        let bar = UsageBar::new(&usage(&kinds, Some(4_096)), None, Language::English);
        assert_eq!(bar.heading.replace(['\u{2068}', '\u{2069}'], ""), "1 KB of 5 KB");
        let expected = [
            ("pictures", "500 B · 4 contents"),
            ("media", "250 B · 2 contents"),
            ("others", "150 B · 3 contents"),
            ("unused", "100 B · 1 content"),
            ("arriving", "24 B · 1 file"),
            ("free", "4 KB"),
        ];
        assert_eq!(legend(&bar), expected);
    }

    #[test]
    fn what_is_free_ends_at_the_limit_and_at_the_disk() {
        let free = |free, quota| {
            let bar = UsageBar::new(&usage(&[], free), quota, Language::English);
            bar.parts.into_iter().find(|part| part.class == "free").map(|part| part.value)
        };
        assert_eq!(free(None, None), None, "a server without a limit");
        assert_eq!(free(None, Some(1_034)).as_deref(), Some("10 B"));
        assert_eq!(free(Some(5), Some(1_034)).as_deref(), Some("5 B"));
        assert_eq!(free(Some(5), Some(1_000)).as_deref(), Some("0 B"), "over the limit");
    }

    #[test]
    fn parts_stand_side_by_side_and_can_be_seen() {
        let expected = ["M0 0h249v16h-249z", "", "M251 0h4v16h-4z", "M257 0h740v16h-740z"];
        assert_eq!(shapes([250_000, 0, 1, 749_999], 1_000_000), expected, "a full disk");
        assert_eq!(shapes([0; 2], 0), ["", ""]);
        assert_eq!(shapes([u64::MAX], u64::MAX), ["M0 0h998v16h-998z"]);
    }
}
