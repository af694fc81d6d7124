//! `/metrics` in the Prometheus text format. Contains only numbers: no label identifies a user or a room.

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
use crate::chat::accounts::Accounts;
use crate::chat::accounts::model::BearerSecret;
use crate::chat::messages::Messages;
use crate::chat::presence::Presence;
use crate::config::MetricsToken;
use crate::http::request::auth;
use crate::jobs::Jobs;
use crate::jobs::model::JobCounts;
use crate::kernel::metrics::Histogram;
use crate::lifecycle::Lifecycle;
use crate::websocket::SocketMetrics;

/// Bucket limits of the response time histogram, in microseconds.
const TIMES: &[u64] =
    &[1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000];

pub fn router() -> Router<AppState> {
    Router::new().route("/metrics", get(show))
}

/// Reads the numbers of all parts.
pub struct Metrics {
    pub accounts: Accounts,
    pub jobs: Jobs,
    pub lifecycle: Lifecycle,
    pub messages: Messages,
    pub presence: Presence,
    pub requests: Requests,
    pub sockets: SocketMetrics,
    /// Without a token, only this machine may read the metrics.
    pub token: Option<MetricsToken>,
}

/// The number of responses by kind of path and status, and the response times.
#[derive(Clone)]
pub struct Requests {
    responses: Arc<Mutex<BTreeMap<(&'static str, u16), u64>>>,
    times: Histogram,
}

impl Default for Requests {
    fn default() -> Self {
        Self { responses: Arc::default(), times: Histogram::new(TIMES) }
    }
}

/// Returns the kind of a path. The number of kinds is fixed, for any path that clients request.
pub(super) fn kind(path: &str) -> &'static str {
    match path {
        "/api/v1/live" => "live",
        "/up" | "/ready" | "/metrics" => "health",
        _ if path.starts_with("/api/v1/") => "api",
        _ if path.starts_with("/assets/") => "assets",
        _ => "pages",
    }
}

/// Counts every request and its time.
pub async fn observe(
    State(metrics): State<Arc<Metrics>>,
    request: Request,
    next: Next,
) -> Response {
    let kind = kind(request.uri().path());
    let start = Instant::now();
    let response = next.run(request).await;
    let Requests { responses, times } = &metrics.requests;
    times.observe(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX));
    let key = (kind, response.status().as_u16());
    *responses.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
    response
}

