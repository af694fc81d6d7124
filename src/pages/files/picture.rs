//! One picture of a message on a page of its own. With scripts it opens over the room instead.

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;

use super::attachments::{PictureView, pictures};
use crate::chat::files::model::FileKind;
use crate::http::{AppState, CanReadMessage, Problem};
use crate::pages::layout::calendar::Moment;
use crate::pages::layout::page::{Page, html};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/messages/{id}/files/{number}", get(show))
}

#[derive(Template)]
#[template(path = "files/show.html")]
struct PicturePage<'a> {
    page: Page,
    id: i64,
    author: &'a str,
    at: Moment,
    pictures: Vec<PictureView<'a>>,
    /// Its place among the pictures.
    number: usize,
    /// `Picture 2 of 5`.
    count: String,
}

impl PicturePage<'_> {
    fn picture(&self) -> Option<&PictureView<'_>> {
        self.pictures.get(self.number - 1)
    }
}

async fn show(
    CanReadMessage { message, .. }: CanReadMessage,
    Path((_, number)): Path<(String, usize)>,
    page: Page,
) -> Result<Response, Problem> {
    let found = message.attachments.iter().filter(|one| one.kind() == FileKind::Image).collect();
    let pictures = pictures(found, page.t);
    if number == 0 || number > pictures.len() {
        return Err(Problem::not_found());
    }
    let count = page.t.text("picture-count").replace("{n}", &number.to_string());
    Ok(html(&PicturePage {
        id: message.id.0,
        author: &message.author.display_name,
        at: page.calendar().moment(message.created_at),
        count: count.replace("{all}", &pictures.len().to_string()),
        pictures,
        number,
        page,
    }))
}
