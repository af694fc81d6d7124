//! Shared parts of pages: the layout, the sidebar, forms, dates and error pages.

pub(in crate::pages) mod calendar;
pub(in crate::pages) mod canonical_host;
pub(in crate::pages) mod dock;
pub(in crate::pages) mod error_page;
pub(in crate::pages) mod form_state;
pub(in crate::pages) mod list;
pub(in crate::pages) mod page;
pub(in crate::pages) mod rate_limited;
pub(in crate::pages) mod returned_form;
pub(in crate::pages) mod returned_text;
pub(in crate::pages) mod sidebar;
pub(in crate::pages) mod user_view;
