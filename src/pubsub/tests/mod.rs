//! The hub and its connections over in-memory pipes. The test runs the dispatcher itself, so that it
//! controls ticks, heartbeats and the inbox.

mod delivery;
mod limits;
mod metrics;
mod stop;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::command::Protocol;
use super::dispatcher::Dispatcher;
use super::hub::Hub;
use super::{CatchUp, Connection, Encoding, Received};
use crate::lifecycle::Lifecycle;
use crate::websocket::{Stream, encode};

pub(super) struct Simple;

impl Protocol for Simple {
    type Channel = u8;
    type Event = String;
    type Signal = u16;
}

/// A hub whose dispatcher the test runs.
pub(super) struct Rig {
    pub(super) hub: Hub<Simple>,
    dispatcher: Dispatcher<Simple>,
    encoded: Arc<AtomicUsize>,
}

/// A connection and the client's end of its pipe.
pub(super) struct Client {
    connection: Connection<Simple>,
    far: DuplexStream,
}

impl Rig {
    pub(super) fn new() -> Self {
        let encoded = Arc::new(AtomicUsize::new(0));
        let count = encoded.clone();
        let (hub, dispatcher) = Hub::build(Arc::new(move |event: &String, encoding: Encoding| {
            count.fetch_add(1, Ordering::Relaxed);
            Bytes::from(format!("{}{event} ", encoding.0))
        }));
        Self { hub, dispatcher, encoded }
    }

    pub(super) fn client(&self, encoding: u8, channels: &[u8]) -> Client {
        let (near, far) = duplex(1024);
        let connection = self.hub.connect(Encoding(encoding), Stream::other(near), &[]);
        connection.start_with(encode::HEARTBEAT);
        for channel in channels {
            connection.subscribe(*channel);
        }
        Client { connection, far }
    }

    pub(super) fn publish(&self, channel: u8, position: i64, event: &str) {
        self.hub.broadcast(channel, position, &event.to_owned());
    }

    /// Executes all pending commands. Returns whether any was dropped.
    pub(super) async fn settle(&mut self) -> bool {
        let mut commands = Vec::new();
        let overflowed = self.hub.take(&mut commands);
        self.dispatcher.process(&mut commands).await;
        overflowed
    }
}

impl Client {
    /// Returns all texts written so far, concatenated.
    pub(super) async fn received(&mut self) -> String {
        self.connection.send(b"|");
        let mut texts = String::new();
        loop {
            let (opcode, payload) = self.next_frame().await;
            match (opcode, payload.as_str()) {
                (0x1, "|") => return texts.trim().to_owned(),
                (0x1, text) => texts.push_str(text),
                // A ping.
                (other, _) => assert_eq!(other, 0x9),
            }
        }
    }

    /// Reads the next frame, and drains the send queue while it waits.
    async fn next_frame(&mut self) -> (u8, String) {
        let driver = self.connection.write_driver();
        let reading = pin!(async {
            let first = self.far.read_u8().await?;
            let length = match self.far.read_u8().await? {
                126 => usize::from(self.far.read_u16().await?),
                short => usize::from(short),
            };
            let mut payload = vec![0; length];
            self.far.read_exact(&mut payload).await?;
            Ok::<_, std::io::Error>((first & 0xf, payload))
        });
        let (opcode, payload) = driver.drive(reading).await.expect("not cut").expect("a frame");
        (opcode, String::from_utf8(payload).expect("text"))
    }
}

#[tokio::test]
async fn a_connection_may_start_without_a_frame() {
    let rig = Rig::new();
    let (near, far) = duplex(1024);
    let connection = rig.hub.connect(Encoding(0), Stream::other(near), &[]);
    connection.start_with(Bytes::new());
    assert_eq!(Client { connection, far }.received().await, "");
}

#[tokio::test]
async fn an_event_reaches_only_the_subscribers_of_its_channel() {
    let mut rig = Rig::new();
    let (mut here, mut elsewhere) = (rig.client(0, &[1]), rig.client(0, &[2]));
    rig.publish(1, 1, "one");
    rig.publish(2, 1, "two");
    rig.settle().await;
    assert_eq!((here.received().await, elsewhere.received().await), ("0one".into(), "0two".into()));
    here.connection.unsubscribe(1);
    rig.publish(1, 2, "late");
    rig.settle().await;
    assert_eq!(here.received().await, "");
}

#[tokio::test]
async fn the_hub_lists_the_channels_with_subscribers() {
    let mut rig = Rig::new();
    let client = rig.client(0, &[1, 2]);
    client.connection.unsubscribe(2);
    let hub = rig.hub.clone();
    let (channels, _) = tokio::join!(hub.channels(), rig.settle());
    assert_eq!(channels, [1]);
}

