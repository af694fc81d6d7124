//! Limits of the replay buffers and send queues, and which clients are disconnected at a limit.

use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{advance, timeout};

use super::super::{CatchUp, Received};
use super::{Client, Rig};

#[tokio::test]
async fn the_replay_buffer_is_bounded_in_bytes() {
    for (length, kept) in [(100_000, 1), (40_000, 3), (200_000, 0)] {
        let mut rig = Rig::new();
        let client = rig.client(0, &[]);
        client.connection.subscribe_catching_up(1);
        for position in 1..=5 {
            rig.publish(1, position, &"x".repeat(length));
            if position % 2 == 0 {
                rig.settle().await;
            }
        }
        rig.settle().await;
        let lost = 5 - kept;
        let early = tokio::join!(client.connection.go_live(1, lost - 1, b""), rig.settle()).0;
        assert_eq!(early, CatchUp::Behind(lost), "{length}");
        let ready = tokio::join!(client.connection.go_live(1, lost, b""), rig.settle()).0;
        assert_eq!(ready, CatchUp::Live, "{length}");
        let backlog = client.connection.outbox.socket.backlog();
        assert!(backlog <= usize::try_from(kept).expect("few") * (length + 11), "{backlog}");
    }
}

/// Almost the limit of one send queue, in bytes.
const LONG: usize = 240_000;

fn is_cut(client: &Client) -> bool {
    client.connection.outbox.socket.is_cut()
}

/// The bytes in all send queues, in MiB.
fn queued(rig: &Rig) -> u64 {
    rig.hub.metrics().queued.get() / 1024 / 1024
}

/// Connects subscribers of `channel` and sends them a long event that they do not read.
async fn stalled_clients(rig: &mut Rig, number: usize, channel: u8) -> Vec<Client> {
    let clients: Vec<_> = (0..number).map(|_| rig.client(0, &[channel])).collect();
    rig.publish(channel, 1, &"x".repeat(LONG));
    rig.settle().await;
    clients
}

/// Reads some of the received bytes. The server notices it when the connection's task runs.
async fn read_some(client: &mut Client) {
    let mut bytes = [0; 500];
    let read = timeout(Duration::from_millis(1), client.far.read_exact(&mut bytes));
    read.await.expect("something has arrived").expect("bytes");
}

async fn run_task(client: &Client) {
    let driver = client.connection.write_driver();
    assert_eq!(driver.drive(pin!(async {})).await, Some(()));
}

#[tokio::test(start_paused = true)]
async fn above_the_total_limit_only_the_slowest_are_disconnected() {
    let mut rig = Rig::new();
    let stalled: Vec<_> = (0..150).map(|_| rig.client(0, &[1])).collect();
    let busy: Vec<_> = (0..80).map(|_| rig.client(0, &[2])).collect();
    rig.publish(1, 1, &"x".repeat(LONG));
    rig.settle().await;
    rig.dispatcher.beat().await;
    advance(Duration::from_secs(1)).await;
    rig.dispatcher.tick().await;
    assert!(!stalled.iter().any(is_cut), "34 MiB are below the limit");
    rig.publish(2, 1, &"x".repeat(LONG));
    rig.settle().await;
    rig.dispatcher.tick().await;
    assert!(stalled.iter().any(is_cut) && !busy.iter().any(is_cut));
    assert!(queued(&rig) < 32, "{}", queued(&rig));
}

