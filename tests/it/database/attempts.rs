//! Attempts that several processes count together, on `PostgreSQL`: the same decisions as in memory. On `SQLite`, where
//! attempts are in memory, each test returns immediately.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use patio::attempts::model::{Bucket, TakeError};
use patio::attempts::{Attempts, prune};
use patio::kernel::{Clock, Timestamp};
use patio::limits::Rate;

use super::concurrent_batches::{holding, release};
use super::postgres::until_waiting;
use crate::support::{Storage, numbers, try_execute};

const NOW: i64 = 1_795_255_200_000;

/// Counts in memory and in the database, by one clock.
struct Twins {
    memory: Attempts,
    shared: Attempts,
    now: Arc<AtomicI64>,
    buckets: [Bucket; 4],
    storage: Storage,
}

impl Twins {
    async fn new() -> Option<Self> {
        if !Storage::is_on_postgres() {
            return None;
        }
        let storage = Storage::new().await;
        let now = Arc::new(AtomicI64::new(NOW));
        let read = now.clone();
        let clock = Clock::from_fn(move || Timestamp(read.load(Ordering::Relaxed)));
        let bucket = |name: &str, burst, millis| {
            Bucket::new("test", name, Rate { burst, every: Duration::from_millis(millis) })
        };
        Some(Self {
            memory: Attempts::in_memory(clock.clone()),
            shared: Attempts::new(clock, &storage.open().await),
            now,
            buckets: [
                bucket("one", 1, 1_000),
                bucket("three", 3, 500),
                bucket("five", 5, 7),
                bucket("twenty", 20, 15_000),
            ],
            storage,
        })
    }

    fn chosen(&self, places: &[usize]) -> Vec<Bucket> {
        places.iter().map(|place| self.buckets[*place]).collect()
    }

    /// Takes from both, and returns what both say.
    async fn take(&self, places: &[usize]) -> Result<(), Vec<Duration>> {
        let buckets = self.chosen(places);
        let said = |taken: Result<(), TakeError>| match taken {
            Ok(()) => Ok(()),
            Err(TakeError::Refused(refusal)) => Err(refusal.waits().to_vec()),
            Err(TakeError::Service(error)) => panic!("{error}"),
        };
        let memory = said(self.memory.take(&buckets).await);
        assert_eq!(said(self.shared.take(&buckets).await), memory, "{places:?}");
        memory
    }

    async fn give_back(&self, places: &[usize]) {
        let buckets = self.chosen(places);
        self.memory.give_back(&buckets).await.expect("given back");
        self.shared.give_back(&buckets).await.expect("given back");
    }

    fn advance(&self, millis: i64) {
        self.now.fetch_add(millis, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn memory_and_database_decide_the_same() {
    let Some(twins) = Twins::new().await else { return };
    let millis = Duration::from_millis;
    assert_eq!(twins.take(&[]).await, Ok(()));
    assert_eq!(twins.take(&[0]).await, Ok(()));
    assert_eq!(twins.take(&[0]).await, Err(vec![millis(1_000)]));
    twins.advance(999);
    assert_eq!(twins.take(&[1, 0]).await, Err(vec![millis(0), millis(1)]), "none was taken");
    for _ in 0..3 {
        assert_eq!(twins.take(&[1]).await, Ok(()));
    }
    assert_eq!(twins.take(&[1, 0]).await, Err(vec![millis(500), millis(1)]));
    twins.give_back(&[1]).await;
    twins.advance(1);
    assert_eq!(twins.take(&[0, 1]).await, Ok(()));
    twins.give_back(&[0, 1, 2, 3]).await;
    // A clock that was wrong.
    for _ in 0..20 {
        assert_eq!(twins.take(&[3]).await, Ok(()));
    }
    twins.advance(-3_600_000);
    assert_eq!(twins.take(&[3]).await, Err(vec![millis(15_000)]));
    twins.advance(7_200_000);
    // Any order.
    let mut random = 42_u64;
    let mut outcomes = [0, 0];
    for _ in 0..600 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let drawn = random >> 33;
        let places: Vec<usize> = (0..4).filter(|place| drawn >> place & 1 == 1).collect();
        match drawn >> 4 & 7 {
            0 => twins.give_back(&places).await,
            1 => twins.advance(i64::try_from(drawn >> 7 & 0xfff).expect("a time")),
            _ => outcomes[usize::from(twins.take(&places).await.is_ok())] += 1,
        }
    }
    assert!(outcomes.iter().all(|times| *times > 50), "{outcomes:?}");
}

#[tokio::test]
async fn the_last_token_is_taken_once() {
    let Some(twins) = Twins::new().await else { return };
    let db = twins.storage.open().await;
    let large = Bucket::new("test", "large", Rate { burst: 1_000, every: Duration::from_mins(1) });
    let [.., small] = twins.buckets;
    for _ in 0..19 {
        twins.shared.take(&[small, large]).await.expect("a token");
    }
    // All of them find the last token of the small bucket before one of them takes it.
    let held = holding(&db, "select 1 from attempts where burst = 20 for update").await;
    let attempts = (0..5).map(|n| {
        let buckets = if n % 2 == 0 { [small, large] } else { [large, small] };
        let shared = twins.shared.clone();
        async move { shared.take(&buckets).await }
    });
    let free = async {
        until_waiting(&db, 5).await;
        release(held).await;
    };
    let (taken, ()) = tokio::join!(join_all(attempts), free);
    assert_eq!(taken.iter().filter(|taken| taken.is_ok()).count(), 1, "{taken:?}");
    for refused in taken.into_iter().filter_map(Result::err) {
        let TakeError::Refused(refusal) = refused else { panic!("{refused}") };
        assert_eq!(refusal.wait(), Duration::from_secs(15));
    }
    let of_large = "select (full_at - 1795255200000) / every from attempts where burst = 1000";
    assert_eq!(numbers(&db, of_large).await, [20], "those that were refused took nothing");
}

#[tokio::test]
async fn full_buckets_are_deleted_and_hashes_stored() {
    let Some(twins) = Twins::new().await else { return };
    let db = twins.storage.open().await;
    for place in 0..4 {
        twins.take(&[place]).await.expect("a token");
    }
    try_execute(&db, "insert into attempts select decode(md5(n::text), 'hex'), 1, 1, 0 from generate_series(1, 2500) n")
        .await
        .expect("inserted");
    let count = async || numbers(&db, "select count(*) from attempts").await;
    assert_eq!(count().await, [2_504]);
    prune(&db, Timestamp(NOW + 999)).await.expect("deleted");
    // Those that fill in 500 and 7 milliseconds are full.
    assert_eq!(count().await, [2]);
    let hashes = "select count(*) from attempts where length(key) = 32";
    assert_eq!(numbers(&db, hashes).await, [2]);
    // Emptied by a clock that was an hour ahead.
    try_execute(&db, "update attempts set full_at = full_at + 3600000").await.expect("changed");
    prune(&db, Timestamp(NOW)).await.expect("deleted");
    assert_eq!(count().await, [0]);
}
