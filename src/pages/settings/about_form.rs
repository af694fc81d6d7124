//! The form in which users say something about themselves, as it is filled in.

use crate::chat::accounts::model::{Authenticated, StatusEnd};
use crate::kernel::Timestamp;
use crate::pages::layout::form_state::FormState;

/// The end that the status has already.
pub(super) const KEPT: &str = "kept";

/// The form as the profile is now.
pub(super) fn form(me: &Authenticated, now: Timestamp) -> FormState {
    let profile = &me.user.profile;
    let form = FormState::default().with("about", profile.about.as_str());
    let Some(status) = profile.status(now) else {
        return form.with("status_end", StatusEnd::Never.as_str());
    };
    let end = if status.until.is_some() { KEPT } else { StatusEnd::Never.as_str() };
    form.with("status_emoji", status.emoji.as_str())
        .with("status_text", status.text.as_str())
        .with("status_end", end)
}

/// The choices for the end of a status, of which one is chosen, and the keys of their texts.
pub(super) fn ends(chosen: &str) -> Vec<(&'static str, &'static str)> {
    let text = |end: StatusEnd| match end {
        StatusEnd::Never => "status-end-never",
        StatusEnd::HalfAnHour => "status-end-half-an-hour",
        StatusEnd::Hour => "status-end-hour",
        StatusEnd::FourHours => "status-end-four-hours",
        StatusEnd::Today => "status-end-today",
        StatusEnd::Week => "status-end-week",
    };
    let kept = (chosen == KEPT).then_some((KEPT, "status-end-kept"));
    kept.into_iter().chain(StatusEnd::ALL.map(|end| (end.as_str(), text(end)))).collect()
}
