//! The filters of a search as chips: those in the query, each with the way to remove it, and more to add. A
//! filter is an operator in the query's text, so what is chosen and what is typed are the same, and each chip
//! is a link.

use jiff::civil::Date;

use crate::chat::accounts::model::{Authenticated, UserRef};
use crate::chat::rooms::model::{Room, Visibility};
use crate::chat::search::model::{Has, Query, QueryFilter};
use crate::http::Language;
use crate::kernel::Timestamp;
use crate::text::normalize::folded;

/// The most people and rooms that are offered.
const OFFERED: usize = 8;
/// How many days back "the last …" go, each with the key of its text.
const DAYS: [(i64, &str); 3] =
    [(0, "search-today"), (7, "search-last-week"), (30, "search-last-month")];

/// A filter in the query.
pub(super) struct Chip {
    pub text: String,
    /// The search without it.
    pub without: String,
}

/// Filters that can be added.
pub(super) struct Menu {
    /// Unique on the page.
    pub id: &'static str,
    pub icon: &'static str,
    pub text: &'static str,
    pub offers: Vec<Offer>,
}

/// A filter that can be added, and the search with it.
pub(super) struct Offer {
    pub text: String,
    pub with: String,
}

pub(super) struct Chips {
    pub chosen: Vec<Chip>,
    pub menus: Vec<Menu>,
}

impl Chips {
    /// `authors` and `rooms` are those of the results: what they have in common is worth choosing.
    pub fn new<'a>(
        sought: &str,
        me: &Authenticated,
        t: Language,
        now: Timestamp,
        authors: impl Iterator<Item = &'a UserRef>,
        rooms: impl Iterator<Item = &'a Room>,
    ) -> Self {
        let filters = Query::filters(sought, &me.zone);
        let has = |names: &[&str]| filters.iter().any(|it| !it.not && names.contains(&it.name));
        let mut menus = Vec::new();
        let mut offer = |id, icon, text, offers: Vec<Offer>| {
            if !offers.is_empty() {
                menus.push(Menu { id, icon, text: t.text(text), offers });
            }
        };
        if !has(&["from"]) {
            offer("search-from", "people", "search-from", people(sought, me, t, authors));
        }
        if !has(&["in"]) {
            offer("search-room", "hash", "search-room", places(sought, rooms));
        }
        if !has(&["after", "before", "on"]) {
            offer(
                "search-when",
                "calendar",
                "search-when",
                days(sought, now.in_zone(&me.zone).date(), t),
            );
        }
        let kinds = Has::ALL.map(|has| ("has", has.name())).into_iter().chain([("is", "direct")]);
        let kinds = kinds.filter(|(name, _)| !has(&[name]));
        let kinds = kinds.map(|(name, value)| Offer {
            text: label(t, name, value),
            with: with(sought, &format!("{name}:{value}")),
        });
        offer("search-kind", "filter", "search-kind", kinds.collect());
        Self { chosen: filters.iter().map(|it| chip(sought, t, it)).collect(), menus }
    }
}

fn chip(sought: &str, t: Language, filter: &QueryFilter) -> Chip {
    let before = sought.get(..filter.at.start).unwrap_or_default();
    let after = sought.get(filter.at.end..).unwrap_or_default();
    let text = label(t, filter.name, &filter.value);
    Chip {
        text: if filter.not { t.name("search-not", text) } else { text },
        without: address([before.trim(), after.trim()].join(" ").trim()),
    }
}

/// A filter in words.
fn label(t: Language, name: &str, value: &str) -> String {
    match name {
        "has" => t.text(with_key(value)).to_owned(),
        "filename" => t.name("search-file-named", value),
        "is" => t.text("search-only-direct").to_owned(),
        "from" => t.name("search-from-name", value),
        "in" => value.to_owned(),
        "after" => t.name("search-after", value),
        "before" => t.name("search-before", value),
        _ => t.name("search-on", value),
    }
}

/// The key of the text for what messages have.
fn with_key(value: &str) -> &'static str {
    match Has::parse(&folded(value)) {
        Some(Has::File) => "search-with-file",
        Some(Has::Image) => "search-with-image",
        Some(Has::Video) => "search-with-video",
        Some(Has::Audio) => "search-with-audio",
        Some(Has::Link) | None => "search-with-link",
    }
}

fn people<'a>(
    sought: &str,
    me: &Authenticated,
    t: Language,
    authors: impl Iterator<Item = &'a UserRef>,
) -> Vec<Offer> {
    let own = Offer { text: t.text("search-me").to_owned(), with: with(sought, "from:me") };
    let mut seen = vec![me.user.id];
    let mut offers = vec![own];
    for author in authors {
        if offers.len() < OFFERED && !seen.contains(&author.id) {
            seen.push(author.id);
            let operator = format!("from:{}", author.name);
            offers.push(Offer { text: author.display_name.clone(), with: with(sought, &operator) });
        }
    }
    offers
}

fn places<'a>(sought: &str, rooms: impl Iterator<Item = &'a Room>) -> Vec<Offer> {
    let mut seen = Vec::new();
    let mut offers = Vec::new();
    let named = |room: &&Room| matches!(room.visibility, Visibility::Public | Visibility::Private);
    for room in rooms.filter(named) {
        if offers.len() < OFFERED && !seen.contains(&room.id) {
            seen.push(room.id);
            let operator = Query::in_room(&room.name);
            offers.push(Offer { text: room.name.clone(), with: with(sought, operator.trim()) });
        }
    }
    offers
}

fn days(sought: &str, today: Date, t: Language) -> Vec<Offer> {
    let back = |(days, key): (i64, &str)| {
        let day = today.checked_sub(jiff::Span::new().try_days(days).ok()?).ok()?;
        Some(Offer { text: t.text(key).to_owned(), with: with(sought, &format!("after:{day}")) })
    };
    DAYS.into_iter().filter_map(back).collect()
}

/// The search with one more operator.
fn with(sought: &str, operator: &str) -> String {
    address([sought.trim(), operator].join(" ").trim())
}

fn address(sought: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("q", sought).finish();
    format!("/search?{query}")
}
