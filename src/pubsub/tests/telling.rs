//! Whom the hub tells what: those who listen, those who are told apart, those who listen no more.

use super::super::{CatchUp, Received};
use super::Rig;

#[tokio::test]
async fn who_is_parted_from_a_topic_hears_no_more_of_it_and_others_do() {
    let mut rig = Rig::new();
    let (mut gone, mut here) = (rig.client(0, &[1, 7]), rig.client(0, &[1, 8]));
    rig.hub.unsubscribe_all(7, 1);
    rig.say(1, 1, "secret");
    rig.settle().await;
    assert_eq!((gone.heard().await, here.heard().await), (String::new(), "0secret".to_owned()));
    let (standing, _) = tokio::join!(gone.connection.go_live(1, 0, b"live"), rig.settle());
    assert_eq!(standing, CatchUp::Gone);
}

#[tokio::test]
async fn who_is_joined_to_a_topic_hears_of_it_and_is_left_out_where_they_are_told_apart() {
    let mut rig = Rig::new();
    let (mut mentioned, mut other) = (rig.client(0, &[1, 7]), rig.client(0, &[1, 8]));
    rig.hub.subscribe_all(7, 3);
    rig.say(3, 1, "apart");
    rig.hub.broadcast_coalesced(1, 2, &"all".to_owned(), (3, 9));
    rig.settle().await;
    assert_eq!((mentioned.heard().await, other.heard().await), ("0apart".into(), "0all".into()));
    assert_eq!(mentioned.connection.next().await, Received::Signal(9));
    rig.hub.unsubscribe_all(7, 3);
    rig.hub.broadcast_coalesced(1, 2, &"again".to_owned(), (3, 9));
    rig.settle().await;
    rig.board.tick().await;
    assert_eq!((mentioned.heard().await, other.heard().await), ("0again".into(), "0again".into()));
}

#[tokio::test]
async fn a_notice_that_waits_is_not_left_again_and_others_in_between_are() {
    let mut rig = Rig::new();
    let mut client = rig.client(0, &[1, 2]);
    for notice in [5, 5, 6, 5] {
        rig.hub.notify(1, notice);
    }
    rig.hub.notify_except(1, 2, 7);
    rig.hub.notify_except(1, 3, 8);
    rig.settle().await;
    for notice in [5, 6, 5, 8] {
        assert_eq!(client.connection.next().await, Received::Signal(notice));
    }
}

#[tokio::test]
async fn a_notice_that_may_wait_comes_at_once_and_then_once_at_each_tick() {
    let mut rig = Rig::new();
    let client = rig.client(0, &[1]);
    let mut heard = Vec::new();
    for tick in [false, false, true, true, false, false] {
        rig.hub.notify_coalesced(1, 5);
        rig.settle().await;
        if tick {
            rig.board.tick().await;
        }
        heard.push(std::iter::from_fn(|| client.connection.outbox.next_signal()).count());
    }
    assert_eq!(heard, [1, 0, 1, 1, 0, 0]);
    rig.board.tick().await;
    rig.board.tick().await;
    assert_eq!(client.connection.outbox.next_signal(), Some(5), "the last one too");
    rig.hub.notify_coalesced(1, 5);
    rig.settle().await;
    assert_eq!(client.connection.outbox.next_signal(), Some(5), "after a rest at once again");
}

#[tokio::test]
async fn reminders_come_at_once_and_then_the_newest_of_many_at_each_tick() {
    let mut rig = Rig::new();
    let (mut here, mut open) = (rig.client(0, &[1]), rig.client(0, &[1, 2]));
    let remind = |rig: &Rig, n: u8| rig.hub.broadcast_coalesced(1, 2, &n.to_string(), (3, 9));
    for n in 1..=3 {
        remind(&rig, n);
    }
    rig.settle().await;
    assert_eq!(here.heard().await, "01");
    rig.board.tick().await;
    remind(&rig, 4);
    rig.settle().await;
    assert_eq!(here.heard().await, "03");
    rig.board.tick().await;
    rig.board.tick().await;
    remind(&rig, 5);
    rig.settle().await;
    assert_eq!(here.heard().await, "04 05");
    assert_eq!(open.heard().await, "", "who has it open is not reminded");
}
