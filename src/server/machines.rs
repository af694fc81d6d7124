//! Connects this process to the others of the installation.

use super::Foundation;
use crate::chat::doorbell::{Doorbell, Notices, Signer};
use crate::chat::sync::remote_changes;
use crate::config::Config;
use crate::pubsub::bus::Bus;

/// Starts the doorbell, if `NATS_URL` is set. An unreachable server does not matter.
pub(super) async fn start(
    foundation: &Foundation,
    config: &Config,
) -> anyhow::Result<(Doorbell, Notices)> {
    let Foundation { db, epoch, lifecycle, random, .. } = foundation;
    let Some(settings) = config.machines.bus(&config.storage)? else {
        return Ok((Doorbell::default(), Notices::none()));
    };
    let signer = Signer::new(&db.bus_key(&random.secret()).await?, epoch.clone());
    // Boxed: it contains the way to connect.
    let (bus, receiver) = Box::pin(Bus::start(&settings, random, lifecycle)).await?;
    let (doorbell, notices) = Doorbell::start(bus, receiver, signer, lifecycle);
    remote_changes::start_notifying(db.clone(), doorbell.clone(), lifecycle);
    Ok((doorbell, notices))
}