#[tokio::test]
async fn a_stopped_hub_has_no_channels() {
    let lifecycle = Lifecycle::new();
    let hub: Hub<Simple> =
        Hub::start(Arc::new(|_: &String, _| Bytes::new()), Duration::ZERO, &lifecycle);
    lifecycle.finish().await;
    assert!(hub.channels().await.is_empty());
}

#[tokio::test]
async fn an_event_is_encoded_once_per_encoding_and_not_without_subscribers() {
    let mut rig = Rig::new();
    let mut clients: Vec<_> = (0..9).map(|n| rig.client(n % 3, &[1])).collect();
    rig.publish(1, 1, "x");
    rig.publish(3, 1, "x");
    rig.settle().await;
    assert_eq!(rig.encoded.load(Ordering::Relaxed), 3);
    assert_eq!(clients[4].received().await, "1x");
}

#[tokio::test]
async fn a_new_subscriber_receives_no_earlier_events() {
    let mut rig = Rig::new();
    let mut first = rig.client(0, &[1]);
    rig.publish(1, 1, "before");
    let mut second = rig.client(0, &[1]);
    rig.publish(1, 2, "after");
    rig.settle().await;
    assert_eq!(first.received().await, "0before 0after");
    assert_eq!(second.received().await, "0after");
}

#[tokio::test]
async fn buffered_events_follow_the_live_frame() {
    let mut rig = Rig::new();
    let mut client = rig.client(0, &[]);
    client.connection.subscribe_catching_up(1);
    for position in 1..=4 {
        rig.publish(1, position, &position.to_string());
    }
    rig.settle().await;
    assert_eq!(client.received().await, "");
    // The database returned everything up to 2.
    let (result, _) = tokio::join!(client.connection.go_live(1, 2, b"live "), rig.settle());
    assert_eq!(result, CatchUp::Live);
    // Committed before the query, published after it.
    rig.publish(1, 2, "2");
    rig.publish(1, 5, "5");
    rig.settle().await;
    let received = client.received().await;
    assert_eq!(received, "live 03 04 05");
}

#[tokio::test]
async fn a_subscriber_behind_the_replay_buffer_queries_again() {
    let mut rig = Rig::new();
    let mut client = rig.client(0, &[]);
    client.connection.subscribe_catching_up(1);
    for position in 1..=200 {
        rig.publish(1, position, "x");
    }
    rig.settle().await;
    let (result, _) = tokio::join!(client.connection.go_live(1, 10, b"live "), rig.settle());
    let CatchUp::Behind(lost) = result else { panic!("{result:?}") };
    assert!((10..200).contains(&lost), "{lost}");
    assert_eq!(client.received().await, "");
    let (result, _) = tokio::join!(client.connection.go_live(1, 199, b"live "), rig.settle());
    assert_eq!(result, CatchUp::Live);
    assert_eq!(client.received().await, "live 0x");
}

#[tokio::test]
async fn a_connection_broadcasts_to_other_users_if_it_subscribes_itself() {
    let mut rig = Rig::new();
    let mut ana = rig.client(0, &[1, 7]);
    let mut her_phone = rig.client(0, &[1, 7]);
    let mut luis = rig.client(0, &[1, 8]);
    let mut outsider = rig.client(0, &[9]);
    ana.connection.broadcast(1, 7, &"ana".to_owned());
    outsider.connection.broadcast(1, 9, &"outsider".to_owned());
    rig.settle().await;
    assert_eq!(luis.received().await, "0ana");
    for other in [&mut ana, &mut her_phone, &mut outsider] {
        assert_eq!(other.received().await, "");
    }
}

#[tokio::test]
async fn a_signal_wakes_the_connection_and_too_many_disconnect_it() {
    let mut rig = Rig::new();
    let mut client = rig.client(0, &[7]);
    rig.hub.notify(7, 4401);
    rig.settle().await;
    assert_eq!(client.connection.next().await, Received::Signal(4401));
    for signal in 0..=256 {
        rig.hub.notify(7, signal);
    }
    rig.settle().await;
    let driver = client.connection.write_driver();
    let waiting = pin!(std::future::pending::<()>());
    assert_eq!(driver.drive(waiting).await, None);
}

#[tokio::test]
async fn a_slow_reader_is_disconnected_and_the_others_receive_everything() {
    let mut rig = Rig::new();
    let (slow, mut quick) = (rig.client(0, &[1]), rig.client(0, &[1]));
    let long = "x".repeat(10_000);
    for position in 1..=40 {
        rig.publish(1, position, &long);
        rig.settle().await;
        assert_eq!(quick.received().await.len(), 10_001, "the digit of the encoding and the event");
    }
    let driver = slow.connection.write_driver();
    assert_eq!(driver.drive(pin!(std::future::pending::<()>())).await, None);
}

