//! The one place that knows all parts: builds them, wires them, runs them until told to stop.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::time::MissedTickBehavior;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::changefeed::model::ProcessId;
use crate::chat::accounts::{Accounts, AvatarEncoder};
use crate::chat::audit::Audit;
use crate::chat::messages::Messages;
use crate::chat::names;
use crate::chat::presence::Presence;
use crate::chat::rooms::Rooms;
use crate::chat::search::Search;
use crate::chat::sync::Sync;
use crate::chat::sync::remote_changes;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::db::{Db, EpochGuard};
use crate::http::listener::timeout;
use crate::http::metrics::{self, Requests};
use crate::http::rate_limit::RateLimiter;
use crate::http::request::client_info;
use crate::http::request::csrf::UnclearWarnings;
use crate::http::request::uploads::Uploads;
use crate::http::response::encoding;
use crate::http::response::pending_answers::PendingAnswers;
use crate::http::state::{Services, SiteInfo};
use crate::http::{AppState, Problem, health, listener};
use crate::jobs::Jobs;
use crate::jobs::model::Job;
use crate::kernel::{Clock, Random, ServiceError, Timestamp};
use crate::lifecycle::Lifecycle;
use crate::media::{self, ImageEncoder};
use crate::pubsub::Hub;
use crate::{api, limits, pages, realtime};

/// How often it is forgotten who was too fast, and unused connections are let go.
const IDLE_CLEANUP_INTERVAL: Duration = Duration::from_hours(1);
/// When to ask a database again that did not answer.
const EPOCH_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How often what was written is put where it stays.
const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(250);

pub struct Server {
    listener: TcpListener,
    router: Router,
    site: AppState,
    data_dir: DataDir,
}

impl Server {
    /// Opens the database, makes what a new installation needs, and binds the port.
    ///
    /// # Errors
    /// When the directory, the database or the port cannot be used.
    pub async fn build(config: Config, clock: Clock, random: Random) -> anyhow::Result<Self> {
        let data_dir = DataDir::lock_shared(&config.storage)?;
        let (db, history) = open_database(&config, &data_dir, &random).await?;
        let listener = listener::bind(&config.address)
            .with_context(|| format!("cannot listen on port {}", config.address.port))?;
        let lifecycle = Lifecycle::new();
        let bell = Hub::start(Arc::new(realtime::protocol::encode), &lifecycle);

        let origin = ProcessId::new(&random);
        let rooms = Rooms::new(db.clone(), bell.clone(), clock.clone(), random.clone(), origin);
        let founded = rooms.ensure_lobby().await?;
        names::fill(&db).await?;
        let given = (clock.clone(), random.clone());
        let policy = (config.signup, config.rate_limit);
        let accounts = Accounts::new(db.clone(), bell.clone(), given, origin, policy);
        accounts.watch_revocations(&history, &lifecycle).await?;
        remote_changes::start(accounts.clone(), rooms.clone(), history.clone(), &lifecycle).await?;
        let about = site_info(&config, founded);
        let executable = config.executable.map_or_else(media::executable, Ok);
        let images = ImageEncoder::new(executable?, data_dir.path().to_owned());
        let stamped = (clock.clone(), origin);
        let messages =
            Messages::start(db.clone(), bell.clone(), stamped, &history, &lifecycle).await?;
        let site = AppState::from(Services {
            accounts,
            avatars: AvatarEncoder::new(images),
            uploads: Uploads::new(data_dir.path().to_owned()),
            search: Search::start(db.clone(), rooms.clone(), &lifecycle).await?,
            rooms,
            messages,
            meanwhile: Sync::new(db.clone(), clock.clone()),
            presence: Presence::start(bell.clone(), clock.clone(), &lifecycle),
            jobs: Jobs::new(db.clone(), clock.clone(), random.clone()),
            audit: Audit::new(db.clone()),
            bell,
            db,
            history,
            clock: clock.clone(),
            random,
            lifecycle,
            rates: RateLimiter::new(config.rate_limit, clock),
            requests: Requests::default(),
            readiness: health::Readiness::default(),
            unread: PendingAnswers::default(),
            notices: UnclearWarnings::default(),
            about,
        });
        if site.accounts.sign_up_state().await?.first {
            tracing::info!(
                "nobody has an account yet: the first to register becomes administrator"
            );
        }
        let worker = site.clone();
        site.jobs.start(&site.lifecycle, move |work| run_job(worker.clone(), work)).await?;
        maintain(&site);
        Ok(Self { listener, router: router(&site).with_state(site.clone()), site, data_dir })
    }

