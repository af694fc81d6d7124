//! Load for Patio's group-commit writer, from the call to its result, without HTTP and sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use patio::chat::accounts::Accounts;
use patio::chat::accounts::model::BearerSecret;
use patio::chat::messages::Messages;
use patio::chat::messages::model::{Draft, Kind, MessageBody, Nonce};
use patio::chat::rooms::Rooms;
use patio::chat::rooms::model::Member;
use patio::kernel::{Clock, Random};
use patio::server::Server;
use patio::text::render::Markup;
use serde_json::{Value, json};

use crate::corpus::Texts;
use crate::{Load, memberships, used};

/// Users that post, each to one room.
const WRITERS: i64 = 64;
/// Bodies are generated before the measurement.
pub const BODIES: u64 = 20_000;

pub async fn run(load: &Load) -> Result<Value> {
    let app =
        Server::build(memberships::config(&load.to)?, Clock::system(), Random::system()).await?;
    let state = app.state();
    let (accounts, rooms): (Accounts, Rooms) = (state.service(), state.service());
    let messages: Messages = state.service();
    let mut members = Vec::new();
    for n in 0..WRITERS {
        let found = accounts.by_token(&BearerSecret::new(memberships::token(n))).await?;
        let user = found.context("users that `store fill` creates")?.user;
        members.push(rooms.member(&user, memberships::room(n % 50)).await?);
    }
    let texts = Texts::default();
    let bodies: Arc<Vec<String>> = Arc::new((0..BODIES).map(|n| texts.body(n)).collect());
    let number = Arc::new(AtomicU64::new(0));
    let (started, before) = (Instant::now(), used());
    let end = started + Duration::from_secs_f64(load.seconds);
    let mut tasks = Vec::new();
    for n in 0..load.concurrency {
        let member = members[n % members.len()].clone();
        tasks.push(tokio::spawn(post(
            messages.clone(),
            member,
            bodies.clone(),
            number.clone(),
            end,
        )));
    }
    let mut stored = 0;
    for task in tasks {
        stored += task.await??;
    }
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), used() - before);
    app.lifecycle().stop();
    app.run().await;
    Ok(json!({
        "stored": stored,
        "per_second": stored as f64 / seconds,
        "cpu_us": cpu * 1e6 / stored.max(1) as f64,
    }))
}

async fn post(
    messages: Messages,
    member: Member,
    bodies: Arc<Vec<String>>,
    number: Arc<AtomicU64>,
    end: Instant,
) -> Result<u64> {
    let mut stored = 0;
    while Instant::now() < end {
        let n = number.fetch_add(1, Ordering::Relaxed);
        let body = &bodies[usize::try_from(n % BODIES)?];
        let draft = Draft {
            kind: Kind::Text,
            body: MessageBody::parse(body).map_err(|invalid| anyhow::anyhow!("{invalid:?}"))?,
            markup: Markup::Markdown,
            // Ordered by time, like the nonces of browsers.
            nonce: Some(Nonce::parse(&nonce(n)).map_err(|invalid| anyhow::anyhow!("{invalid:?}"))?),
            reply_to: None,
        };
        messages.post(member.clone(), draft).await?;
        stored += 1;
    }
    Ok(stored)
}

/// As long as a `UUIDv7`.
pub fn nonce(n: u64) -> String {
    format!("0190b6c0-{:08x}-{n:016x}", std::process::id())
}
