//! Several nodes under faults: real processes of Patio, `PostgreSQL` and NATS, which are killed, paused and cut off from
//! each other by a seed, while people post and read.
//!
//! `script/cluster` runs it. Without that, `cargo test` runs the unit tests of what checks the runs. Everything is seen
//! from outside: it uses the executable and none of its modules.

mod experiments;
mod faults;
mod figures;
mod invariants;
mod load;
mod processes;
mod random;
#[path = "../it/support/wait.rs"]
mod wait;

use std::future::Future;

use experiments::{Context, Form};
use tokio::task::JoinHandle;

#[expect(clippy::disallowed_methods, reason = "it runs beside its test")]
pub fn background<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    tokio::spawn(future)
}

/// A setting of `script/cluster`.
fn setting(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.into_string().expect("text"))
}

async fn run(form: Form, all: &[&'static str]) {
    let chosen = setting("CLUSTER_ONLY");
    let is_chosen =
        |name: &&str| chosen.as_ref().is_none_or(|chosen| chosen.split(',').any(|it| it == *name));
    let seed = setting("CLUSTER_SEED").map(|seed| seed.parse().expect("a number"));
    let seed = seed.unwrap_or_else(|| u64::from(getrandom::u32().expect("random bytes")));
    let context = Context::new(form, seed);
    for name in all.iter().copied().filter(is_chosen) {
        Box::pin(experiments::run(name, &context)).await;
    }
    context.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts a cluster for three minutes: script/cluster short"]
async fn short() {
    run(Form::Short, &experiments::SHORT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts clusters for half an hour: script/cluster long"]
async fn long() {
    run(Form::Long, &experiments::LONG).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "lets random faults happen: script/cluster soak"]
async fn soak() {
    run(Form::Long, &["C20"]).await;
}
