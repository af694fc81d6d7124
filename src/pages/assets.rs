//! Styles, scripts, fonts and images, built by `build.rs` and embedded in the executable.
//!
//! All asset paths contain a hash of the assets' content. When an asset changes, its path changes,
//! so browsers can cache assets forever. A path of another release is not found: while servers are updated one after
//! the other, its server answers, and browsers would keep the wrong content.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::http::AppState;
use crate::http::response::encoding;

#[derive(rust_embed::RustEmbed)]
#[folder = "$OUT_DIR/assets"]
struct Assets;

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut names: Vec<_> = Assets::iter().collect();
    names.sort();
    let mut hash = Sha256::new();
    for name in names {
        hash.update(name.as_bytes());
        if let Some(file) = Assets::get(&name) {
            hash.update(file.metadata.sha256_hash());
        }
    }
    // For tests of updates: the same assets as those of another release.
    #[cfg(debug_assertions)]
    if let Some(release) = std::env::var_os("TEST_ASSETS") {
        hash.update(release.as_encoded_bytes());
    }
    URL_SAFE_NO_PAD.encode(hash.finalize().get(..9).unwrap_or_default())
});

/// The path of an asset, such as `css/app.css`.
pub(super) fn path(name: &str) -> String {
    debug_assert!(Assets::get(name).is_some(), "there is no asset {name}");
    format!("/assets/{}/{name}", *VERSION)
}

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/assets/{version}/{*name}", get(show)).route("/favicon.ico", get(icon))
}

async fn show(Path((version, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    if version == *VERSION { serve(&name, &headers) } else { not_found() }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, [(CACHE_CONTROL, "no-store")]).into_response()
}

/// Browsers request this path on their own, before they have seen a page.
async fn icon(headers: HeaderMap) -> Response {
    serve("img/icon.svg", &headers)
}

fn serve(name: &str, request: &HeaderMap) -> Response {
    let packed = (encoding::quality(request, "br") > 0.0)
        .then(|| Assets::get(&format!("{name}.br")))
        .flatten();
    let packed_header = packed.as_ref().map(|_| [(CONTENT_ENCODING, "br")]);
    let Some(plain) = Assets::get(name) else {
        return not_found();
    };
    let kind = plain.metadata.mimetype().to_owned();
    let headers = [
        (CONTENT_TYPE, kind.as_str()),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (VARY, "accept-encoding"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, packed_header, packed.unwrap_or(plain).data).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compressed(name: &str) -> usize {
        Assets::get(name).expect("an asset").data.len()
    }

    /// The numbers are those of CONTRIBUTING.md.
    #[test]
    fn scripts_stay_small() {
        let app = compressed("js/app.js.br");
        assert!(app <= 38_000, "the first page loads {app} bytes of scripts");
        // Counts apart.
        let is_library = |name: &str| matches!(name, "js/highlighter.js.br" | "js/tus.js.br");
        let scripts = Assets::iter().filter(|n| n.starts_with("js/") && n.ends_with(".js.br"));
        let scripts = scripts.filter(|name| !is_library(name));
        let all: Vec<_> = scripts.map(|name| (compressed(&name), name)).collect();
        let sum: usize = all.iter().map(|(size, _)| size).sum();
        assert!(sum <= 70_000, "all scripts have {sum} bytes: {all:?}");
    }

    #[test]
    fn the_libraries_are_there_and_small() {
        for library in ["js/highlighter.js.br", "js/tus.js.br"] {
            let size = compressed(library);
            assert!((10_000..=60_000).contains(&size), "{library} has {size} bytes");
        }
    }

    #[test]
    fn the_emoji_of_every_language_are_there_and_small() {
        for language in ["en", "es"] {
            let size = compressed(&format!("emoji/{language}.txt.br"));
            assert!((10_000..=60_000).contains(&size), "{language} has {size} bytes");
        }
    }
}
