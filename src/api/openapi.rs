//! The API reference: an `OpenAPI` document generated from the annotations of the handlers. Parts
//! that apply to all operations are added here.

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
        (name = "people", description = "Accounts and API tokens."),
        (name = "rooms", description = "The lobby is room 1. A private room is a 404 for users who are not members."),
        (name = "messages", description = "Posting, reading history, catching up."),
        (name = "threads", description = "A thread is a room that is reached through a message. Its members follow it."),
        (name = "files", description = "Files of messages, and how they are uploaded."),
        (name = "emoji", description = "Emoji of this installation, written as `:name:`."),
        (name = "personal", description = "What only you see: saved messages, drafts, the places of your rooms."),
        (name = "live", description = LIVE),
    ),
)]
struct Base;

/// The base document. The routers add the operations.
pub(super) fn base() -> OpenApi {
    let mut document = Base::openapi();
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token from `POST /tokens` or from your settings."))
        .build();
    if let Some(components) = &mut document.components {
        components.add_security_scheme("token", SecurityScheme::Http(token));
    }
    document
}

/// The document as it is served.
///
/// # Errors
/// If it cannot be serialized.
pub(super) fn complete(document: &OpenApi) -> serde_json::Result<Value> {
    let mut document = serde_json::to_value(document)?;
    for (path, operations) in entries(&mut document["paths"]) {
        for (method, operation) in entries(operations) {
            operation["operationId"] = operation_id(method, path).into();
            add_common_responses(method, operation);
        }
    }
    // A required field has no default. Serde's `default` only exists so that a missing field is
    // reported with the other field errors.
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

/// A unique operation id, for example `post-rooms-id-join`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("-")
}

/// Adds the responses that all operations of this kind can return, and the headers of every
/// response.
fn add_common_responses(method: &str, operation: &mut Value) {
    let mut common = vec![
        ("500", "An internal error; `instance` is the id of its log entry."),
        ("503", "The server is overloaded: try again after `Retry-After` seconds."),
    ];
    if operation["security"].is_null() {
        common.push(("401", "The token is missing or not valid."));
    }
    if method != "get" {
        common.push(("403", "The request came from another site's page."));
        common.push(("429", "Too many requests: try again after `Retry-After` seconds."));
    }
    if operation["requestBody"].is_object() {
        common.extend([
            ("400", "The body is not JSON."),
            ("413", "The body is larger than 64 KiB, or than 256 KiB for a message."),
            ("415", "The content type is not `application/json`."),
            ("422", "A field is missing or not valid; see `errors`."),
        ]);
    } else if operation["parameters"].as_array().is_some_and(|all| !all.is_empty()) {
        common.push(("400", "The path is not UTF-8."));
    }
    for (status, description) in common {
        if operation["responses"][status].is_null() {
            operation["responses"][status] = json!({ "description": description });
        }
    }
    for (status, response) in entries(&mut operation["responses"]) {
        response["headers"] = json!({ "Patio-Epoch": epoch() });
        if status.starts_with(['4', '5']) {
            let problem = json!({ "schema": { "$ref": "#/components/schemas/Problem" } });
            response["content"] = json!({ "application/problem+json": problem });
        }
        if matches!(status.as_str(), "429" | "503") {
            response["headers"]["Retry-After"] =
                json!({ "description": "Seconds to wait.", "schema": { "type": "integer" } });
        }
    }
}

fn epoch() -> Value {
    json!({
        "description": "The epoch. It changes when the history was replaced: discard the `rev`s you stored.",
        "required": true,
        "schema": { "type": "string" },
    })
}
