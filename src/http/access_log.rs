//! The access log: a span for each request and a line for each response.
//!
//! A span names the route by its pattern. The path itself may hold an invitation code or a reset token, and the
//! query string the words of a search, so neither of them is logged, nor headers or bodies.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::response::Response;
use tower_http::trace::TraceLayer;
use tracing::field::{DisplayValue, display};
use tracing::{Instrument as _, Level, Span};

use super::{ClientInfo, metrics};
use crate::kernel::Random;

/// The target of the log lines, for filters such as `info,patio::access=off`.
const TARGET: &str = "patio::access";

/// Adds the middleware that runs a request in its span and logs the response. It needs the request's
/// [`ClientInfo`].
pub fn for_all<S: Clone + Send + Sync + 'static>(router: Router<S>, random: Random) -> Router<S> {
    let trace = TraceLayer::new_for_http()
        .make_span_with(move |request: &Request| span(request, &random))
        .on_request(())
        .on_response(log_response)
        .on_body_chunk(())
        .on_eos(())
        .on_failure(());
    router.layer(trace)
}

/// Builds the span of a request. Requests for health and assets are so many and tell so little that their span
/// and their line have the level `debug`.
fn span(request: &Request, random: &Random) -> Span {
    // A macro, because the level and the target of a span are constants. It evaluates its fields only if
    // the span is enabled.
    macro_rules! span {
        ($target:expr, $level:expr) => {
            tracing::span!(
                target: $target,
                $level,
                "request",
                id = %random.token(),
                method = method(request),
                route = request.extensions().get().map(MatchedPath::as_str),
                client.address = request.extensions().get().map(address),
            )
        };
    }
    match metrics::kind(request.uri().path()) {
        "health" | "assets" => span!(TARGET, Level::DEBUG),
        // Stays when the access log is off: it says to which request an error belongs.
        _ => span!("patio::request", Level::INFO),
    }
}

fn address(client: &ClientInfo) -> DisplayValue<IpAddr> {
    display(client.ip)
}

/// Returns the method. Clients can invent others, of any length.
fn method(request: &Request) -> &'static str {
    match *request.method() {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn log_response(response: &Response, time: Duration, span: &Span) {
    let status = response.status().as_u16();
    let is_quiet = span.metadata().is_some_and(|span| *span.level() == Level::DEBUG);
    if is_quiet {
        tracing::debug!(target: TARGET, status, ms = milliseconds(time), "request finished");
    } else {
        tracing::info!(target: TARGET, status, ms = milliseconds(time), "request finished");
    }
}

/// Returns milliseconds with two decimals.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 100_000.0).round() / 100.0
}

/// Runs a live connection in the span of the request that opened it, and logs its end.
pub fn connection(task: impl Future<Output = ()>) -> impl Future<Output = ()> {
    let opened = Instant::now();
    let logged = async move {
        task.await;
        tracing::info!(target: TARGET, seconds = opened.elapsed().as_secs(), "connection closed");
    };
    logged.in_current_span()
}
