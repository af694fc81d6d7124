//! Pages of a long list.

use std::fmt;

use serde::Deserialize;

use super::FieldError;
use crate::limits::request::LIST_ENTRIES;

/// The maximum number of items on a page: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u8);

impl Limit {
    pub const DEFAULT: Self = Self(50);

    /// Validates a requested limit. Without one, the default is 50.
    ///
    /// # Errors
    /// If it is below 1 or above 100.
    pub fn parse(requested: Option<i64>) -> Result<Self, FieldError> {
        match requested {
            None => Ok(Self::DEFAULT),
            Some(n) => u8::try_from(n)
                .ok()
                .filter(|n| (1..=100).contains(n))
                .map(Self)
                .ok_or(FieldError::new("limit", "limit-range")),
        }
    }

    pub fn get(self) -> usize {
        usize::from(self.0)
    }

    /// Returns the limit plus one. A query for this many rows shows whether there is another page.
    pub fn plus_one(self) -> i64 {
        i64::from(self.0) + 1
    }
}

/// A page of a list, and whether more items follow.
#[derive(Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub more: bool,
}

impl<T> Page<T> {
    /// Makes a page from the rows of a query for [`Limit::plus_one`] rows.
    pub fn cut(mut found: Vec<T>, limit: Limit) -> Self {
        let more = found.len() > limit.get();
        found.truncate(limit.get());
        Self { items: found, more }
    }

    /// Returns the page with its items in reverse order.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.items.reverse();
        self
    }
}

/// A place in a list that is sorted by name: at an item, by its sort key and its id. Names may be equal, ids are
/// not. It stays the same place when the item is renamed or gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Position {
    sort_key: String,
    id: i64,
}

impl Position {
    pub fn new(sort_key: &str, id: i64) -> Self {
        Self { sort_key: sort_key.to_owned(), id }
    }

    pub fn sort_key(&self) -> String {
        self.sort_key.clone()
    }

    pub fn id(&self) -> i64 {
        self.id
    }
}

/// As in an address: `57-2a4b`.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.id, self.sort_key)
    }
}

impl TryFrom<String> for Position {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let parts = text.split_once('-').and_then(|(id, key)| Some((id.parse().ok()?, key)));
        match parts {
            // Sort keys are hexadecimal.
            Some((id, key)) if key.bytes().all(|c| c.is_ascii_hexdigit()) => Ok(Self::new(key, id)),
            _ => Err("not a position in a list"),
        }
    }
}

/// Which page of a list sorted by name: the one that follows a position, or the one that ends before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageStart {
    After(Position),
    Before(Position),
}

/// The first page.
impl Default for PageStart {
    fn default() -> Self {
        Self::After(Position::default())
    }
}

impl PageStart {
    pub fn position(&self) -> &Position {
        let (Self::After(position) | Self::Before(position)) = self;
        position
    }

    /// How many rows a query for this page reads: one more than the page has, to see whether more follow.
    pub fn rows() -> i64 {
        i64::try_from(LIST_ENTRIES + 1).unwrap_or(i64::MAX)
    }
}

/// A page of a list sorted by name, with the places where the pages beside it start.
#[derive(Debug)]
pub struct ListPage<T> {
    pub items: Vec<T>,
    /// The page before this one ends here. `None` on the first page.
    pub previous: Option<Position>,
    /// The page after this one starts here. `None` on the last page.
    pub next: Option<Position>,
}

impl<T> ListPage<T> {
    /// Makes a page from the rows of a query for [`PageStart::rows`] rows, the closest to the start first.
    pub fn cut(mut found: Vec<T>, start: &PageStart, at: impl Fn(&T) -> Position) -> Self {
        let is_more = found.len() > LIST_ENTRIES;
        found.truncate(LIST_ENTRIES);
        if matches!(start, PageStart::Before(_)) {
            found.reverse();
        }
        let edge = |item: Option<&T>| item.map_or_else(|| start.position().clone(), &at);
        let (first, last) = (edge(found.first()), edge(found.last()));
        let (is_first, is_last) = match start {
            PageStart::After(position) => (*position == Position::default(), !is_more),
            PageStart::Before(_) => (!is_more, false),
        };
        Self {
            previous: (!is_first).then_some(first),
            next: (!is_last).then_some(last),
            items: found,
        }
    }

    /// Whether it is the whole list.
    pub fn is_whole(&self) -> bool {
        self.previous.is_none() && self.next.is_none()
    }

    pub fn map<U>(self, change: impl FnMut(T) -> U) -> ListPage<U> {
        let items = self.items.into_iter().map(change).collect();
        ListPage { items, previous: self.previous, next: self.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_one_to_a_hundred_and_fifty_by_default() {
        assert_eq!(Limit::parse(None).map(Limit::get), Ok(50));
        for good in [1, 100] {
            assert!(Limit::parse(Some(good)).is_ok(), "{good}");
        }
        for bad in [0, -1, 101, i64::MAX] {
            assert!(Limit::parse(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_page_reports_whether_more_items_follow() {
        let two = Limit::parse(Some(2)).expect("a limit");
        assert!(!Page::cut(vec![1, 2], two).more);
        let page = Page::cut(vec![1, 2, 3], two);
        assert_eq!((page.items, page.more), (vec![1, 2], true));
    }

    fn at(id: i64) -> Position {
        Position::new("2a", id)
    }

    fn list(from: i64, count: i64, start: &PageStart) -> ListPage<i64> {
        ListPage::cut((from..from + count).collect(), start, |id| at(*id))
    }

    #[test]
    fn a_list_page_links_to_the_pages_beside_it() {
        let rows = i64::try_from(LIST_ENTRIES).expect("a number");
        let first = PageStart::default();
        assert!(list(1, rows, &first).is_whole());
        let page = list(1, rows + 1, &first);
        assert_eq!((page.items.len(), page.previous), (LIST_ENTRIES, None));
        assert_eq!(page.next, Some(at(rows)));
        let page = list(8, 3, &PageStart::After(at(7)));
        assert_eq!((page.previous, page.next), (Some(at(8)), None));
        let page = list(8, 0, &PageStart::After(at(7)));
        assert_eq!((page.previous, page.next), (Some(at(7)), None), "after the end");
        let page = ListPage::cut(vec![3, 2], &PageStart::Before(at(4)), |id| at(*id));
        assert_eq!(page.items, [2, 3]);
        assert_eq!((page.previous, page.next), (None, Some(at(3))));
    }

    #[test]
    fn a_position_is_read_as_it_was_written() {
        for position in [Position::new("2a4b", 57), Position::new("", 1)] {
            assert_eq!(Position::try_from(position.to_string()), Ok(position));
        }
        for bad in ["", "57", "-2a", "x-2a", "57-2g", "57-2a\0", "99999999999999999999-2a"] {
            assert!(Position::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }
}
