//! The JSON API reference as a page, generated from the `OpenAPI` document.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;

use crate::http::AppState;
use crate::http::site::SiteInfo;
use crate::pages::layout::page::{Page, html};

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/api", get(show))
}

#[derive(Template)]
#[template(path = "reference/show.html")]
struct ReferencePage {
    page: Page,
    introduction: Vec<Block>,
    groups: Vec<Group>,
    shapes: Vec<Shape>,
}

/// Operations with the same tag.
struct Group {
    name: String,
    about: Vec<Block>,
    calls: Vec<Call>,
}

struct Call {
    id: String,
    method: String,
    path: String,
    summary: String,
    about: Vec<Block>,
    parameters: Vec<Field>,
    /// The schema of the request body.
    takes: Option<String>,
    answers: Vec<Answer>,
    curl: String,
}

struct Answer {
    status: String,
    text: Vec<Span>,
    shape: Option<String>,
}

struct Shape {
    name: String,
    about: Vec<Block>,
    fields: Vec<Field>,
    example: Option<String>,
}

struct Field {
    name: String,
    kind: String,
    required: bool,
    text: Vec<Span>,
}

/// The parts of a description: paragraphs and lists, with inline code.
enum Block {
    Paragraph(Vec<Span>),
    List(Vec<Vec<Span>>),
}

struct Span {
    text: String,
    code: bool,
}

async fn show(State(site): State<Arc<SiteInfo>>, page: Page) -> Response {
    let document = &site.reference;
    let base = page.absolute("/api/v1");
    html(&ReferencePage {
        introduction: prose(text(&document["info"]["description"])),
        groups: list(&document["tags"]).map(|tag| group(document, tag, &base)).collect(),
        shapes: entries(&document["components"]["schemas"]).map(shape).collect(),
        page,
    })
}

fn group(document: &Value, tag: &Value, base: &str) -> Group {
    let calls = entries(&document["paths"])
        .flat_map(|(path, methods)| {
            entries(methods).map(move |(method, call)| (path, method, call))
        })
        .filter(|(_, _, call)| call["tags"][0] == tag["name"])
        .map(|(path, method, call)| self::call(document, base, (path, method), call));
    Group {
        name: text(&tag["name"]).to_owned(),
        about: prose(text(&tag["description"])),
        calls: calls.collect(),
    }
}

fn call(document: &Value, base: &str, (path, method): (&str, &str), call: &Value) -> Call {
    let takes = call["requestBody"].as_object().map(|_| shape_of(&call["requestBody"]));
    let answer = |(status, answer): (&str, &Value)| Answer {
        status: status.to_owned(),
        text: spans(text(&answer["description"])),
        shape: answer["content"].as_object().map(|_| shape_of(answer)),
    };
    let parameter = |parameter: &Value| Field {
        name: text(&parameter["name"]).to_owned(),
        kind: kind(&parameter["schema"]),
        required: parameter["required"] == true,
        text: spans(text(&parameter["description"])),
    };
    Call {
        id: text(&call["operationId"]).to_owned(),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&call["summary"]).to_owned(),
        about: prose(text(&call["description"])),
        parameters: list(&call["parameters"]).map(parameter).collect(),
        curl: curl(document, base, (path, method), call, takes.as_deref()),
        takes,
        answers: entries(&call["responses"]).map(answer).collect(),
    }
}

/// An example `curl` command. Room and message ids in paths are numbers that are likely to exist.
fn curl(
    document: &Value,
    base: &str,
    (path, method): (&str, &str),
    call: &Value,
    takes: Option<&str>,
) -> String {
    let mut line = String::from("curl");
    if method != "get" && !(method == "post" && takes.is_some()) {
        line.push_str(" -X ");
        line.push_str(&method.to_uppercase());
    }
    let filled = path.replace("{id}", "1").replace("{emoji}", "%F0%9F%91%8D");
    let text = format!(" {base}{filled}");
    line.push_str(&text);
    if call["security"].is_null() {
        line.push_str(" -H \"Authorization: Bearer $TOKEN\"");
    }
    if let Some(shape) = takes {
        let example = &document["components"]["schemas"][shape]["example"];
        let text = format!(" --json '{example}'");
        line.push_str(&text);
    }
    line
}

fn shape((name, schema): (&str, &Value)) -> Shape {
    let required = |field: &str| list(&schema["required"]).any(|name| name == field);
    let fields = entries(&schema["properties"]).map(|(name, schema)| Field {
        name: name.to_owned(),
        kind: kind(schema),
        required: required(name),
        text: spans(text(&schema["description"])),
    });
    Shape {
        name: name.to_owned(),
        about: prose(text(&schema["description"])),
        fields: fields.collect(),
        example: serde_json::to_string_pretty(&schema["example"])
            .ok()
            .filter(|_| !schema["example"].is_null()),
    }
}

/// The schema name of a request body or response.
fn shape_of(with_content: &Value) -> String {
    let content = with_content["content"].as_object().and_then(|all| all.values().next());
    content.map(|content| kind(&content["schema"])).unwrap_or_default()
}

/// A field's type and limits in a few words.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        return name.rsplit('/').next().unwrap_or_default().to_owned();
    }
    let mut words = match &schema["type"] {
        Value::Array(types) => {
            types.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
        }
        Value::String(one) if one == "array" => format!("list of {}", kind(&schema["items"])),
        one => text(one).to_owned(),
    };
    for (key, before) in [
        ("format", ""),
        ("pattern", ""),
        ("minLength", "at least "),
        ("maxLength", "at most "),
        ("minimum", "from "),
        ("maximum", "to "),
    ] {
        let limit = match &schema[key] {
            Value::String(word) if !word.starts_with("int") => word.clone(),
            Value::Number(number) => number.to_string(),
            _ => continue,
        };
        let text = format!(", {before}{limit}");
        words.push_str(&text);
    }
    words
}

fn prose(text: &str) -> Vec<Block> {
    let block = |block: &str| {
        let items: Vec<_> = block.lines().filter_map(|line| line.strip_prefix("- ")).collect();
        if items.is_empty() {
            Block::Paragraph(spans(block))
        } else {
            Block::List(items.into_iter().map(spans).collect())
        }
    };
    text.split("\n\n").map(str::trim).filter(|text| !text.is_empty()).map(block).collect()
}

/// Splits a text at its backticks: every second part is code.
fn spans(text: &str) -> Vec<Span> {
    let pieces = text.split('`').enumerate().filter(|(_, piece)| !piece.is_empty());
    pieces.map(|(at, piece)| Span { text: piece.to_owned(), code: at % 2 == 1 }).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_kind_has_the_type_and_its_limits() {
        for (schema, expected) in [
            (json!({"$ref": "#/components/schemas/Room"}), "Room"),
            (json!({"type": "integer", "format": "int64"}), "integer"),
            (json!({"type": ["string", "null"], "maxLength": 64}), "string or null, at most 64"),
            (json!({"type": "array", "items": {"type": "integer"}}), "list of integer"),
        ] {
            assert_eq!(kind(&schema), expected);
        }
    }

    #[test]
    fn a_text_has_paragraphs_lists_and_code() {
        let blocks = prose("One\nline with `code`.\n\n- a\n- `b`");
        let [Block::Paragraph(spans), Block::List(items)] = blocks.as_slice() else {
            panic!("a paragraph and a list");
        };
        assert!(spans.iter().any(|span| span.code && span.text == "code"));
        assert_eq!(items.len(), 2);
    }
}
