//! The counters of deliveries, queued bytes and dropped connections.

use tokio::io::duplex;

use super::super::Encoding;
use super::Rig;
use crate::websocket::Stream;

#[tokio::test]
async fn deliveries_queued_bytes_and_cuts_are_counted() {
    let mut rig = Rig::new();
    let (mut quick, slow) = (rig.client(0, &[1]), rig.client(0, &[1, 2]));
    let count = |rig: &Rig| {
        let metrics = rig.hub.metrics();
        (metrics.deliveries.get(), metrics.cuts.get(), metrics.queued.get())
    };
    for position in 1..=3 {
        rig.publish(1, position, "x");
    }
    rig.settle().await;
    assert_eq!(count(&rig), (6, 0, 0));
    let long = "x".repeat(100_000);
    rig.publish(2, 1, &long);
    rig.settle().await;
    let (_, cuts, queued) = count(&rig);
    assert!(cuts == 0 && queued > 90_000, "{queued}");
    for position in 2..=3 {
        rig.publish(2, position, &long);
        rig.settle().await;
    }
    assert_eq!(count(&rig), (9, 1, 0));
    quick.received().await;
    let (near, _far) = duplex(1);
    let gone = rig.hub.connect(Encoding(0), Stream::other(near), &[]);
    gone.send(b"waits");
    assert_eq!(rig.hub.metrics().queued.get(), 7);
    drop((gone, slow));
    rig.settle().await;
    assert_eq!(rig.hub.metrics().queued.get(), 0);
}