#[tokio::test(start_paused = true)]
async fn a_reader_is_not_disconnected_for_an_earlier_backlog() {
    // The result must not depend on whether the reader's task has run since.
    for run_tasks in [true, false] {
        let mut rig = Rig::new();
        let mut readers = stalled_clients(&mut rig, 80, 2).await;
        rig.dispatcher.beat().await;
        advance(Duration::from_secs(2)).await;
        let stalled = stalled_clients(&mut rig, 145, 1).await;
        for position in 2..=5 {
            rig.publish(2, position, &"y".repeat(1_000));
        }
        rig.settle().await;
        advance(Duration::from_secs(2)).await;
        for reader in &mut readers {
            read_some(reader).await;
            if run_tasks {
                run_task(reader).await;
            }
        }
        assert!(queued(&rig) > 48, "{}", queued(&rig));
        rig.dispatcher.tick().await;
        assert!(stalled.iter().any(is_cut) && !readers.iter().any(is_cut), "{run_tasks}");
        assert!(queued(&rig) < 32, "{}", queued(&rig));
    }
}

#[tokio::test(start_paused = true)]
async fn one_batch_to_many_clients_disconnects_no_reader_at_the_limit() {
    let mut rig = Rig::new();
    let stalled = stalled_clients(&mut rig, 200, 1).await;
    advance(Duration::from_secs(1)).await;
    // Together with these it would be 73 MiB.
    let readers = stalled_clients(&mut rig, 120, 2).await;
    assert!(stalled.iter().any(is_cut) && !readers.iter().any(is_cut));
}

#[tokio::test(start_paused = true)]
async fn clients_written_to_together_have_time_to_read() {
    let mut rig = Rig::new();
    let mut all = stalled_clients(&mut rig, 230, 1).await;
    rig.dispatcher.tick().await;
    assert!(queued(&rig) > 48 && !all.iter().any(is_cut), "no client has stalled yet");
    advance(Duration::from_secs(1)).await;
    for (_, reader) in all.iter_mut().enumerate().filter(|(n, _)| n % 3 == 0) {
        read_some(reader).await;
    }
    rig.dispatcher.tick().await;
    assert!(queued(&rig) < 32, "{}", queued(&rig));
    assert!(all.iter().step_by(3).all(|reader| !is_cut(reader)));
}

#[tokio::test(start_paused = true)]
async fn slow_clients_are_disconnected_before_the_limit_for_any_writer() {
    let mut rig = Rig::new();
    let stalled = stalled_clients(&mut rig, 200, 1).await;
    advance(Duration::from_secs(1)).await;
    let answered: Vec<_> = (0..70).map(|_| rig.client(0, &[])).collect();
    rig.settle().await;
    let queues_full = rig.dispatcher.queues_full();
    for client in &answered {
        assert!(queued(&rig) <= 56 && queues_full.notified().now_or_never().is_none());
        client.connection.send("x".repeat(LONG).as_bytes());
        if queued(&rig) >= 56 {
            break;
        }
    }
    assert_eq!(queues_full.notified().now_or_never(), Some(()));
    rig.dispatcher.shed_if_full();
    assert!(queued(&rig) < 32, "{}", queued(&rig));
    assert!(stalled.iter().any(is_cut) && !answered.iter().any(is_cut));
}

#[tokio::test]
async fn a_client_that_reads_nothing_for_twenty_seconds_is_disconnected() {
    let mut rig = Rig::new();
    let mut clients: Vec<_> = (0..2).map(|_| rig.client(0, &[1])).collect();
    rig.publish(1, 1, &"x".repeat(100_000));
    rig.settle().await;
    for beat in 1..=5 {
        for (n, client) in clients.iter_mut().enumerate() {
            client.far.write_all(&[0x8a, 0x80, 0, 0, 0, 0]).await.expect("a pong");
            assert_eq!(client.connection.next().await, Received::Control);
            if n == 1 {
                // A few bytes per heartbeat are enough.
                client.far.read_exact(&mut [0; 10]).await.expect("bytes");
                let driver = client.connection.write_driver();
                assert_eq!(driver.drive(pin!(async {})).await, Some(()));
            }
        }
        rig.dispatcher.beat().await;
        let cut = clients.iter().map(|client| client.connection.outbox.socket.is_cut());
        assert_eq!(cut.collect::<Vec<_>>(), [beat == 5, false], "{beat}");
    }
}
