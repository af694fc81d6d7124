//! The published RFC 6455 test suite: all 517 cases of Autobahn, against an echo server made of the same
//! listener, handshake, decoder, socket and hub connection that serve chat.
//!
//! `script/test conformance` installs kosoku, which runs Autobahn's own case files under Python 3. The
//! chat is not involved, because the suite needs a server that returns what it receives.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use patio::config::Address;
use patio::http::listener;
use patio::lifecycle::Lifecycle;
use patio::pubsub::{Connection, Encoding, Hub, Protocol, Received};
use patio::websocket::encode;
use patio::websocket::handshake::Handshake;
use serde::Deserialize;
use tokio::process::Command;

use crate::support::within;

/// The number of cases in the suite: a report with fewer proves less.
const CASES: usize = 517;
/// The close code for a message that exceeds `limits::connection::FRAME`.
const TOO_BIG: u16 = 1009;

/// Connections without channels, events and signals.
struct Echo;

impl Protocol for Echo {
    type Channel = ();
    type Event = ();
    type Signal = ();
}

#[derive(Clone)]
struct EchoServer {
    hub: Hub<Echo>,
    lifecycle: Lifecycle,
}

async fn open(State(server): State<EchoServer>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let (response, upgrade) = Handshake::read(&mut parts).expect("a handshake").accept(None);
    server.lifecycle.spawn_connection(async move {
        let (stream, early) = upgrade.stream().await.expect("a stream");
        let mut connection = server.hub.connect(Encoding(0), stream, &early);
        connection.start_with(Bytes::new());
        let driver = connection.write_driver();
        let code = driver.drive(pin!(echo(&mut connection))).await.flatten();
        connection.finish(code, code.is_some()).await;
    });
    response.map(|()| Body::empty())
}

/// Returns each message to the client until it closes. Returns the close code of a protocol violation.
async fn echo(connection: &mut Connection<Echo>) -> Option<u16> {
    loop {
        match connection.next().await {
            Received::Text(text) => connection.send(text.as_bytes()),
            Received::Binary(payload) => connection.send_frames(&encode::binary(&payload)),
            Received::Control | Received::Signal(()) => {}
            Received::ProtocolError(code) => return Some(code),
            Received::Gone | Received::Stop => return None,
        }
    }
}

/// What the suite reports about one case.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    behavior: String,
    behavior_close: String,
    remote_close_code: Option<u16>,
}

/// The report of the suite: the verdicts by the server's name and the number of the case.
type Report = BTreeMap<String, BTreeMap<String, Verdict>>;

impl Verdict {
    /// Whether this is the one verdict that a case may have.
    fn is_expected(&self, case: &str) -> bool {
        let verdict = (self.behavior.as_str(), self.behavior_close.as_str());
        let (section, _) = case.rsplit_once('.').expect("a section");
        match section {
            // Messages of more than 128 KiB, which Patio refuses: the suite wants them back.
            "9.1" | "9.2" if !case.ends_with(".1") => self.is_too_big(),
            "9.3" | "9.4" | "9.5" | "9.6" => self.is_too_big(),
            // Patio does not compress: the handshake declines the extension.
            _ if section.starts_with("12.") || section.starts_with("13.") => {
                verdict == ("UNIMPLEMENTED", "OK")
            }
            // Text that is not UTF-8 is refused when its message is complete, not at its first wrong byte.
            "6.4" => verdict == ("NON-STRICT", "OK"),
            // RFC 6455 leaves open what happens: data after a close frame, and close codes above 4999.
            "7.13" => verdict == ("INFORMATIONAL", "INFORMATIONAL"),
            _ if case == "7.1.6" => verdict == ("INFORMATIONAL", "INFORMATIONAL"),
            _ => verdict == ("OK", "OK"),
        }
    }

    fn is_too_big(&self) -> bool {
        self.behavior == "FAILED" && self.remote_close_code == Some(TOO_BIG)
    }
}

/// Runs the suite against `url`. Its report is complete in the folder `REPORT`, with a page per case.
async fn run_suite(url: &str) -> Report {
    let setting =
        |name| env::var_os(name).expect("KOSOKU and REPORT: run `script/test conformance`");
    let folder = setting("REPORT");
    let mut command = Command::new(setting("KOSOKU"));
    command.arg(url).arg("--parallelism=4").arg("--outdir").arg(&folder).kill_on_drop(true);
    // It fails in any case, because of the features that Patio does not have.
    let output = within("the suite", command.output()).await.expect("kosoku");
    let report = fs::read(Path::new(&folder).join("index.json"));
    let report = report.unwrap_or_else(|error| panic!("no report: {error}; {output:?}"));
    serde_json::from_slice(&report).expect("a report")
}

#[tokio::test]
#[ignore = "needs kosoku: run `script/test conformance`"]
async fn server_conforms_to_rfc_6455() {
    let lifecycle = Lifecycle::new();
    let hub = Hub::start(Arc::new(|(): &(), _| Bytes::new()), Duration::ZERO, &lifecycle);
    let server = EchoServer { hub, lifecycle: lifecycle.clone() };
    let router = Router::new().route("/", get(open)).with_state(server);
    let address = Address { listen: [127, 0, 0, 1].into(), port: 0 };
    let listener = listener::bind(&address).expect("a port");
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    let proxies = "none".parse().expect("no networks");
    let suite = async {
        let report = run_suite(&url).await;
        lifecycle.stop();
        report
    };
    let serving = listener::serve(listener, router, &lifecycle, &proxies);
    let draining = lifecycle.drain(|| Duration::ZERO, Duration::ZERO);
    let (report, (), ()) = tokio::join!(suite, serving, draining);
    lifecycle.finish().await;
    let verdicts: Vec<_> = report.values().flatten().collect();
    assert_eq!(verdicts.len(), CASES);
    let wrong: Vec<_> =
        verdicts.into_iter().filter(|(case, verdict)| !verdict.is_expected(case)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