#[tokio::test]
async fn a_silent_client_is_pinged_twice_and_then_disconnected() {
    let mut rig = Rig::new();
    let (mut silent, mut alive) = (rig.client(0, &[]), rig.client(0, &[]));
    rig.settle().await;
    assert_eq!((silent.received().await, alive.received().await), (String::new(), String::new()));
    let mut pings = Vec::new();
    for beat in 1..=13 {
        rig.dispatcher.beat().await;
        if beat % 5 == 0 {
            let mut ping = [0; 2];
            silent.far.read_exact(&mut ping).await.expect("a ping");
            pings.push(ping);
            alive.far.read_exact(&mut ping).await.expect("a ping");
            alive.far.write_all(&[0x8a, 0x80, 0, 0, 0, 0]).await.expect("a pong");
            assert_eq!(alive.connection.next().await, Received::Control);
        }
    }
    assert_eq!(pings, [[0x89, 0]; 2]);
    let driver = silent.connection.write_driver();
    assert_eq!(driver.drive(pin!(std::future::pending::<()>())).await, None);
    assert_eq!(alive.received().await, "");
}

#[tokio::test]
async fn a_ping_is_answered_with_its_payload() {
    let rig = Rig::new();
    let mut client = rig.client(0, &[]);
    client.far.write_all(&[0x89, 0x81, 0, 0, 0, 0, b'?']).await.expect("a ping");
    assert_eq!(client.connection.next().await, Received::Control);
    assert_eq!(client.next_frame().await, (0x9, String::new()), "the first frame of all");
    assert_eq!(client.next_frame().await, (0xa, "?".to_owned()));
}

#[tokio::test]
async fn a_full_inbox_drops_events_but_no_subscriptions() {
    let mut rig = Rig::new();
    for position in 1..=40_000 {
        rig.publish(1, position, "x");
    }
    let client = rig.client(0, &[1]);
    assert!(rig.settle().await);
    assert!(!rig.settle().await);
    drop(client);
    let mut next = rig.client(0, &[1]);
    rig.publish(1, 50_000, "y");
    rig.settle().await;
    assert_eq!(next.received().await, "0y");
}

proptest! {
    /// Publishes and queries in any order: the results of the queries and the live events together contain
    /// every event exactly once, in order.
    #[test]
    fn catching_up_loses_nothing(
        steps in prop::collection::vec(0_u8..5, 1..60),
        since in 0_i64..5,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(async {
            let mut rig = Rig::new();
            let mut client = rig.client(0, &[]);
            client.connection.subscribe_catching_up(1);
            // Commits come first, and are published later, in order.
            let (mut committed, mut published, mut known) = (5, 5, since);
            let mut found: Vec<i64> = Vec::new();
            let mut live = false;
            for step in steps {
                match step {
                    0 => committed += 1,
                    1 => committed += 50,
                    2 => while published < committed {
                        published += 1;
                        rig.publish(1, published, &published.to_string());
                    },
                    3 => { rig.settle().await; }
                    _ if live => {}
                    _ => {
                        found.extend(known + 1..=committed);
                        known = known.max(committed);
                        let (result, _) =
                            tokio::join!(client.connection.go_live(1, known, b""), rig.settle());
                        live = result == CatchUp::Live;
                    }
                }
            }
            if live {
                while published < committed {
                    published += 1;
                    rig.publish(1, published, &published.to_string());
                }
                rig.settle().await;
                let received = client.received().await;
                // Each event follows the digit of its encoding.
                found.extend(received.split_whitespace().filter_map(|word| {
                    word.strip_prefix('0')?.parse::<i64>().ok()
                }));
                assert_eq!(found, (since + 1..=committed).collect::<Vec<_>>());
            }
        });
    }
}

#[tokio::test]
async fn events_before_the_first_frame_wait_for_it() {
    let mut rig = Rig::new();
    let (near, far) = duplex(1024);
    let connection = rig.hub.connect(Encoding(0), Stream::other(near), &[]);
    connection.subscribe(1);
    rig.publish(1, 1, "x");
    rig.settle().await;
    connection.start_with(encode::text(b"ready "));
    let mut client = Client { connection, far };
    assert_eq!(client.received().await, "ready 0x");
    tokio::time::timeout(Duration::ZERO, client.connection.next()).await.expect_err("nothing more");
}
