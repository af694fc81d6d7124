//! What users say about themselves: the text and the status.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;

use crate::chat::accounts::Accounts;
use crate::chat::accounts::model::{About, Authenticated, ProfileChange, Status, StatusEnd};
use crate::http::{AppState, FormBody, Problem, Viewer};
use crate::kernel::{Clock, FieldError, Timestamp};
use crate::pages::layout::form_state::FormState;
use crate::pages::layout::page::Page;
use crate::pages::settings::about_form::KEPT;
use crate::pages::settings::profile::{Forms, SettingsRenderer, saved};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/settings/profile", post(change))
}

/// The emoji of a status for which none was chosen.
const PLAIN: &str = "💬";

#[derive(Deserialize, Default)]
#[serde(default)]
struct AboutForm {
    about: String,
    status_emoji: String,
    status_text: String,
    /// The name of a [`StatusEnd`], or [`KEPT`].
    status_end: String,
    /// A button of its own.
    clear: Option<String>,
}

async fn change(
    State(renderer): State<SettingsRenderer>,
    State(accounts): State<Accounts>,
    State(clock): State<Clock>,
    Viewer(me): Viewer,
    page: Page,
    FormBody(typed): FormBody<AboutForm>,
) -> Result<Response, Problem> {
    let now = clock.now();
    match (About::parse(&typed.about), status(&typed, &me, now)) {
        (Ok(about), Ok(status)) => {
            let change = ProfileChange { about: Some(about), status: Some(status) };
            accounts.update_profile(&me.user, &change).await?;
            Ok(saved())
        }
        (about, status) => {
            let problems: Vec<_> = about.err().into_iter().chain(status.err()).collect();
            let form = FormState::default()
                .with("about", &typed.about)
                .with("status_emoji", &typed.status_emoji)
                .with("status_text", &typed.status_text)
                .with("status_end", &typed.status_end)
                .add_error(page.t, &problems);
            let forms = Forms { about: Some(form), ..Forms::default() };
            renderer.render_refused(&me, page, forms).await
        }
    }
}

fn status(
    typed: &AboutForm,
    me: &Authenticated,
    now: Timestamp,
) -> Result<Option<Status>, FieldError> {
    let (emoji, text) = (typed.status_emoji.trim(), typed.status_text.trim());
    if typed.clear.is_some() || (emoji.is_empty() && text.is_empty()) {
        return Ok(None);
    }
    let current = me.user.profile.status(now);
    let until = match current.filter(|_| typed.status_end == KEPT) {
        Some(status) => status.until,
        None => StatusEnd::parse(&typed.status_end)?.after(now, &me.zone),
    };
    Status::parse(if emoji.is_empty() { PLAIN } else { emoji }, text, until, now).map(Some)
}
