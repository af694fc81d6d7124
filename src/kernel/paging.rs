//! Pages of a long list.

use super::FieldError;

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
}
