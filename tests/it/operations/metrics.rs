//! `/metrics`: its content, and who may read it.

use std::collections::BTreeSet;

use reqwest::StatusCode;

use crate::support::{Browser, Server};

async fn look(server: &Server, headers: &[(&str, &str)]) -> (StatusCode, String) {
    let mut request = Browser::plain().get(server.url("/metrics"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.expect("an answer");
    (response.status(), response.text().await.expect("a body"))
}

/// The number on the line with this prefix.
fn number(text: &str, prefix: &str) -> f64 {
    let found = text.lines().find_map(|found| found.strip_prefix(prefix)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("{prefix} in {text}")).parse().expect("a number")
}

#[tokio::test]
async fn events_are_counted_without_user_names() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    ana.say("hola").await;
    ana.say("adiós").await;
    server.browser().login("ana", "not the password").await;
    let (status, text) = look(&server, &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert!((number(&text, "patio_messages_total") - 2.0).abs() < 0.1);
    assert!((number(&text, "patio_sign_in_failures_total") - 1.0).abs() < 0.1);
    assert!(number(&text, "patio_commit_batch_size_count") >= 1.0);
    assert!(number(&text, "patio_http_requests_total{kind=\"api\",status=\"201\"}") >= 4.0);
    assert!(number(&text, "patio_http_request_duration_seconds_bucket{le=\"+Inf\"}") >= 4.0);
    assert!(number(&text, "patio_connections") >= 1.0);
    assert!(number(&text, "process_open_fds") >= 1.0);
    assert!(number(&text, "process_resident_memory_bytes") > 1_000_000.0);
    assert!(number(&text, "process_cpu_seconds_total") >= 0.0);
    assert!(!text.contains("ana") && !text.contains("hola"), "{text}");
}

#[tokio::test]
async fn names_types_and_labels_of_metrics_do_not_change() {
    let server = Server::start().await;
    // The first is counted when the second is answered.
    look(&server, &[]).await;
    let (_, text) = look(&server, &[]).await;
    let types: BTreeSet<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let expected = [
        "patio_build_info gauge",
        "patio_clock_offset_seconds gauge",
        "patio_commit_batch_size histogram",
        "patio_connections gauge",
        "patio_greetings_refused_total counter",
        "patio_greetings_waiting gauge",
        "patio_http_request_duration_seconds histogram",
        "patio_http_requests_total counter",
        "patio_job_failures_total counter",
        "patio_jobs gauge",
        "patio_live_cuts_total counter",
        "patio_live_deliveries_total counter",
        "patio_live_queue_bytes gauge",
        "patio_messages_total counter",
        "patio_nodes gauge",
        "patio_people_online gauge",
        "patio_sign_in_failures_total counter",
        "patio_write_queue_depth gauge",
        "process_cpu_seconds_total counter",
        "process_open_fds gauge",
        "process_resident_memory_bytes gauge",
    ];
    assert_eq!(types, BTreeSet::from(expected));
    for sample in [
        "patio_build_info{version=",
        "patio_commit_batch_size_bucket{le=\"256\"} ",
        "patio_http_request_duration_seconds_bucket{le=\"0.0025\"} ",
        "patio_http_request_duration_seconds_bucket{le=\"5\"} ",
        "patio_http_requests_total{kind=\"health\",status=\"200\"} 1",
        "patio_jobs{state=\"dead\"} 0",
    ] {
        assert!(text.lines().any(|line| line.starts_with(sample)), "{sample} in {text}");
    }
}

#[tokio::test]
async fn live_deliveries_are_counted() {
    let server = Server::start().await;
    let ana = server.api("ana").await;
    let (mut one, mut two) = (ana.live().await, ana.live().await);
    one.open_room(1, None).await;
    two.open_room(1, None).await;
    ana.say("hola").await;
    two.until("message").await;
    // This frame comes from the hub, so the hub has counted it by now.
    two.open_room(1, None).await;
    let (_, text) = look(&server, &[]).await;
    assert!(number(&text, "patio_live_deliveries_total") >= 2.0, "{text}");
    assert!(number(&text, "patio_live_cuts_total") < 0.1, "{text}");
    assert!(number(&text, "patio_live_queue_bytes") < 0.1, "{text}");
}

#[tokio::test]
async fn without_token_only_the_local_machine_reads_metrics() {
    let server = Server::start().await;
    assert_eq!(look(&server, &[]).await.0, StatusCode::OK);
    for header in ["x-forwarded-for", "x-forwarded-proto", "forwarded", "via", "x-real-ip"] {
        let (status, text) = look(&server, &[(header, "127.0.0.1")]).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{header}");
        assert!(!text.contains("patio_"), "{header}");
    }
}

#[tokio::test]
async fn with_token_only_its_holder_reads_metrics() {
    let server = Server::with(&["--metrics-token=sixteen-or-more-letters"]).await;
    let right = ("authorization", "Bearer sixteen-or-more-letters");
    assert_eq!(look(&server, &[right]).await.0, StatusCode::OK);
    assert_eq!(look(&server, &[right, ("x-forwarded-for", "203.0.113.9")]).await.0, StatusCode::OK);
    for wrong in [&[][..], &[("authorization", "Bearer sixteen-or-more-letterz")]] {
        assert_eq!(look(&server, wrong).await.0, StatusCode::NOT_FOUND, "{wrong:?}");
    }
}

#[tokio::test]
async fn token_can_come_from_a_file() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "sixteen-or-more-letters\n").expect("written");
    let flag = format!("--metrics-token-file={}", file.path().display());
    let server = Server::with(&[&flag]).await;
    let right = ("authorization", "Bearer sixteen-or-more-letters");
    assert_eq!(look(&server, &[right]).await.0, StatusCode::OK);
    assert_eq!(look(&server, &[]).await.0, StatusCode::NOT_FOUND);
}
