//! Connects this process to the others of the installation, and lists it among them.

use super::Foundation;
use crate::changefeed::model::ProcessId;
use crate::chat::doorbell::{Doorbell, Notices, Signer};
use crate::chat::nodes::{Nodes, NodesParts};
use crate::chat::presence::Presence;
use crate::chat::sync::{LastLook, remote_changes};
use crate::config::Config;
use crate::kernel::ServiceError;
use crate::pubsub::bus::Bus;

/// Starts the doorbell, if `NATS_URL` is set. An unreachable server does not matter.
pub(super) async fn start(
    foundation: &Foundation,
    config: &Config,
) -> anyhow::Result<(Doorbell, Notices)> {
    let Foundation { db, epoch, lifecycle, clock, random, .. } = foundation;
    let Some(settings) = config.machines.bus(&config.storage)? else {
        return Ok((Doorbell::default(), Notices::none()));
    };
    let signer = Signer::new(&db.bus_key(&random.secret()).await?, epoch.clone());
    // Boxed: it contains the way to connect.
    let (bus, receiver) = Box::pin(Bus::start(&settings, (clock, random), lifecycle)).await?;
    let (doorbell, notices) = Doorbell::start(bus, receiver, signer, lifecycle);
    remote_changes::start_notifying(db.clone(), doorbell.clone(), lifecycle);
    Ok((doorbell, notices))
}

/// Lists this process among the nodes of the installation.
pub(super) async fn list(
    foundation: &Foundation,
    process: ProcessId,
    (doorbell, presence): (&Doorbell, &Presence),
    last_look: LastLook,
    config: &Config,
) -> Result<Nodes, ServiceError> {
    let Foundation { db, lifecycle, clock, .. } = foundation;
    let parts = NodesParts {
        clock: clock.clone(),
        doorbell: doorbell.clone(),
        presence: presence.clone(),
        last_look,
        lifecycle: lifecycle.clone(),
        process,
        name: config.machines.node_name(),
    };
    Nodes::start(db.clone(), parts).await
}
