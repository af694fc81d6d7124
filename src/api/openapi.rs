//! The reference of the API: an `OpenAPI` document out of the annotations on the handlers, and what
//! holds for all of them, added here once.

use serde_json::{Value, json};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::errors::ProblemDocument;

const INTRODUCTION: &str = include_str!("reference/introduction.md");
const LIVE: &str = include_str!("reference/live.md");

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Patio", description = INTRODUCTION, license(name = "MIT", identifier = "MIT")),
    servers((url = "/api/v1")),
    security(("token" = [])),
    components(schemas(ProblemDocument)),
    tags(
        (name = "people", description = "Accounts, and the tokens that programs act by."),
        (name = "rooms", description = "The lobby is room 1. A private room is a 404 for who is not in it."),
        (name = "messages", description = "Writing, reading back, catching up."),
        (name = "live", description = LIVE),
    ),
)]
struct Base;

/// Without the calls, which the routers bring along.
pub(super) fn base() -> OpenApi {
    let mut document = Base::openapi();
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of `POST /tokens` or of your settings."))
        .build();
    if let Some(components) = &mut document.components {
        components.add_security_scheme("token", SecurityScheme::Http(token));
    }
    document
}

/// The document as it is served.
///
/// # Errors
/// When it cannot be written as JSON.
pub(super) fn complete(document: &OpenApi) -> serde_json::Result<Value> {
    let mut document = serde_json::to_value(document)?;
    for (path, calls) in entries(&mut document["paths"]) {
        for (method, call) in entries(calls) {
            call["operationId"] = name_of(method, path).into();
            add_common_answers(method, call);
        }
    }
    // What must be given has no default, whatever is assumed while it is read.
    for (_, schema) in entries(&mut document["components"]["schemas"]) {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for name in required.iter().filter_map(Value::as_str) {
            schema["properties"][name].as_object_mut().and_then(|field| field.remove("default"));
        }
    }
    Ok(document)
}

fn entries(object: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    object.as_object_mut().into_iter().flatten()
}

/// A name that no other call has: `post-rooms-id-join`.
fn name_of(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("-")
}

/// What any call of its kind may answer, and what every answer carries.
fn add_common_answers(method: &str, call: &mut Value) {
    let mut common = vec![
        ("500", "A fault of the server; `instance` names it in the log."),
        ("503", "More to do than can be done at once: again after `Retry-After` seconds."),
    ];
    if call["security"].is_null() {
        common.push(("401", "No token, or none that is good."));
    }
    if method != "get" {
        common.push(("403", "The request came from another site's page."));
        common.push(("429", "Too many in a short time: again after `Retry-After` seconds."));
    }
    if call["requestBody"].is_object() {
        common.extend([
            ("400", "The body is no JSON."),
            ("413", "The body is larger than 64 KiB, or than 256 KiB where it carries a message."),
            ("415", "The body does not come as `application/json`."),
            ("422", "A field is missing or wrong; `errors` says which and why."),
        ]);
    } else if call["parameters"].as_array().is_some_and(|all| !all.is_empty()) {
        common.push(("400", "The path is not UTF-8."));
    }
    for (status, description) in common {
        if call["responses"][status].is_null() {
            call["responses"][status] = json!({ "description": description });
        }
    }
    for (status, answer) in entries(&mut call["responses"]) {
        answer["headers"] = json!({ "Patio-Epoch": epoch() });
        if status.starts_with(['4', '5']) {
            let problem = json!({ "schema": { "$ref": "#/components/schemas/Problem" } });
            answer["content"] = json!({ "application/problem+json": problem });
        }
        if matches!(status.as_str(), "429" | "503") {
            answer["headers"]["Retry-After"] =
                json!({ "description": "Seconds to wait.", "schema": { "type": "integer" } });
        }
    }
}

fn epoch() -> Value {
    json!({
        "description": "Names this history. It changes when history was replaced: forget your `rev`s.",
        "required": true,
        "schema": { "type": "string" },
    })
}
