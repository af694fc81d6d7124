//! How connections are asked to close when the server stops.

use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::io::AsyncReadExt as _;
use tokio::time::advance;

use super::{Client, Rig};
use crate::pubsub::Received;
use crate::websocket::encode;

#[tokio::test]
async fn a_stop_reaches_current_and_later_connections() {
    let mut rig = Rig::new();
    let mut here = rig.client(0, &[]);
    rig.settle().await;
    rig.dispatcher.stop(Duration::ZERO);
    let mut late = rig.client(0, &[]);
    rig.settle().await;
    assert_eq!(here.connection.next().await, Received::Stop);
    assert_eq!(late.connection.next().await, Received::Stop);
    here.connection.finish(Some(1012), false).await;
    let mut end = Vec::new();
    here.far.read_to_end(&mut end).await.expect("an orderly close");
    assert_eq!(end, [encode::HEARTBEAT, encode::close(Some(1012))].concat());
}

#[tokio::test(start_paused = true)]
async fn a_stop_over_a_time_asks_as_many_connections_at_each_tick() {
    let mut rig = Rig::new();
    let mut clients: Vec<_> = (0..100).map(|_| rig.client(0, &[])).collect();
    rig.settle().await;
    rig.dispatcher.stop(Duration::from_millis(4_900));
    // Each tick asks 5: the first at once, the last when the time is over.
    for asked in (5..=100).step_by(5) {
        let now = |client: &mut Client| client.connection.next().now_or_never();
        let found = clients.iter_mut().filter_map(now).filter(|it| *it == Received::Stop).count();
        assert_eq!(found, asked);
        advance(Duration::from_millis(250)).await;
        rig.dispatcher.tick().await;
    }
    let mut late = rig.client(0, &[]);
    rig.settle().await;
    assert_eq!(late.connection.next().await, Received::Stop);
}

#[tokio::test(start_paused = true)]
async fn connections_that_close_before_they_are_asked_leave_their_time_to_others() {
    let mut rig = Rig::new();
    let mut clients: Vec<_> = (0..100).map(|_| rig.client(0, &[])).collect();
    rig.settle().await;
    rig.dispatcher.stop(Duration::from_millis(4_900));
    clients.retain_mut(|client| client.connection.next().now_or_never().is_none());
    clients.truncate(19);
    rig.settle().await;
    for left in (0..19).rev() {
        advance(Duration::from_millis(250)).await;
        rig.dispatcher.tick().await;
        clients.retain_mut(|client| client.connection.next().now_or_never().is_none());
        assert_eq!(clients.len(), left, "one at a time");
    }
}
