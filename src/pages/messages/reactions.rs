//! Who reacted to a message: a fragment for scripts, and a part of the message's page.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::chat::messages::Messages;
use crate::chat::messages::model::{Message, Reactions};
use crate::http::{AppState, CanReadMessage, Language, Problem};
use crate::kernel::UserId;
use crate::pages::layout::page::html;

/// Names that are listed for one emoji.
const MAX_NAMES: usize = 20;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/messages/{id}/reactions", get(index))
}

/// One emoji and who reacted with it.
pub(in crate::pages) struct ReactorsView {
    pub emoji: String,
    /// The name of a custom emoji, whose image is shown.
    pub custom: Option<String>,
    pub names: String,
}

#[derive(Template)]
#[template(path = "messages/_reactors.html")]
struct Reactors {
    reactors: Vec<ReactorsView>,
}

async fn index(
    State(messages): State<Messages>,
    CanReadMessage { reader, message }: CanReadMessage,
    t: Language,
) -> Result<Response, Problem> {
    let reactors = reactors(&messages, &message, reader.user().id, t).await?;
    Ok(html(&Reactors { reactors }))
}

/// All reactions of a message, with the names that `me` reads: their own first.
pub(in crate::pages) async fn reactors(
    messages: &Messages,
    message: &Message,
    me: UserId,
    t: Language,
) -> Result<Vec<ReactorsView>, Problem> {
    let names = messages.reactors(message).await?;
    Ok(message.reactions.iter().map(|one| view(one, &names, me, t)).collect())
}

fn view(
    Reactions { emoji, users }: &Reactions,
    names: &HashMap<UserId, String>,
    me: UserId,
    t: Language,
) -> ReactorsView {
    let you = users.contains(&me).then(|| t.text("reactor-you").to_owned());
    let others = users.iter().filter(|user| **user != me);
    let others = others.filter_map(|user| names.get(user).cloned());
    let mut listed: Vec<String> = you.into_iter().chain(others).collect();
    let more = listed.len().saturating_sub(MAX_NAMES);
    listed.truncate(MAX_NAMES);
    let mut text = listed.join(", ");
    if more > 0 {
        text = format!("{text} {}", t.count("reactors-more", more));
    }
    let custom = emoji.strip_prefix(':').and_then(|rest| rest.strip_suffix(':'));
    ReactorsView { emoji: emoji.clone(), custom: custom.map(str::to_owned), names: text }
}
