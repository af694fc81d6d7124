//! A bounded piece of a long list.

use super::FieldError;

/// How many items a page may hold: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u8);

impl Limit {
    pub const DEFAULT: Self = Self(50);

    /// # Errors
    /// Below 1 or above 100.
    pub fn parse(wanted: Option<i64>) -> Result<Self, FieldError> {
        match wanted {
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

    /// One more than the page holds: a query that finds so many knows that there is more.
    pub fn plus_one(self) -> i64 {
        i64::from(self.0) + 1
    }
}

/// A page of a list, and whether the list goes on behind it.
#[derive(Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub more: bool,
}

impl<T> Page<T> {
    /// Out of what a query with [`Limit::and_one`] found.
    pub fn cut(mut found: Vec<T>, limit: Limit) -> Self {
        let more = found.len() > limit.get();
        found.truncate(limit.get());
        Self { items: found, more }
    }

    /// The same page read from its other end.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.items.reverse();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_one_to_a_hundred_and_fifty_unless_said() {
        assert_eq!(Limit::parse(None).map(Limit::get), Ok(50));
        for good in [1, 100] {
            assert!(Limit::parse(Some(good)).is_ok(), "{good}");
        }
        for bad in [0, -1, 101, i64::MAX] {
            assert!(Limit::parse(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_page_knows_whether_there_is_more() {
        let two = Limit::parse(Some(2)).expect("a limit");
        assert!(!Page::cut(vec![1, 2], two).more);
        let page = Page::cut(vec![1, 2, 3], two);
        assert_eq!((page.items, page.more), (vec![1, 2], true));
    }
}