async fn show(
    State(metrics): State<Arc<Metrics>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    if is_allowed(&metrics, peer, &request) {
        let kind = "text/plain; version=0.0.4; charset=utf-8";
        // If the database is unavailable, the other metrics are still returned.
        let jobs = metrics.jobs.counts().await.ok();
        ([(CONTENT_TYPE, kind)], text(&metrics, jobs)).into_response()
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

/// Whether a request may read the metrics. With a configured token: requests that carry it. Without: direct
/// requests from this machine. A proxy on this machine would make every request look local, so forwarded
/// requests are refused.
fn is_allowed(metrics: &Metrics, peer: SocketAddr, request: &Request) -> bool {
    match &metrics.token {
        // Compares hashes, so that the time of the comparison does not reveal the token.
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

fn text(metrics: &Metrics, jobs: Option<JobCounts>) -> String {
    let mut page = Page::default();
    page.one(
        "build_info",
        "gauge",
        "The version of Patio.",
        &[("version", env!("CARGO_PKG_VERSION"))],
        1,
    );
    page.head("http_requests_total", "counter", "HTTP responses by kind and status.");
    let responses =
        metrics.requests.responses.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for ((kind, status), count) in responses {
        let status = status.to_string();
        page.sample("http_requests_total", &[("kind", kind), ("status", &status)], count);
    }
    let times = &metrics.requests.times;
    page.histogram(
        "http_request_duration_seconds",
        "Time to the HTTP response.",
        times,
        1_000_000.0,
    );
    let connections = metrics.lifecycle.connections();
    page.one(
        "connections",
        "gauge",
        "Open connections, live connections included.",
        &[],
        connections,
    );
    let online = metrics.presence.online().len();
    page.one("people_online", "gauge", "Users who are online.", &[], online);
    let (posted, batches, waiting) = metrics.messages.metrics();
    page.one("messages_total", "counter", "Messages posted.", &[], posted);
    page.histogram("commit_batch_size", "Writes in one transaction.", &batches, 1.0);
    page.one(
        "write_queue_depth",
        "gauge",
        "Writes in the queue of the group-commit writer.",
        &[],
        waiting,
    );
    live_connections(&mut page, &metrics.sockets);
    let failures = metrics.accounts.failures();
    page.one("sign_in_failures_total", "counter", "Failed sign-ins.", &[], failures);
    if let Some(JobCounts { waiting, running, dead }) = jobs {
        page.head("jobs", "gauge", "Jobs in the database by state.");
        for (state, count) in [("waiting", waiting), ("running", running), ("dead", dead)] {
            page.sample("jobs", &[("state", state)], count);
        }
    }
    let failures = metrics.jobs.failures();
    page.one("job_failures_total", "counter", "Failed attempts at jobs.", &[], failures);
    process(&mut page);
    page.0
}

fn live_connections(page: &mut Page, sockets: &SocketMetrics) {
    let deliveries = sockets.deliveries.get();
    page.one(
        "live_deliveries_total",
        "counter",
        "Event frames delivered to subscribers.",
        &[],
        deliveries,
    );
    let cuts = sockets.cuts.get();
    page.one(
        "live_cuts_total",
        "counter",
        "Connections closed because the client read too slowly.",
        &[],
        cuts,
    );
    let queued = sockets.queued.get();
    page.one("live_queue_bytes", "gauge", "Bytes in all send queues.", &[], queued);
}

/// Adds the operating system's metrics of this process. Linux only.
fn process(page: &mut Page) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = resident.and_then(|text| text.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    if let Some(kib) = kib {
        let name = "process_resident_memory_bytes";
        page.plain(name, "gauge", "Memory in use.", kib * 1024);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        // Reading the directory opens one file itself.
        let open = files.count().saturating_sub(1);
        page.plain("process_open_fds", "gauge", "Open files.", open);
    }
    if let Some(seconds) = processor_seconds() {
        let name = "process_cpu_seconds_total";
        page.plain(name, "counter", "Processor time, user and system.", seconds);
    }
}

/// Reads the 14th and 15th fields of the process's `stat`, in hundredths of a second (`USER_HZ`). The second
/// field is a name in parentheses that may contain any character, so the parsing starts after it.
fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11).map(str::parse::<u32>);
    let (user, system) = (times.next()?.ok()?, times.next()?.ok()?);
    Some((f64::from(user) + f64::from(system)) / 100.0)
}

/// Builds a page in the text format.
#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let text = format!("# HELP patio_{name} {help}\n# TYPE patio_{name} {kind}\n");
        self.0.push_str(&text);
    }

    /// Adds a sample. Label values are constants and numbers, so they need no escaping.
    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
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
        self.sample(name, labels, value);
    }

    /// Adds a metric without the prefix `patio_`, for names that all programs share.
    fn plain(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        let text = format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
        self.0.push_str(&text);
    }

    /// Adds a histogram. Values are divided by `unit`.
    #[expect(clippy::cast_precision_loss, reason = "a graph needs no 53 bits")]
    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram, unit: f64) {
        self.head(name, "histogram", help);
        let mut total = 0;
        for (limit, count) in histogram.cumulative() {
            let limit = limit.map_or("+Inf".to_owned(), |limit| (limit as f64 / unit).to_string());
            self.sample(&format!("{name}_bucket"), &[("le", &limit)], count);
            total = count;
        }
        self.sample(&format!("{name}_sum"), &[], histogram.sum() as f64 / unit);
        self.sample(&format!("{name}_count"), &[], total);
    }
}
