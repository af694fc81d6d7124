//! Delivery of events and signals: to subscribers, to excluded subscribers, and after unsubscribing.

use super::super::{CatchUp, Received};
use super::Rig;

#[tokio::test]
async fn unsubscribe_all_affects_only_the_given_subscribers() {
    let mut rig = Rig::new();
    let (mut gone, mut here) = (rig.client(0, &[1, 7]), rig.client(0, &[1, 8]));
    rig.hub.unsubscribe_all(7, 1);
    rig.publish(1, 1, "secret");
    rig.settle().await;
    assert_eq!(
        (gone.received().await, here.received().await),
        (String::new(), "0secret".to_owned())
    );
    let (result, _) = tokio::join!(gone.connection.go_live(1, 0, b"live"), rig.settle());
    assert_eq!(result, CatchUp::Gone);
}

#[tokio::test]
async fn subscribe_all_adds_subscribers_and_the_fallback_signals_them() {
    let mut rig = Rig::new();
    let (mut mentioned, mut other) = (rig.client(0, &[1, 7]), rig.client(0, &[1, 8]));
    rig.hub.subscribe_all(7, 3);
    rig.publish(3, 1, "apart");
    rig.hub.broadcast_coalesced(1, 2, &"all".to_owned(), (3, 9));
    rig.settle().await;
    assert_eq!(
        (mentioned.received().await, other.received().await),
        ("0apart".into(), "0all".into())
    );
    assert_eq!(mentioned.connection.next().await, Received::Signal(9));
    rig.hub.unsubscribe_all(7, 3);
    rig.hub.broadcast_coalesced(1, 2, &"again".to_owned(), (3, 9));
    rig.settle().await;
    rig.dispatcher.tick().await;
    assert_eq!(
        (mentioned.received().await, other.received().await),
        ("0again".into(), "0again".into())
    );
}

#[tokio::test]
async fn a_signal_equal_to_the_last_pending_one_is_dropped() {
    let mut rig = Rig::new();
    let mut client = rig.client(0, &[1, 2]);
    for signal in [5, 5, 6, 5] {
        rig.hub.notify(1, signal);
    }
    rig.hub.notify_except(1, 2, 7);
    rig.hub.notify_except(1, 3, 8);
    rig.settle().await;
    for signal in [5, 6, 5, 8] {
        assert_eq!(client.connection.next().await, Received::Signal(signal));
    }
}

#[tokio::test]
async fn a_coalesced_signal_arrives_immediately_and_then_once_per_tick() {
    let mut rig = Rig::new();
    let client = rig.client(0, &[1]);
    let mut received = Vec::new();
    for tick in [false, false, true, true, false, false] {
        rig.hub.notify_coalesced(1, 5);
        rig.settle().await;
        if tick {
            rig.dispatcher.tick().await;
        }
        received.push(std::iter::from_fn(|| client.connection.outbox.next_signal()).count());
    }
    assert_eq!(received, [1, 0, 1, 1, 0, 0]);
    rig.dispatcher.tick().await;
    rig.dispatcher.tick().await;
    assert_eq!(client.connection.outbox.next_signal(), Some(5), "the last one too");
    rig.hub.notify_coalesced(1, 5);
    rig.settle().await;
    assert_eq!(client.connection.outbox.next_signal(), Some(5), "after a pause immediately again");
}

#[tokio::test]
async fn coalesced_events_arrive_immediately_and_then_the_newest_at_each_tick() {
    let mut rig = Rig::new();
    let (mut here, mut open) = (rig.client(0, &[1]), rig.client(0, &[1, 2]));
    let publish = |rig: &Rig, n: u8| rig.hub.broadcast_coalesced(1, 2, &n.to_string(), (3, 9));
    for n in 1..=3 {
        publish(&rig, n);
    }
    rig.settle().await;
    assert_eq!(here.received().await, "01");
    rig.dispatcher.tick().await;
    publish(&rig, 4);
    rig.settle().await;
    assert_eq!(here.received().await, "03");
    rig.dispatcher.tick().await;
    rig.dispatcher.tick().await;
    publish(&rig, 5);
    rig.settle().await;
    assert_eq!(here.received().await, "04 05");
    assert_eq!(open.received().await, "", "the excluded channel receives nothing");
}

#[tokio::test]
async fn subscriber_learns_whether_its_channels_were_used_since_its_query() {
    let mut rig = Rig::new();
    let mut client = rig.client(0, &[]);
    rig.publish(1, 1, "before");
    rig.settle().await;
    for (channel, expected) in [(None, false), (Some(3), false), (Some(1), true), (Some(2), true)] {
        let moment = client.connection.moment();
        if let Some(channel) = channel {
            rig.publish(channel, 2, "between");
        }
        let subscribed = client.connection.subscribe_since(vec![1, 2], moment);
        let (missed, _) = tokio::join!(subscribed, rig.settle());
        assert_eq!(missed, expected, "{channel:?}");
        client.connection.unsubscribe(1);
        client.connection.unsubscribe(2);
        rig.settle().await;
    }
    assert_eq!(client.received().await, "");
    let moment = client.connection.moment();
    let subscribed = client.connection.subscribe_since(vec![1, 2], moment);
    tokio::join!(subscribed, rig.settle());
    rig.publish(2, 3, "after");
    rig.settle().await;
    assert_eq!(client.received().await, "0after");
}

/// Those who ask for subscribers do not publish at all where there are none.
#[tokio::test]
async fn questions_for_subscribers_count_as_uses_of_their_channels() {
    let mut rig = Rig::new();
    let client = rig.client(0, &[]);
    let hub = rig.hub.clone();
    let since = async |rig: &mut Rig, moment| {
        let subscribed = client.connection.subscribe_since(vec![1], moment);
        tokio::join!(subscribed, rig.settle()).0
    };
    let moment = client.connection.moment();
    tokio::join!(hub.subscribed(vec![2]), rig.settle());
    assert!(!since(&mut rig, moment).await);
    tokio::join!(hub.subscribed(vec![1]), rig.settle());
    assert!(since(&mut rig, moment).await);
    let moment = client.connection.moment();
    assert!(!since(&mut rig, moment).await);
    tokio::join!(hub.channels(), rig.settle());
    assert!(since(&mut rig, moment).await);
    let moment = client.connection.moment();
    for _ in 0..5_000 {
        rig.publish(2, 1, "elsewhere");
    }
    assert!(since(&mut rig, moment).await, "too many to remember");
}
