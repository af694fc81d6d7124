//! The API reference: the document matches the routes, and the page matches the document.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::{Api, Server};

/// Every call of the document: method, path, description.
fn calls(document: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, call) in methods.as_object().expect("methods") {
            found.push((method.to_uppercase(), path.clone(), call.clone()));
        }
    }
    found
}

async fn document(server: &Server) -> Value {
    Api::signed_out(server.url("/api/v1")).get("/openapi.json").await
}

#[tokio::test]
async fn document_has_every_call_and_each_problem_schema() {
    let server = Server::start().await;
    let document = document(&server).await;
    assert_eq!(document["openapi"], "3.1.0");
    let calls = calls(&document);
    assert!(calls.len() > 20, "{}", calls.len());
    for (method, path, call) in &calls {
        let summary = call["summary"].as_str().unwrap_or_default();
        assert!(!summary.is_empty(), "{method} {path} has a summary");
        for (status, answer) in call["responses"].as_object().expect("answers") {
            assert!(answer["headers"]["Patio-Epoch"].is_object(), "{method} {path} {status}");
            let problem = &answer["content"]["application/problem+json"];
            let refused = status.starts_with(['4', '5']);
            assert_eq!(problem.is_object(), refused, "{method} {path} {status}");
        }
    }
    let mut names: Vec<_> = calls.iter().map(|(_, _, call)| call["operationId"].as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), calls.len(), "operation ids are unique");
}

#[tokio::test]
async fn calls_that_need_a_token_state_it_and_refuse_without() {
    let server = Server::start().await;
    let (visitor, ana) = (Api::signed_out(server.url("/api/v1")), server.api("ana").await);
    for (method, path, call) in calls(&document(&server).await) {
        let method: Method = method.parse().expect("a method");
        let path = path.replace("{id}", "1").replace("{emoji}", "x");
        let refused = visitor.send(method.clone(), &path, None).await.status();
        let open = call["security"].is_array();
        assert_eq!(refused == StatusCode::UNAUTHORIZED, !open, "{method} {path}");
        let known = ana.send(Method::TRACE, &path, None).await.status();
        assert_eq!(known, StatusCode::METHOD_NOT_ALLOWED, "{path} is routed");
    }
}

#[tokio::test]
async fn json_list_is_refused_where_an_object_is_expected() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    for (body, status) in [
        (serde_json::json!(["public", "list"]), StatusCode::UNPROCESSABLE_ENTITY),
        (serde_json::json!({"name": "list", "visibility": "public"}), StatusCode::CREATED),
    ] {
        let answer = ana.send(Method::POST, "/rooms", Some(body)).await;
        assert_eq!(answer.status(), status);
    }
}

#[tokio::test]
async fn reference_page_is_public_and_in_both_languages() {
    let server = Server::start().await;
    let document = document(&server).await;
    let mut reader = server.browser();
    for (language, title) in [("en", "JSON API"), ("es", "API JSON")] {
        reader.language = language;
        let page = reader.get("/api").await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.one("h1"), title);
        for (method, path, _) in calls(&document) {
            let line = format!("{method} /api/v1{path}");
            assert!(page.all(".reference__request").contains(&line), "{line}");
        }
        let shapes = document["components"]["schemas"].as_object().expect("shapes");
        for name in shapes.keys() {
            assert_eq!(page.all(&format!("[id=shape-{name}]")).len(), 1, "{name}");
        }
    }
}