    /// # Errors
    /// When the operating system cannot tell.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub fn lifecycle(&self) -> Lifecycle {
        self.site.lifecycle.clone()
    }

    /// The parts, for whoever acts in this process and not over the network.
    pub fn site(&self) -> AppState {
        self.site.clone()
    }

    /// Serves until the lifecycle is told to stop, and ends in order.
    pub async fn run(self) {
        let Self { listener, router, site, data_dir } = self;
        let trusted = &site.about.trusted_proxies;
        listener::serve(listener, router, &site.lifecycle, trusted).await;
        site.lifecycle.finish().await;
        site.db.close().await;
        drop(data_dir);
    }
}

fn router(site: &AppState) -> Router<AppState> {
    let live = api::router(site).merge(realtime::router(site));
    Router::new()
        .merge(pages::router(site, realtime::polling_router()))
        .nest("/api/v1", live)
        .merge(health::router().merge(metrics::router()).layer(from_fn(timeout::keep)))
        .layer(DefaultBodyLimit::max(limits::request::BODY))
        .layer(map_response(add_date_header))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::internal(&"a handler panicked").into_response()
        }))
        // A page is packed for one reader: harder would cost more than making it.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(from_fn(encoding::choose))
        .layer(from_fn_with_state(site.clone(), metrics::observe))
        .layer(from_fn_with_state(site.clone(), client_info::identify))
}

/// Whoever is refused for what passes learns when to come again, also where nothing else says so.
async fn add_date_header(mut response: Response) -> Response {
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        let soon = HeaderValue::from_static("5");
        response.headers_mut().entry(RETRY_AFTER).or_insert(soon);
    }
    response
}

/// Each kind of job is one function.
async fn run_job(site: AppState, work: Job) -> Result<(), ServiceError> {
    match work {
        Job::ReassignRooms(user) => site.rooms.reassign_owned_rooms(user).await,
        Job::EraseMessages(user) => site.messages.erase(user).await,
        Job::PurgeRoom(room) => {
            // What is left of a large one is a job for later.
            if site.rooms.begin_purge(room).await? && site.messages.purge_room(room).await? {
                site.rooms.finish_purge(room).await?;
            }
            Ok(())
        }
        Job::Prune => {
            site.accounts.prune().await?;
            site.messages.prune().await
        }
    }
}

/// The database, when it is there, and which history it has.
async fn open_database(
    config: &Config,
    data_dir: &DataDir,
    random: &Random,
) -> anyhow::Result<(Db, EpochGuard)> {
    let history = EpochGuard::default();
    let db = Db::open_with_retry(config.storage.database(), data_dir.path(), &history).await?;
    db.load_epoch(&history, data_dir.path(), random).await?;
    Ok((db, history))
}

fn site_info(config: &Config, founded: Timestamp) -> SiteInfo {
    let Config { site_name, base_url, trusted_proxies, metrics_token, metrics_token_file, .. } =
        config;
    SiteInfo {
        name: site_name.clone(),
        founded,
        base_url: base_url.clone(),
        trusted_proxies: trusted_proxies.clone(),
        metrics_token: metrics_token.clone().or_else(|| metrics_token_file.clone()),
        reference: LazyLock::new(|| Arc::new(api::document())),
    }
}

/// What is done beside the requests.
fn maintain(site: &AppState) {
    spawn_idle_cleanup(site);
    spawn_checkpoints(site);
    spawn_epoch_check(site);
}

/// Forgets, now and then, who was too fast, and lets go of connections: each process for itself.
fn spawn_idle_cleanup(site: &AppState) {
    let (rates, accounts, db) = (site.rates.clone(), site.accounts.clone(), site.db.clone());
    let closing = site.lifecycle.closing();
    site.lifecycle.spawn_worker(async move {
        let mut beat = tokio::time::interval(IDLE_CLEANUP_INTERVAL);
        while closing.run_until_cancelled(beat.tick()).await.is_some() {
            rates.prune();
            accounts.rest();
            db.close_idle().await;
        }
    });
}

/// Where somebody put another database in place, all connections come again and learn of it.
fn spawn_epoch_check(site: &AppState) {
    let (watch, closing) = (site.clone(), site.lifecycle.closing());
    site.lifecycle.spawn_worker(async move {
        while closing.run_until_cancelled(watch.history.suspected()).await.is_some() {
            match watch.db.check_epoch(&watch.history, &watch.random).await {
                Ok(true) => watch.bell.disconnect_all(),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, "it is not known whether the database is still the same");
                    tokio::time::sleep(EPOCH_CHECK_INTERVAL).await;
                    watch.history.suspect();
                }
            }
        }
    });
}

/// Keeps the database in order beside those who write.
fn spawn_checkpoints(site: &AppState) {
    let db = site.db.clone();
    let closing = site.lifecycle.closing();
    site.lifecycle.spawn_worker(async move {
        let mut beat = tokio::time::interval(CHECKPOINT_INTERVAL);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while closing.run_until_cancelled(beat.tick()).await.is_some() {
            if let Err(error) = db.checkpoint().await {
                tracing::warn!(%error, "the database's log could not be folded");
            }
        }
    });
}
