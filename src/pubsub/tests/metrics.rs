//! What is counted of deliveries, queues and cuts.

use tokio::io::duplex;

use super::super::Encoding;
use super::Rig;
use crate::websocket::Stream;

#[tokio::test]
async fn what_is_delivered_what_waits_and_who_is_cut_is_counted() {
    let mut rig = Rig::new();
    let (mut quick, slow) = (rig.client(0, &[1]), rig.client(0, &[1, 2]));
    let count = |rig: &Rig| {
        let meters = rig.hub.metrics();
        (meters.deliveries.get(), meters.cuts.get(), meters.queued.get())
    };
    for mark in 1..=3 {
        rig.say(1, mark, "x");
    }
    rig.settle().await;
    assert_eq!(count(&rig), (6, 0, 0));
    let long = "x".repeat(100_000);
    rig.say(2, 1, &long);
    rig.settle().await;
    let (_, cuts, queued) = count(&rig);
    assert!(cuts == 0 && queued > 90_000, "{queued}");
    for mark in 2..=3 {
        rig.say(2, mark, &long);
        rig.settle().await;
    }
    assert_eq!(count(&rig), (9, 1, 0));
    quick.heard().await;
    let (near, _far) = duplex(1);
    let gone = rig.hub.connect(Encoding(0), Stream::other(near), &[]);
    gone.send(b"waits");
    assert_eq!(rig.hub.metrics().queued.get(), 7);
    drop((gone, slow));
    rig.settle().await;
    assert_eq!(rig.hub.metrics().queued.get(), 0);
}
