//! `/metrics` in the Prometheus text format. Contains only numbers: no label identifies a user or a room.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONTENT_TYPE, FORWARDED, VIA};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::AppState;
use super::admission::Admission;
use crate::chat::accounts::Accounts;
use crate::chat::accounts::model::BearerSecret;
use crate::chat::doorbell::{BusMetrics, Doorbell};
use crate::chat::messages::Messages;
use crate::chat::nodes::Nodes;
use crate::chat::presence::Presence;
use crate::config::MetricsToken;
use crate::http::request::auth;
use crate::jobs::Jobs;
use crate::jobs::model::JobCounts;
use crate::lifecycle::Lifecycle;
use crate::websocket::SocketMetrics;

/// Bucket limits of the response time histogram, in seconds.
const TIMES: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

pub fn router() -> Router<AppState> {
    Router::new().route("/metrics", get(show))
}

/// Reads the numbers of all parts.
pub struct Metrics {
    pub accounts: Accounts,
    pub admission: Admission,
    pub doorbell: Doorbell,
    pub jobs: Jobs,
    pub lifecycle: Lifecycle,
    pub messages: Messages,
    pub nodes: Nodes,
    pub presence: Presence,
    pub requests: Requests,
    pub sockets: SocketMetrics,
    /// Without a token, only this machine may read the metrics.
    pub token: Option<MetricsToken>,
}

/// The number of responses by kind of path and status, and the response times.
#[derive(Clone)]
pub struct Requests {
    responses: Family<ResponseLabels, Counter>,
    times: Histogram,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResponseLabels {
    kind: &'static str,
    status: u16,
}

impl Default for Requests {
    fn default() -> Self {
        Self { responses: Family::default(), times: Histogram::new(TIMES) }
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
    times.observe(start.elapsed().as_secs_f64());
    let labels = ResponseLabels { kind, status: response.status().as_u16() };
    responses.get_or_create(&labels).inc();
    response
}

async fn show(
    State(metrics): State<Arc<Metrics>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    if is_allowed(&metrics, peer, &request) {
        // If the database is unavailable, the other metrics are still returned.
        let jobs = metrics.jobs.counts().await.ok();
        let mut text = String::new();
        prometheus_text::encode(&mut text, &registry(&metrics, jobs))
            .expect("BUG: text can always be appended to a string");
        ([(CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], text).into_response()
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

/// Builds the registry of one scrape, from counters that live as long as the server and from values that are
/// read now.
fn registry(metrics: &Metrics, jobs: Option<JobCounts>) -> Registry {
    let mut registry = Registry::default();
    // Metrics that all programs share have no prefix.
    register_process(&mut registry);
    let patio = registry.sub_registry_with_prefix("patio");
    let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    patio.register("build", "The version of Patio", version);
    let Requests { responses, times } = &metrics.requests;
    patio.register("http_requests", "HTTP responses by kind and status", responses.clone());
    patio.register("http_request_duration_seconds", "Time to the HTTP response", times.clone());
    let connections = ConstGauge::new(metrics.lifecycle.connections());
    patio.register("connections", "Open connections, live connections included", connections);
    let online = ConstGauge::new(metrics.presence.online().len());
    patio.register("people_online", "Users who are online", online);
    register_nodes(patio, &metrics.nodes);
    let (posted, batches, waiting) = metrics.messages.metrics();
    patio.register("messages", "Messages posted", posted);
    patio.register("commit_batch_size", "Writes in one transaction", batches);
    let help = "Writes in the queue of the group-commit writer";
    patio.register("write_queue_depth", help, ConstGauge::new(waiting));
    register_live_connections(patio, &metrics.sockets);
    let (waiting, refused) = metrics.admission.metrics();
    let help = "Clients that come back and are not greeted yet";
    patio.register("greetings_waiting", help, ConstGauge::new(waiting));
    let help = "Clients that were told to come back later";
    patio.register("greetings_refused", help, refused);
    if let Some((bus, refused)) = metrics.doorbell.metrics() {
        register_bus(patio, &bus, &refused);
    }
    patio.register("sign_in_failures", "Failed sign-ins", metrics.accounts.failures());
    if let Some(JobCounts { waiting, running, dead }) = jobs {
        let counts = Family::<[(&str, &str); 1], Gauge>::default();
        for (state, count) in [("waiting", waiting), ("running", running), ("dead", dead)] {
            counts.get_or_create(&[("state", state)]).set(count);
        }
        patio.register("jobs", "Jobs in the database by state", counts);
    }
    patio.register("job_failures", "Failed attempts at jobs", metrics.jobs.failures());
    registry
}

fn register_live_connections(patio: &mut Registry, live: &SocketMetrics) {
    let deliveries = live.deliveries.clone();
    patio.register("live_deliveries", "Event frames delivered to subscribers", deliveries);
    let help = "Connections closed because the client read too slowly";
    patio.register("live_cuts", help, live.cuts.clone());
    patio.register("live_queue_bytes", "Bytes in all send queues", live.queued.clone());
}

fn register_nodes(patio: &mut Registry, nodes: &Nodes) {
    let count = ConstGauge::new(nodes.count());
    patio.register("nodes", "Patios of this installation that were seen lately", count);
    let offset = nodes.clock_offset();
    let seconds = Duration::from_millis(offset.unsigned_abs()).as_secs_f64();
    let seconds = ConstGauge::new(if offset < 0 { -seconds } else { seconds });
    let help = "How far this machine's clock is behind the database's";
    patio.register("clock_offset_seconds", help, seconds);
}

fn register_bus(patio: &mut Registry, bus: &BusMetrics, refused: &Counter) {
    let bus = bus.clone();
    patio.register("bus_connected", "Whether other Patios can be notified", bus.connected);
    patio.register("bus_published", "Notices sent to other Patios", bus.published);
    patio.register("bus_received", "Notices of other Patios", bus.received);
    patio.register("bus_skipped", "Notices that were not sent", bus.skipped);
    patio.register(
        "bus_slow",
        "Times that notices were dropped because they were read too slowly",
        bus.slow,
    );
    let help = "Notices that this installation did not sign";
    patio.register("bus_refused", help, refused.clone());
}

/// Registers the operating system's metrics of this process. Linux only.
fn register_process(registry: &mut Registry) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = resident.and_then(|text| text.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    if let Some(kib) = kib {
        let bytes = ConstGauge::new(kib * 1024);
        registry.register("process_resident_memory_bytes", "Memory in use", bytes);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        // Reading the directory opens one file itself.
        let open = ConstGauge::new(files.count().saturating_sub(1));
        registry.register("process_open_fds", "Open files", open);
    }
    if let Some(seconds) = processor_seconds() {
        let seconds = ConstCounter::new(seconds);
        registry.register("process_cpu_seconds", "Processor time, user and system", seconds);
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
