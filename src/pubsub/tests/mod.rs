//! The hub and its connections over pipes in memory. Its task is played by the test, so that
//! ticks, heartbeats and what waits in the inbox are all in the test's hand.

mod limits;
mod metrics;
mod telling;

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
use crate::websocket::{Stream, encode};

pub(super) struct Simple;

impl Protocol for Simple {
    type Channel = u8;
    type Event = String;
    type Signal = u16;
}

/// A hub, with the task's part in the test's hand.
pub(super) struct Rig {
    pub(super) hub: Hub<Simple>,
    board: Dispatcher<Simple>,
    encoded: Arc<AtomicUsize>,
}

/// A connection and its far end.
pub(super) struct Client {
    connection: Connection<Simple>,
    far: DuplexStream,
}

impl Rig {
    pub(super) fn new() -> Self {
        let encoded = Arc::new(AtomicUsize::new(0));
        let count = encoded.clone();
        let (hub, board) = Hub::build(Arc::new(move |event: &String, form: Encoding| {
            count.fetch_add(1, Ordering::Relaxed);
            Bytes::from(format!("{}{event} ", form.0))
        }));
        Self { hub, board, encoded }
    }

    pub(super) fn client(&self, form: u8, topics: &[u8]) -> Client {
        let (near, far) = duplex(1024);
        let connection = self.hub.connect(Encoding(form), Stream::other(near), &[]);
        connection.start_with(encode::HEARTBEAT);
        for topic in topics {
            connection.subscribe(*topic);
        }
        Client { connection, far }
    }

    pub(super) fn say(&self, topic: u8, mark: i64, event: &str) {
        self.hub.broadcast(topic, mark, &event.to_owned());
    }

    /// Does everything that waits, and says whether something had been dropped.
    pub(super) async fn settle(&mut self) -> bool {
        let mut commands = Vec::new();
        let overrun = self.hub.take(&mut commands);
        self.board.process(&mut commands).await;
        overrun
    }
}

