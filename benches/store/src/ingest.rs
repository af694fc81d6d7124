//! Patio's own writer, kept busy: from the verb to its answer, without HTTP and sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use patio::app::App;
use patio::chat::accounts::model::Secret;
use patio::chat::messages::model::{Draft, Kind, MessageBody, Nonce};
use patio::chat::rooms::model::Member;
use patio::http::Site;
use patio::kernel::{Clock, Random};
use serde_json::{Value, json};

use crate::words::Texts;
use crate::{Load, seats, used};

/// So many people write, each to a room.
const WRITERS: i64 = 64;
/// Bodies are made before time runs.
pub const BODIES: u64 = 20_000;

pub async fn run(load: &Load) -> Result<Value> {
    let app = App::build(seats::config(&load.to)?, Clock::system(), Random::system()).await?;
    let site = app.site();
    let mut members = Vec::new();
    for n in 0..WRITERS {
        let who = site.accounts.by_token(&Secret::new(seats::token(n))).await?;
        let person = who.context("people as `store fill` makes them")?.person;
        members.push(site.rooms.member(&person, seats::room(n % 50)).await?);
    }
    let texts = Texts::default();
    let bodies: Arc<Vec<String>> = Arc::new((0..BODIES).map(|n| texts.body(n)).collect());
    let number = Arc::new(AtomicU64::new(0));
    let (begun, before) = (Instant::now(), used());
    let end = begun + Duration::from_secs_f64(load.seconds);
    let mut tasks = Vec::new();
    for n in 0..load.at_once {
        let member = members[n % members.len()].clone();
        tasks.push(tokio::spawn(post(site.clone(), member, bodies.clone(), number.clone(), end)));
    }
    let mut stored = 0;
    for task in tasks {
        stored += task.await??;
    }
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), used() - before);
    site.lifecycle.stop();
    site.lifecycle.finish().await;
    site.db.close().await;
    Ok(json!({
        "stored": stored,
        "per_second": stored as f64 / seconds,
        "cpu_us": cpu * 1e6 / stored.max(1) as f64,
    }))
}

async fn post(
    site: Site,
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
            // In order of time, as browsers make them.
            nonce: Some(Nonce::parse(&nonce(n)).map_err(|invalid| anyhow::anyhow!("{invalid:?}"))?),
            reply_to: None,
        };
        site.messages.post(member.clone(), draft).await?;
        stored += 1;
    }
    Ok(stored)
}

/// As long as a `UUIDv7`.
pub fn nonce(n: u64) -> String {
    format!("0190b6c0-{:08x}-{n:016x}", std::process::id())
}
