//! C20: random faults, one after the other, in rounds of three minutes.

use std::time::{Duration, Instant};

use super::trial::{for_a_while, report_losses};
use super::{Context, Trial};
use crate::faults::Fault;
use crate::processes::Standby;
use crate::random::Random;
use crate::setting;

const ROUND: Duration = Duration::from_mins(3);

pub async fn soak(context: &Context) {
    let minutes = setting("CLUSTER_MINUTES").map_or(60, |text| text.parse().expect("a number"));
    let end = Instant::now() + Duration::from_mins(minutes);
    let mut random = Random::from_seed(context.seed);
    let mut rounds = 0;
    while Instant::now() < end {
        rounds += 1;
        let nodes = 2 + random.below(3);
        let servers = [0, 1, 1, 3][random.below(4)];
        let mut trial = Trial::start("C20", nodes, servers, Standby::None).await;
        trial.load.usual(Duration::from_millis(200)).await;
        let until = (Instant::now() + ROUND).min(end);
        let mut faults = 0;
        while Instant::now() < until {
            let fault = Fault::any(&mut random, nodes, trial.cluster.nats.len());
            trial.happen(context, &fault).await;
            for_a_while(random.millis(100, 4000).as_secs_f64()).await;
            faults += 1;
        }
        let run = trial.finish(context).await;
        let what = format!("round {rounds}, {nodes} nodes, {servers} NATS, {faults} faults");
        report_losses(context, "C20", &what, &run);
    }
}
