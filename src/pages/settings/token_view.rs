//! API tokens as the settings page shows them.

use crate::chat::accounts::model::TokenInfo;
use crate::kernel::Timestamp;
use crate::pages::layout::calendar::Calendar;

/// Token lifetimes: seconds and the text key of the label.
pub(in crate::pages) const LIFETIMES: [(&str, &str); 4] = [
    ("2592000", "token-lifetime-month"),
    ("7776000", "token-lifetime-quarter"),
    ("31536000", "token-lifetime-year"),
    ("", "token-lifetime-endless"),
];

pub(in crate::pages) struct TokenView {
    pub id: String,
    pub label: String,
    pub since: TimeView,
    pub used: Option<TimeView>,
    pub until: Option<TimeView>,
}

/// A timestamp with minutes.
pub(in crate::pages) struct TimeView {
    pub text: String,
    pub iso: String,
}

impl TimeView {
    fn new(at: Timestamp, calendar: &Calendar) -> Self {
        Self { text: calendar.figures(at), iso: at.rfc3339() }
    }
}

impl TokenView {
    pub fn new(token: &TokenInfo, calendar: &Calendar) -> Self {
        let at = |time| TimeView::new(time, calendar);
        Self {
            id: token.credential.to_hex(),
            label: token.label.clone(),
            since: TimeView::new(token.created_at, calendar),
            used: token.last_used_at.map(at),
            until: token.expires_at.map(at),
        }
    }
}
