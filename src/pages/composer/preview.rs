//! How a text would look as a message: a fragment for scripts, or above the composer of the room.

use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::post;
use serde::Deserialize;

use crate::chat::files::Files;
use crate::chat::messages::Messages;
use crate::chat::messages::model::MessageBody;
use crate::http::{AppState, FormBody, MessageForm, Problem, Viewer};
use crate::kernel::UserId;
use crate::pages::composer::form_files;
use crate::pages::composer::post_form::PostForm;
use crate::pages::rooms::show::RoomPageInput;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/preview", post(create))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PreviewForm {
    body: String,
}

/// The HTML of the text, as a message has it.
async fn create(
    State(messages): State<Messages>,
    Viewer(_): Viewer,
    FormBody(form): MessageForm<PreviewForm>,
) -> Result<Html<String>, Problem> {
    Ok(Html(messages.preview(&MessageBody::parse(&form.body)?).await?))
}

/// What a room's page shows if the form asks for a preview: it, and the text, which stays in the composer. A
/// text that cannot be posted has none.
pub(in crate::pages) async fn asked(
    messages: &Messages,
    files: &Files,
    user: UserId,
    form: &PostForm,
) -> Result<Option<RoomPageInput>, Problem> {
    let body = MessageBody::parse(&form.body).ok().filter(|_| form.preview);
    let Some(body) = body else { return Ok(None) };
    let preview = messages.preview(&body).await?;
    let (draft, reply) = (form.body.clone(), form.reply_to);
    let files = form_files::kept(files, user, &form.files).await?;
    Ok(Some(RoomPageInput { reply, draft, preview, files, ..RoomPageInput::default() }))
}
