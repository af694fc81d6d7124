//! The emoji picker as a fragment for scripts (its frame, its words and the custom emoji; the standard ones are an
//! asset), and the images of custom emoji.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};

use crate::chat::emoji::CustomEmoji;
use crate::chat::emoji::model::EmojiEntry;
use crate::http::request::auth;
use crate::http::response::problem::AlreadyRendered;
use crate::http::{AppState, Language, Problem, Viewer};
use crate::pages::layout::page::html;
use crate::text::emoji::is_of_codes;

pub(super) fn router(state: &AppState) -> Router<AppState> {
    let image = Router::new()
        .route("/emoji/{file}", get(show))
        .layer(from_fn_with_state(state.clone(), auth::by_token));
    Router::new().route("/emoji/picker", get(picker)).merge(image)
}

/// Letters of a deleted emoji's name that are drawn.
const MAX_SHOWN: usize = 32;

#[derive(Template)]
#[template(path = "emoji/picker.html")]
struct Picker {
    t: Language,
    tones: [(&'static str, &'static str); TONES.len()],
    tabs: [Tab; TABS.len()],
    custom: Vec<EmojiEntry>,
}

/// Skin tones from none to dark, as scripts number them.
const TONES: [(&str, &str); 6] = [
    ("✋", "emoji-tone-none"),
    ("✋🏻", "emoji-tone-light"),
    ("✋🏼", "emoji-tone-medium-light"),
    ("✋🏽", "emoji-tone-medium"),
    ("✋🏾", "emoji-tone-medium-dark"),
    ("✋🏿", "emoji-tone-dark"),
];

/// A tab of the picker.
#[derive(Clone, Copy)]
struct Tab {
    /// The groups of emoji in it, as the asset numbers them, separated by spaces.
    groups: &'static str,
    /// Part of the id of what it shows.
    icon: &'static str,
    /// A text of the catalogue.
    name: &'static str,
    /// How its icon is drawn.
    path: &'static str,
}

impl Tab {
    const fn new(
        groups: &'static str,
        icon: &'static str,
        name: &'static str,
        path: &'static str,
    ) -> Self {
        Self { groups, icon, name, path }
    }
}

const TABS: [Tab; 11] = [
    Tab::new("", "recent", "emoji-recent", "M12 4a8 8 0 1 0 .01 0M12 7.5V12l3 2"),
    Tab::new(
        "0",
        "faces",
        "emoji-faces",
        "M12 4a8 8 0 1 0 .01 0M8.8 14.2a4 4 0 0 0 6.4 0M9.3 9.6v.01M14.7 9.6v.01",
    ),
    Tab::new(
        "1",
        "people",
        "emoji-people",
        "M8 12V6.5a1.5 1.5 0 0 1 3 0V11M11 10.5V5a1.5 1.5 0 0 1 3 0v6M14 11V6.5a1.5 1.5 0 0 1 3 0V14a6 \
         6 0 0 1-11 3l-2-4a1.5 1.5 0 0 1 2.5-1.5L8 13",
    ),
    Tab::new("3", "nature", "emoji-nature", "M5 19C4 10 9 5 19 5c0 10-5 15-13 13M9 15l5-5"),
    Tab::new(
        "4",
        "food",
        "emoji-food",
        "M5 8.5h11v5a5.5 5.5 0 0 1-11 0zM16 10h1.5a2 2 0 0 1 0 4.5H16M8 3.5v2M12 3.5v2",
    ),
    Tab::new(
        "6",
        "activities",
        "emoji-activities",
        "M12 4a8 8 0 1 0 .01 0M12 4v16M4 12h16M6 7c3 2 3 8 0 10M18 7c-3 2-3 8 0 10",
    ),
    Tab::new("5", "travel", "emoji-travel", "M4 13l16-7-5 13-3.5-5z"),
    Tab::new("7", "objects", "emoji-objects", "M9 17h6M10 20h4M8.5 14a5.5 5.5 0 1 1 7 0v1.5h-7z"),
    Tab::new(
        "8",
        "symbols",
        "emoji-symbols",
        "M12 19.5C5 14.5 4 11 4.5 8.5c.8-3.5 5.5-4 7.5-.5 2-3.5 6.7-3 7.5.5.5 2.5-.5 6-7.5 11z",
    ),
    Tab::new(
        "10",
        "custom",
        "emoji-custom",
        "M12 4.5l2.2 5 5.3.5-4 3.6 1.2 5.4-4.7-2.9-4.7 2.9 1.2-5.4-4-3.6 5.3-.5z",
    ),
    Tab::new("9", "flags", "emoji-flags", "M6 20V5M6 5.5c4-2 7 2 12 0v8c-5 2-8-2-12 0"),
];

async fn picker(_: Viewer, State(emoji): State<CustomEmoji>, t: Language) -> Response {
    html(&Picker { t, tones: TONES, tabs: TABS, custom: emoji.known().entries() })
}

/// An image by name and version, as in messages, or by name alone, as in reactions, which show the image of today. An
/// emoji that was deleted is its name.
async fn show(
    State(emoji): State<CustomEmoji>,
    _: Viewer,
    Path(file): Path<String>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let (name, version) = file.split_once('.').map_or((&*file, None), |(n, v)| (n, Some(v)));
    let image = emoji.image(name).await?;
    let Some(image) =
        image.filter(|image| version.is_none_or(|version| version == image.version()))
    else {
        return Ok(name_as_image(name));
    };
    let tag = format!("\"{}\"", image.version());
    // Another image has another version.
    let kept = if version.is_some() {
        "private, max-age=31536000, immutable"
    } else {
        "private, no-cache"
    };
    let headers = [(CACHE_CONTROL, kept), (ETAG, &tag)];
    if request.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok((headers, [(CONTENT_TYPE, "image/png")], image.as_bytes().to_vec()).into_response())
}

/// Browsers draw it although the status is 404. It has no colours but grey, which is read on light and on dark.
fn name_as_image(name: &str) -> Response {
    let name: String = name.chars().filter(|c| is_of_codes(*c)).take(MAX_SHOWN).collect();
    let (length, middle) = (name.len() + 2, (name.len() + 2) * 3);
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} 12\"><text x=\"{middle}\" y=\"9\" \
         textLength=\"{}\" font-size=\"9\" font-family=\"sans-serif\" text-anchor=\"middle\" \
         fill=\"#808080\">:{name}:</text></svg>",
        length * 6,
        length * 6 - 4,
    );
    let headers = [(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, "private, max-age=60")];
    (StatusCode::NOT_FOUND, Extension(AlreadyRendered), headers, svg).into_response()
}
