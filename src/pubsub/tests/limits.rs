//! What is kept for those who do not read, and when they are cut.

use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{advance, timeout};

use super::super::{CatchUp, Received};
use super::{Client, Rig};

#[tokio::test]
async fn what_is_kept_for_who_catches_up_is_bounded_in_bytes() {
    for (length, kept) in [(100_000, 1), (40_000, 3), (200_000, 0)] {
        let mut rig = Rig::new();
        let client = rig.client(0, &[]);
        client.connection.subscribe_catching_up(1);
        for mark in 1..=5 {
            rig.say(1, mark, &"x".repeat(length));
            if mark % 2 == 0 {
                rig.settle().await;
            }
        }
        rig.settle().await;
        let lost = 5 - kept;
        let early = tokio::join!(client.connection.go_live(1, lost - 1, b""), rig.settle()).0;
        assert_eq!(early, CatchUp::Behind(lost), "{length}");
        let ready = tokio::join!(client.connection.go_live(1, lost, b""), rig.settle()).0;
        assert_eq!(ready, CatchUp::Live, "{length}");
        let waits = client.connection.outbox.socket.backlog();
        assert!(waits <= usize::try_from(kept).expect("few") * (length + 11), "{waits}");
    }
}

/// As much as may wait for one connection, nearly.
const LONG: usize = 240_000;

fn is_cut(client: &Client) -> bool {
    client.connection.outbox.socket.is_cut()
}

/// What waits over all connections, in MiB.
fn queued(rig: &Rig) -> u64 {
    rig.hub.metrics().queued.get() / 1024 / 1024
}

/// Clients who listen to `topic`, and get something long that they do not read.
async fn behind(rig: &mut Rig, number: usize, topic: u8) -> Vec<Client> {
    let clients: Vec<_> = (0..number).map(|_| rig.client(0, &[topic])).collect();
    rig.say(topic, 1, &"x".repeat(LONG));
    rig.settle().await;
    clients
}

/// Reads some of what has arrived. The server hears of it when the connection has its turn.
async fn read_some(client: &mut Client) {
    let mut bytes = [0; 500];
    let read = timeout(Duration::from_millis(1), client.far.read_exact(&mut bytes));
    read.await.expect("something has arrived").expect("bytes");
}

async fn have_turn(client: &Client) {
    let attendant = client.connection.write_driver();
    assert_eq!(attendant.drive(pin!(async {})).await, Some(()));
}

#[tokio::test(start_paused = true)]
async fn where_too_much_waits_over_all_the_slowest_are_cut_and_the_others_stay() {
    let mut rig = Rig::new();
    let stalled: Vec<_> = (0..150).map(|_| rig.client(0, &[1])).collect();
    let busy: Vec<_> = (0..80).map(|_| rig.client(0, &[2])).collect();
    rig.say(1, 1, &"x".repeat(LONG));
    rig.settle().await;
    rig.board.beat().await;
    advance(Duration::from_secs(1)).await;
    rig.board.tick().await;
    assert!(!stalled.iter().any(is_cut), "34 MiB are below the limit");
    rig.say(2, 1, &"x".repeat(LONG));
    rig.settle().await;
    rig.board.tick().await;
    assert!(stalled.iter().any(is_cut) && !busy.iter().any(is_cut));
    assert!(queued(&rig) < 32, "{}", queued(&rig));
}

#[tokio::test(start_paused = true)]
async fn who_reads_is_not_cut_for_having_waited_earlier_or_for_more() {
    // Whether the connection of who has read had its turn meanwhile is not up to them.
    for have_turns in [true, false] {
        let mut rig = Rig::new();
        let mut readers = behind(&mut rig, 80, 2).await;
        rig.board.beat().await;
        advance(Duration::from_secs(2)).await;
        let stalled = behind(&mut rig, 145, 1).await;
        for mark in 2..=5 {
            rig.say(2, mark, &"y".repeat(1_000));
        }
        rig.settle().await;
        advance(Duration::from_secs(2)).await;
        for reader in &mut readers {
            read_some(reader).await;
            if have_turns {
                have_turn(reader).await;
            }
        }
        assert!(queued(&rig) > 48, "{}", queued(&rig));
        rig.board.tick().await;
        assert!(stalled.iter().any(is_cut) && !readers.iter().any(is_cut), "{have_turns}");
        assert!(queued(&rig) < 32, "{}", queued(&rig));
    }
}

#[tokio::test(start_paused = true)]
async fn one_run_of_frames_to_many_cuts_nobody_who_reads_at_the_limit_itself() {
    let mut rig = Rig::new();
    let stalled = behind(&mut rig, 200, 1).await;
    advance(Duration::from_secs(1)).await;
    // Together with these it would be 73 MiB.
    let readers = behind(&mut rig, 120, 2).await;
    assert!(stalled.iter().any(is_cut) && !readers.iter().any(is_cut));
}

#[tokio::test(start_paused = true)]
async fn of_many_who_were_written_to_at_once_those_who_read_have_time_to() {
    let mut rig = Rig::new();
    let mut all = behind(&mut rig, 230, 1).await;
    rig.board.tick().await;
    assert!(queued(&rig) > 48 && !all.iter().any(is_cut), "it is not known yet who reads");
    advance(Duration::from_secs(1)).await;
    for (_, reader) in all.iter_mut().enumerate().filter(|(n, _)| n % 3 == 0) {
        read_some(reader).await;
    }
    rig.board.tick().await;
    assert!(queued(&rig) < 32, "{}", queued(&rig));
    assert!(all.iter().step_by(3).all(|reader| !is_cut(reader)));
}

#[tokio::test(start_paused = true)]
async fn the_hub_makes_room_before_the_limit_whoever_writes() {
    let mut rig = Rig::new();
    let stalled = behind(&mut rig, 200, 1).await;
    advance(Duration::from_secs(1)).await;
    let answered: Vec<_> = (0..70).map(|_| rig.client(0, &[])).collect();
    rig.settle().await;
    let crowded = rig.board.queues_full();
    for client in &answered {
        assert!(queued(&rig) <= 56 && crowded.notified().now_or_never().is_none());
        client.connection.send("x".repeat(LONG).as_bytes());
        if queued(&rig) >= 56 {
            break;
        }
    }
    assert_eq!(crowded.notified().now_or_never(), Some(()));
    rig.board.shed_if_full();
    assert!(queued(&rig) < 32, "{}", queued(&rig));
    assert!(stalled.iter().any(is_cut) && !answered.iter().any(is_cut));
}

#[tokio::test]
async fn who_takes_nothing_for_twenty_seconds_is_cut_although_it_answers_pings() {
    let mut rig = Rig::new();
    let mut clients: Vec<_> = (0..2).map(|_| rig.client(0, &[1])).collect();
    rig.say(1, 1, &"x".repeat(100_000));
    rig.settle().await;
    for beat in 1..=5 {
        for (n, client) in clients.iter_mut().enumerate() {
            client.far.write_all(&[0x8a, 0x80, 0, 0, 0, 0]).await.expect("a pong");
            assert_eq!(client.connection.next().await, Received::Control);
            if n == 1 {
                // A few bytes now and then are enough.
                client.far.read_exact(&mut [0; 10]).await.expect("bytes");
                let attendant = client.connection.write_driver();
                assert_eq!(attendant.drive(pin!(async {})).await, Some(()));
            }
        }
        rig.board.beat().await;
        let cut = clients.iter().map(|client| client.connection.outbox.socket.is_cut());
        assert_eq!(cut.collect::<Vec<_>>(), [beat == 5, false], "{beat}");
    }
}
