//! Lists of users and rooms by name, which are read in pages and searched for a part of a name: the
//! query parameters, and the search field and links of such a page (`templates/list.html`).

use serde::Deserialize;

use crate::chat::names::model::NameFilter;
use crate::kernel::paging::{ListPage, PageStart, Position};

/// The query parameters of a list. An address that none of our links has is a 422.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::pages) struct ListQuery {
    /// What the list is searched for.
    pub q: NameFilter,
    after: Option<Position>,
    before: Option<Position>,
}

impl ListQuery {
    pub fn start(&self) -> PageStart {
        match (&self.after, &self.before) {
            (Some(position), _) => PageStart::After(position.clone()),
            (None, Some(position)) => PageStart::Before(position.clone()),
            (None, None) => PageStart::default(),
        }
    }
}

/// The search field of a list, and the links to the pages before and after this one.
pub(in crate::pages) struct ListLinks {
    /// The list from the start, without a filter.
    pub path: String,
    /// The text in the search field.
    pub sought: String,
    pub previous: Option<String>,
    pub next: Option<String>,
    shown: usize,
}

impl ListLinks {
    /// For a page with a single entry of the list: to the pages before and after it.
    pub fn around(path: &str, position: &Position) -> Self {
        let link = |side: &str| format!("{path}?{side}={position}");
        Self {
            path: path.to_owned(),
            sought: String::new(),
            previous: Some(link("before")),
            next: Some(link("after")),
            shown: 1,
        }
    }

    pub fn new<T>(path: &str, filter: &NameFilter, page: &ListPage<T>) -> Self {
        let link = |name: &str, position: &Position| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            if !filter.is_empty() {
                query.append_pair("q", filter.as_str());
            }
            query.append_pair(name, &position.to_string());
            format!("{path}?{}", query.finish())
        };
        Self {
            path: path.to_owned(),
            sought: filter.as_str().to_owned(),
            previous: page.previous.as_ref().map(|position| link("before", position)),
            next: page.next.as_ref().map(|position| link("after", position)),
            shown: page.items.len(),
        }
    }

    /// How many entries the page has.
    pub fn shown(&self) -> usize {
        self.shown
    }
}
