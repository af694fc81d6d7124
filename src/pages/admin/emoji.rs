//! Custom emoji for administrators: the list, a form to add one, and a button to delete each.

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use crate::chat::accounts::model::User;
use crate::chat::emoji::CustomEmoji;
use crate::chat::emoji::model::{EmojiEntry, EmojiName};
use crate::http::request::auth::CanAdminister;
use crate::http::request::uploads::{Upload, Uploads};
use crate::http::state::from_state;
use crate::http::{AppState, Problem, Viewer};
use crate::limits::upload;
use crate::pages::layout::form_state::FormState;
use crate::pages::layout::page::{Page, again, html};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder};

pub(in crate::pages) fn router() -> Router<AppState> {
    let create = post(create).layer(DefaultBodyLimit::max(upload::PICTURE_BYTES));
    Router::new()
        .route("/admin/emoji", get(index).merge(create))
        .route("/admin/emoji/{name}/delete", post(destroy))
}

#[derive(Template)]
#[template(path = "admin/emoji.html")]
struct EmojiPage {
    page: Page,
    side: Sidebar,
    form: FormState,
    emoji: Vec<EmojiEntry>,
}

/// Renders the list of custom emoji.
struct EmojiRenderer {
    emoji: CustomEmoji,
    sidebar: SidebarBuilder,
}

from_state!(EmojiRenderer { emoji, sidebar });

impl EmojiRenderer {
    async fn render(
        &self,
        me: &User,
        mut page: Page,
        form: FormState,
    ) -> Result<Response, Problem> {
        page.set_path("/admin/emoji".to_owned());
        let side = self.sidebar.build(me, None, &page).await?;
        Ok(html(&EmojiPage { page, side, form, emoji: self.emoji.known().entries() }))
    }
}

async fn index(
    State(renderer): State<EmojiRenderer>,
    Viewer(me): Viewer,
    _: CanAdminister,
    page: Page,
) -> Result<Response, Problem> {
    renderer.render(&me.user, page, FormState::default()).await
}

async fn create(
    State(renderer): State<EmojiRenderer>,
    State(uploads): State<Uploads>,
    Viewer(me): Viewer,
    right: CanAdminister,
    page: Page,
    request: Request,
) -> Result<Response, Problem> {
    let form = uploads.receive(&me, request, "image").await?;
    let problem = match add(&renderer.emoji, &right, &form).await {
        Ok(()) => return Ok(Redirect::to("/admin/emoji?saved=1").into_response()),
        Err(problem) => problem,
    };
    if problem.fields.is_empty() {
        return Err(problem);
    }
    let typed = FormState::default().with("name", form.text("name"));
    let state = typed.add_error(page.t, &problem.fields);
    Ok(again(problem.status, renderer.render(&me.user, page, state).await?))
}

async fn add(emoji: &CustomEmoji, right: &CanAdminister, form: &Upload) -> Result<(), Problem> {
    let name = EmojiName::parse(form.text("name"))?;
    emoji.add(&right.0, &name, &form.file).await?;
    Ok(())
}

async fn destroy(
    State(emoji): State<CustomEmoji>,
    CanAdminister(admin): CanAdminister,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    if emoji.remove(&admin, &name).await? {
        Ok(Redirect::to("/admin/emoji?saved=1").into_response())
    } else {
        Err(Problem::not_found())
    }
}
