//! The experiments: each starts a cluster, lets something fail under load, checks the invariants and measures.

mod bus;
mod clocks;
mod closing;
mod database;
mod nodes;
mod presence;
mod soak;
mod storing;
mod trial;
mod updates;

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::figures::Report;
use crate::processes::{can_signal, executable, nats_version};

pub use trial::Trial;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Short,
    Long,
}

/// What fits into three minutes.
pub const SHORT: [&str; 9] = ["C3", "C4", "C5", "C6", "C7", "C8", "C9", "C13", "C16"];
pub const LONG: [&str; 17] = [
    "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C7b", "C8", "C9", "C10", "C12", "C13", "C14", "C15",
    "C16", "C17",
];
/// Those that measure NATS.
const BUS: [&str; 4] = ["C1", "C9", "C10", "C17"];

pub struct Context {
    pub form: Form,
    pub seed: u64,
    report: Mutex<Report>,
    start: Instant,
}

impl Context {
    pub fn new(form: Form, seed: u64) -> Self {
        Self { form, seed, report: Mutex::default(), start: Instant::now() }
    }

    /// How much of something: little in the short form.
    pub fn pick<T>(&self, short: T, long: T) -> T {
        if self.form == Form::Short { short } else { long }
    }

    pub fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().expect("the report")
    }

    #[expect(clippy::print_stdout, reason = "the result of script/cluster")]
    pub fn say(&self, text: &str) {
        println!("{:6.1} s  {text}", self.start.elapsed().as_secs_f64());
    }

    /// Prints the table, and fails if a rule was broken.
    pub fn end(self) {
        let report = self.report.into_inner().expect("the report");
        let (seed, broken) = (self.seed, &report.broken);
        print(&format!("\nseed {seed}, {}\n\n{}", machine(), report.table()));
        assert!(broken.is_empty(), "CLUSTER_SEED={seed} broke:\n{}", broken.join("\n"));
    }
}

#[expect(clippy::print_stdout, reason = "the result of script/cluster")]
fn print(text: &str) {
    println!("{text}");
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(" ");
    let nats = nats_version().unwrap_or_else(|| "no nats-server".to_owned());
    format!("{cores} cores, load {load}, {nats}, {}", executable().display())
}

pub async fn run(name: &'static str, context: &Context) {
    if BUS.contains(&name) && !can_signal() {
        let what = "left out: no nats-server, or an executable that knows no NATS_URL";
        context.report().note(name, what);
        return;
    }
    context.say(name);
    match name {
        "C1" | "C2" => bus::latency(context, name).await,
        "C3" => nodes::kills(context).await,
        "C4" => nodes::pauses(context).await,
        "C5" => nodes::half_open(context).await,
        "C6" => database::restarts(context).await,
        "C7" => database::fail_over(context).await,
        "C7b" => database::read_only(context).await,
        "C8" => database::lost_tail(context).await,
        "C9" => bus::outages(context).await,
        "C10" => bus::stopped_node(context).await,
        "C12" => closing::removals(context).await,
        "C13" => clocks::skews(context).await,
        "C14" => updates::rolling(context).await,
        "C15" => storing::many_rooms(context).await,
        "C16" => storing::nonces(context).await,
        "C17" => presence::churn(context).await,
        "C20" => soak::soak(context).await,
        other => panic!("there is no experiment {other}"),
    }
}

pub const SECOND: Duration = Duration::from_secs(1);
