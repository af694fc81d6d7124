//! `/metrics`: how the server fares, in the text form of Prometheus. Numbers alone: nothing says who
//! anybody is, or in which room.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONTENT_TYPE, FORWARDED, VIA};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::AppState;
use crate::chat::accounts::model::BearerSecret;
use crate::http::request::auth;
use crate::jobs::model::JobCounts;
use crate::kernel::metrics::Histogram;

/// Limits of the histogram of answers, in microseconds.
const TIMES: &[u64] =
    &[1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000];

pub fn router() -> Router<AppState> {
    Router::new().route("/metrics", get(show))
}

/// What was asked for and how long answers took, by kind of address and by status.
#[derive(Clone)]
pub struct Requests {
    answers: Arc<Mutex<BTreeMap<(&'static str, u16), u64>>>,
    times: Histogram,
}

impl Default for Requests {
    fn default() -> Self {
        Self { answers: Arc::default(), times: Histogram::new(TIMES) }
    }
}

/// Few enough kinds for a graph, whatever addresses people try.
fn kind(path: &str) -> &'static str {
    match path {
        "/api/v1/live" => "live",
        "/up" | "/ready" | "/metrics" => "health",
        _ if path.starts_with("/api/v1/") => "api",
        _ if path.starts_with("/assets/") => "assets",
        _ => "pages",
    }
}

/// Notes every request.
pub async fn observe(State(site): State<AppState>, request: Request, next: Next) -> Response {
    let kind = kind(request.uri().path());
    let began = Instant::now();
    let response = next.run(request).await;
    let Requests { answers, times } = &site.requests;
    times.observe(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
    let key = (kind, response.status().as_u16());
    *answers.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
    response
}

async fn show(
    State(site): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    if may_look(&site, peer, &request) {
        let kind = "text/plain; version=0.0.4; charset=utf-8";
        // Where the database does not answer, the rest is told all the same.
        let jobs = site.jobs.counts().await.ok();
        ([(CONTENT_TYPE, kind)], text(&site, jobs)).into_response()
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

/// With a token in the settings: whoever has it. Without: this machine alone, and nobody whom a proxy
/// on it lets through.
fn may_look(site: &AppState, peer: SocketAddr, request: &Request) -> bool {
    match &site.about.metrics_token {
        // Hashes are compared, so that the time it takes tells nothing.
        Some(token) => auth::bearer(request).is_some_and(|sent| {
            sent.credential() == BearerSecret::new(token.as_str()).credential()
        }),
        None => peer.ip().to_canonical().is_loopback() && !is_forwarded(request.headers()),
    }
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| {
        name == FORWARDED
            || name == VIA
            || name == "x-real-ip"
            || name.as_str().starts_with("x-forwarded-")
    })
}

fn text(site: &AppState, jobs: Option<JobCounts>) -> String {
    let mut page = Page::default();
    page.one(
        "build_info",
        "gauge",
        "Which Patio this is.",
        &[("version", env!("CARGO_PKG_VERSION"))],
        1,
    );
    page.head("http_requests_total", "counter", "Answers by kind of address and by status.");
    let answers = site.requests.answers.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for ((kind, status), count) in answers {
        let status = status.to_string();
        page.line("http_requests_total", &[("kind", kind), ("status", &status)], count);
    }
    let times = &site.requests.times;
    page.histogram("http_request_duration_seconds", "Time to an answer.", times, 1_000_000.0);
    let connections = site.lifecycle.connections();
    page.one("connections", "gauge", "Open connections, live ones included.", &[], connections);
    let online = site.presence.online().len();
    page.one("people_online", "gauge", "People who are there.", &[], online);
    let (posted, batches, waiting) = site.messages.metrics();
    page.one("messages_total", "counter", "Messages posted.", &[], posted);
    page.histogram("commit_batch_size", "Writes in one transaction.", &batches, 1.0);
    page.one("write_queue_depth", "gauge", "Writes that wait.", &[], waiting);
    let live = site.bell.metrics();
    let deliveries = live.deliveries.get();
    page.one("live_deliveries_total", "counter", "Frames of events to listeners.", &[], deliveries);
    let cuts = live.cuts.get();
    page.one("live_cuts_total", "counter", "Connections cut for reading too slowly.", &[], cuts);
    let queued = live.queued.get();
    page.one("live_queue_bytes", "gauge", "Bytes that wait for slow readers.", &[], queued);
    let failures = site.accounts.failures();
    page.one("sign_in_failures_total", "counter", "Sign-ins refused.", &[], failures);
    if let Some(JobCounts { waiting, running, dead }) = jobs {
        page.head("jobs", "gauge", "Jobs on the database, by how they stand.");
        for (state, count) in [("waiting", waiting), ("running", running), ("dead", dead)] {
            page.line("jobs", &[("state", state)], count);
        }
    }
    let failures = site.jobs.failures();
    page.one("job_failures_total", "counter", "Attempts at a job that failed.", &[], failures);
    process(&mut page);
    page.0
}

/// What the operating system says of this process; on others than Linux nothing.
fn process(page: &mut Page) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = resident.and_then(|text| text.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    if let Some(kib) = kib {
        let name = "process_resident_memory_bytes";
        page.plain(name, "gauge", "Memory in use.", kib * 1024);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        // Looking opens one.
        let open = files.count().saturating_sub(1);
        page.plain("process_open_fds", "gauge", "Open files.", open);
    }
    if let Some(seconds) = processor_seconds() {
        let name = "process_cpu_seconds_total";
        page.plain(name, "counter", "Processor time, user and system.", seconds);
    }
}

/// The 14th and 15th field of a process's `stat`, in hundredths of a second (`USER_HZ`). The second
/// field is a name in brackets that may hold anything.
fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11).map(str::parse::<u32>);
    let (user, system) = (times.next()?.ok()?, times.next()?.ok()?);
    Some((f64::from(user) + f64::from(system)) / 100.0)
}

/// Lines in the text form.
#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let text = format!("# HELP patio_{name} {help}\n# TYPE patio_{name} {kind}\n");
        self.0.push_str(&text);
    }

    /// Label values are words of ours and numbers: nothing in them needs an escape.
    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> =
            labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let text = format!("patio_{name}{labels} {value}\n");
        self.0.push_str(&text);
    }

    fn one(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        labels: &[(&str, &str)],
        value: impl Display,
    ) {
        self.head(name, kind, help);
        self.line(name, labels, value);
    }

    /// One whose name all programs share.
    fn plain(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        let text = format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
        self.0.push_str(&text);
    }

    /// `unit` is what stands for one in the text.
    #[expect(clippy::cast_precision_loss, reason = "a graph needs no 53 bits")]
    fn histogram(&mut self, name: &str, help: &str, spread: &Histogram, unit: f64) {
        self.head(name, "histogram", help);
        let mut all = 0;
        for (limit, count) in spread.cumulative() {
            let limit = limit.map_or("+Inf".to_owned(), |limit| (limit as f64 / unit).to_string());
            self.line(&format!("{name}_bucket"), &[("le", &limit)], count);
            all = count;
        }
        self.line(&format!("{name}_sum"), &[], spread.sum() as f64 / unit);
        self.line(&format!("{name}_count"), &[], all);
    }
}
