//! What is kept for those who do not read, and when they are cut.

use std::pin::pin;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::super::{Input, Standing};
use super::{Client, Rig};

#[tokio::test]
async fn what_is_kept_for_who_catches_up_is_bounded_in_bytes() {
    for (length, kept) in [(100_000, 1), (40_000, 3), (200_000, 0)] {
        let mut rig = Rig::new();
        let client = rig.client(0, &[]);
        client.connection.follow(1);
        for mark in 1..=5 {
            rig.say(1, mark, &"x".repeat(length));
            if mark % 2 == 0 {
                rig.settle().await;
            }
        }
        rig.settle().await;
        let lost = 5 - kept;
        let early = tokio::join!(client.connection.go_live(1, lost - 1, b""), rig.settle()).0;
        assert_eq!(early, Standing::Behind(lost), "{length}");
        let ready = tokio::join!(client.connection.go_live(1, lost, b""), rig.settle()).0;
        assert_eq!(ready, Standing::Live, "{length}");
        let (_, waits) = client.connection.peer.line.backlog();
        assert!(waits <= usize::try_from(kept).expect("few") * (length + 11), "{waits}");
    }
}

#[tokio::test]
async fn where_too_much_waits_over_all_connections_are_cut_until_half_is_left() {
    let mut rig = Rig::new();
    let stalled: Vec<_> = (0..150).map(|_| rig.client(0, &[1])).collect();
    let busy: Vec<_> = (0..80).map(|_| rig.client(0, &[2])).collect();
    let is_cut = |client: &Client| client.connection.peer.line.is_cut();
    let long = "x".repeat(240_000);
    rig.say(1, 1, &long);
    rig.settle().await;
    rig.board.beat().await;
    assert!(!stalled.iter().any(is_cut), "36 MB are below the limit");
    rig.say(2, 1, &long);
    rig.settle().await;
    assert!(stalled.iter().chain(&busy).any(is_cut));
    assert!(!busy.iter().all(is_cut));
    assert!(rig.hub.meters().queued.get() <= 32 * 1024 * 1024);
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
            assert_eq!(client.connection.next().await, Input::Control);
            if n == 1 {
                // A few bytes now and then are enough.
                client.far.read_exact(&mut [0; 10]).await.expect("bytes");
                let attendant = client.connection.attendant();
                assert_eq!(attendant.during(pin!(async {})).await, Some(()));
            }
        }
        rig.board.beat().await;
        let cut = clients.iter().map(|client| client.connection.peer.line.is_cut());
        assert_eq!(cut.collect::<Vec<_>>(), [beat == 5, false], "{beat}");
    }
}
