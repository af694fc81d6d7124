//! C14: one node after the other becomes a newer release, with another migration and other assets.

use std::time::Duration;

use reqwest::header::CACHE_CONTROL;

use super::trial::{for_a_while, report_losses};
use super::{Context, Trial};
use crate::faults::Fault;
use crate::processes::Standby;

pub async fn rolling(context: &Context) {
    let mut trial = Trial::start("C14", 2, 1, Standby::None).await;
    trial.load.usual(Duration::from_millis(200)).await;
    for_a_while(1.0).await;
    // Executables for tests know these: the newer release is the same with one more of each.
    let newer = [("TEST_MIGRATION", "1"), ("TEST_ASSETS", "newer")];
    let set = newer.map(|(name, value)| (name, value.to_owned())).to_vec();
    trial.cluster.nodes[1].environment.clone_from(&set);
    trial.happen(context, &Fault::Term(1)).await;
    let addresses = [trial.cluster.nodes[0].direct(), trial.cluster.nodes[1].direct()];
    if version(&addresses[0]).await == version(&addresses[1]).await {
        let what = "assets left out: a release executable has no other version of them";
        context.report().note("C14", what);
    } else {
        let count = context.pick(20, 1000);
        let mut wrong = 0;
        for number in 0..count {
            let [page, other] = [number % 2, (number + 1) % 2].map(|node| &addresses[node]);
            wrong += usize::from(!Box::pin(is_refused(page, other)).await);
        }
        let what = format!("assets of {count} pages that a node of another release answers");
        context.report().count("C14", &what, 0, wrong);
    }
    // The older release must start with the database of the newer one.
    trial.happen(context, &Fault::Kill(0, Duration::from_millis(100))).await;
    for_a_while(1.0).await;
    trial.cluster.nodes[0].environment = set;
    trial.happen(context, &Fault::Term(0)).await;
    for_a_while(1.0).await;
    let run = trial.finish(context).await;
    report_losses(context, "C14", "an update of two nodes", &run);
}

/// Paths of assets in a page.
async fn assets(address: &str) -> Vec<String> {
    let page = reqwest::get(format!("{address}/login")).await.expect("a page");
    let page = page.text().await.expect("text");
    let parts = page.split('"').filter(|part| part.starts_with("/assets/"));
    parts.map(str::to_owned).collect()
}

async fn version(address: &str) -> String {
    let paths = assets(address).await;
    paths[0].split('/').nth(2).expect("a version").to_owned()
}

/// Whether the assets of one node's page are refused by the other one, and not to be kept.
async fn is_refused(page: &str, other: &str) -> bool {
    for path in assets(page).await {
        let own = reqwest::get(format!("{page}{path}")).await.expect("an answer");
        let foreign = reqwest::get(format!("{other}{path}")).await.expect("an answer");
        let kept = foreign.headers().get(CACHE_CONTROL).is_none_or(|value| value != "no-store");
        if own.status() != 200 || foreign.status() != 404 || kept {
            return false;
        }
    }
    true
}