impl Client {
    /// The texts that were written up to now, one after the other.
    pub(super) async fn heard(&mut self) -> String {
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

    /// The next frame, with what waits being handed over for as long as it is needed.
    async fn next_frame(&mut self) -> (u8, String) {
        let attendant = self.connection.write_driver();
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
        let (opcode, payload) = attendant.drive(reading).await.expect("not cut").expect("a frame");
        (opcode, String::from_utf8(payload).expect("text"))
    }
}

#[tokio::test]
async fn an_event_reaches_those_who_listen_to_its_topic_and_nobody_else() {
    let mut rig = Rig::new();
    let (mut here, mut elsewhere) = (rig.client(0, &[1]), rig.client(0, &[2]));
    rig.say(1, 1, "one");
    rig.say(2, 1, "two");
    rig.settle().await;
    assert_eq!((here.heard().await, elsewhere.heard().await), ("0one".into(), "0two".into()));
    here.connection.unsubscribe(1);
    rig.say(1, 2, "late");
    rig.settle().await;
    assert_eq!(here.heard().await, "");
}

#[tokio::test]
async fn an_event_is_encoded_once_per_form_and_not_at_all_for_nobody() {
    let mut rig = Rig::new();
    let mut clients: Vec<_> = (0..9).map(|n| rig.client(n % 3, &[1])).collect();
    rig.say(1, 1, "x");
    rig.say(3, 1, "x");
    rig.settle().await;
    assert_eq!(rig.encoded.load(Ordering::Relaxed), 3);
    assert_eq!(clients[4].heard().await, "1x");
}

#[tokio::test]
async fn who_begins_to_listen_gets_nothing_from_before() {
    let mut rig = Rig::new();
    let mut first = rig.client(0, &[1]);
    rig.say(1, 1, "before");
    let mut second = rig.client(0, &[1]);
    rig.say(1, 2, "after");
    rig.settle().await;
    assert_eq!(first.heard().await, "0before 0after");
    assert_eq!(second.heard().await, "0after");
}

#[tokio::test]
async fn who_catches_up_gets_what_went_by_meanwhile_after_the_word_that_it_is_live() {
    let mut rig = Rig::new();
    let mut client = rig.client(0, &[]);
    client.connection.subscribe_catching_up(1);
    for mark in 1..=4 {
        rig.say(1, mark, &mark.to_string());
    }
    rig.settle().await;
    assert_eq!(client.heard().await, "");
    // The database gave what there is up to 2.
    let (standing, _) = tokio::join!(client.connection.go_live(1, 2, b"live "), rig.settle());
    assert_eq!(standing, CatchUp::Live);
    // Committed before the question, published after it.
    rig.say(1, 2, "2");
    rig.say(1, 5, "5");
    rig.settle().await;
    let heard = client.heard().await;
    assert_eq!(heard, "live 03 04 05");
}

#[tokio::test]
async fn who_was_too_slow_to_catch_up_asks_again_and_misses_nothing() {
    let mut rig = Rig::new();
    let mut client = rig.client(0, &[]);
    client.connection.subscribe_catching_up(1);
    for mark in 1..=200 {
        rig.say(1, mark, "x");
    }
    rig.settle().await;
    let (standing, _) = tokio::join!(client.connection.go_live(1, 10, b"live "), rig.settle());
    let CatchUp::Behind(lost) = standing else { panic!("{standing:?}") };
    assert!((10..200).contains(&lost), "{lost}");
    assert_eq!(client.heard().await, "");
    let (standing, _) = tokio::join!(client.connection.go_live(1, 199, b"live "), rig.settle());
    assert_eq!(standing, CatchUp::Live);
    assert_eq!(client.heard().await, "live 0x");
}

#[tokio::test]
async fn a_whisper_reaches_others_who_listen_if_the_whisperer_does_too() {
    let mut rig = Rig::new();
    let (mut ana, mut her_phone) = (rig.client(0, &[1, 7]), rig.client(0, &[1, 7]));
    let (mut luis, mut stranger) = (rig.client(0, &[1, 8]), rig.client(0, &[9]));
    ana.connection.broadcast(1, 7, &"ana".to_owned());
    stranger.connection.broadcast(1, 9, &"stranger".to_owned());
    rig.settle().await;
    assert_eq!(luis.heard().await, "0ana");
    for other in [&mut ana, &mut her_phone, &mut stranger] {
        assert_eq!(other.heard().await, "");
    }
}

#[tokio::test]
async fn a_notice_wakes_the_connection_and_too_many_cut_it() {
    let mut rig = Rig::new();
    let mut client = rig.client(0, &[7]);
    rig.hub.notify(7, 4401);
    rig.settle().await;
    assert_eq!(client.connection.next().await, Received::Signal(4401));
    for notice in 0..=256 {
        rig.hub.notify(7, notice);
    }
    rig.settle().await;
    let attendant = client.connection.write_driver();
    let waiting = pin!(std::future::pending::<()>());
    assert_eq!(attendant.drive(waiting).await, None);
}

#[tokio::test]
async fn a_slow_reader_is_cut_and_the_others_get_everything() {
    let mut rig = Rig::new();
    let (slow, mut quick) = (rig.client(0, &[1]), rig.client(0, &[1]));
    let long = "x".repeat(10_000);
    for mark in 1..=40 {
        rig.say(1, mark, &long);
        rig.settle().await;
        assert_eq!(quick.heard().await.len(), 10_001, "the form and the event");
    }
    let attendant = slow.connection.write_driver();
    assert_eq!(attendant.drive(pin!(std::future::pending::<()>())).await, None);
}

#[tokio::test]
async fn who_is_silent_is_asked_twice_and_then_given_up_and_who_answers_is_not() {
    let mut rig = Rig::new();
    let (mut silent, mut alive) = (rig.client(0, &[]), rig.client(0, &[]));
    rig.settle().await;
    assert_eq!((silent.heard().await, alive.heard().await), (String::new(), String::new()));
    let mut pings = Vec::new();
    for beat in 1..=13 {
        rig.board.beat().await;
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
    let attendant = silent.connection.write_driver();
    assert_eq!(attendant.drive(pin!(std::future::pending::<()>())).await, None);
    assert_eq!(alive.heard().await, "");
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
async fn a_stop_reaches_those_who_are_there_and_those_who_come() {
    let mut rig = Rig::new();
    let mut here = rig.client(0, &[]);
    rig.settle().await;
    rig.board.stop();
    let mut late = rig.client(0, &[]);
    rig.settle().await;
    assert_eq!(here.connection.next().await, Received::Stop);
    assert_eq!(late.connection.next().await, Received::Stop);
    here.connection.finish(Some(1012), false).await;
    let mut end = Vec::new();
    here.far.read_to_end(&mut end).await.expect("an orderly end");
    assert_eq!(end, [encode::HEARTBEAT, encode::close(Some(1012))].concat());
}

#[tokio::test]
async fn an_inbox_that_is_full_drops_and_says_so_but_forgets_no_listener() {
    let mut rig = Rig::new();
    for mark in 1..=40_000 {
        rig.say(1, mark, "x");
    }
    let client = rig.client(0, &[1]);
    assert!(rig.settle().await);
    assert!(!rig.settle().await);
    drop(client);
    let mut next = rig.client(0, &[1]);
    rig.say(1, 50_000, "y");
    rig.settle().await;
    assert_eq!(next.heard().await, "0y");
}

proptest! {
    /// Whatever is published while somebody asks the database, in whatever order: with what the
    /// database said they have everything once, in order.
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
                        rig.say(1, published, &published.to_string());
                    },
                    3 => { rig.settle().await; }
                    _ if live => {}
                    _ => {
                        found.extend(known + 1..=committed);
                        known = known.max(committed);
                        let (standing, _) =
                            tokio::join!(client.connection.go_live(1, known, b""), rig.settle());
                        live = standing == CatchUp::Live;
                    }
                }
            }
            if live {
                while published < committed {
                    published += 1;
                    rig.say(1, published, &published.to_string());
                }
                rig.settle().await;
                let heard = client.heard().await;
                // Each is written behind the digit of its form.
                found.extend(heard.split_whitespace().filter_map(|word| {
                    word.strip_prefix('0')?.parse::<i64>().ok()
                }));
                assert_eq!(found, (since + 1..=committed).collect::<Vec<_>>());
            }
        });
    }
}

#[tokio::test]
async fn what_was_published_meanwhile_waits_for_the_first_frame() {
    let mut rig = Rig::new();
    let (near, far) = duplex(1024);
    let connection = rig.hub.connect(Encoding(0), Stream::other(near), &[]);
    connection.subscribe(1);
    rig.say(1, 1, "x");
    rig.settle().await;
    connection.start_with(encode::text(b"ready "));
    let mut client = Client { connection, far };
    assert_eq!(client.heard().await, "ready 0x");
    tokio::time::timeout(Duration::ZERO, client.connection.next()).await.expect_err("nothing more");
}
