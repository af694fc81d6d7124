//! The quote of one message for one reader: what scripts show below a link to it. The HTML of the message with the link
//! is the same for all viewers, so it cannot contain the text of a message that not all of them may read.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;

use crate::chat::messages::model::Quote;
use crate::http::{AppState, CanReadMessage, Language, Problem};
use crate::pages::layout::page::html;
use crate::pages::messages::list::QuoteView;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/messages/{id}/quote", get(show))
}

#[derive(Template)]
#[template(path = "links/_linked_quote.html")]
struct LinkedQuote<'a> {
    t: Language,
    q: QuoteView<'a>,
}

/// A deleted message, and one that the user may not read, is a 404.
async fn show(
    CanReadMessage { message, .. }: CanReadMessage,
    t: Language,
) -> Result<Response, Problem> {
    if message.is_deleted() {
        return Err(Problem::not_found());
    }
    let quote = Quote::of(&message);
    Ok(html(&LinkedQuote { t, q: QuoteView::from(&quote) }))
}
