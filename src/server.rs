//! Builds all parts of the server, connects them, and runs them until the shutdown. The only module that knows
//! all others.

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
use crate::chat::sync::{Sync, remote_changes};
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

/// How often full token buckets and idle database connections are dropped.
const IDLE_CLEANUP_INTERVAL: Duration = Duration::from_hours(1);
/// How long to wait before a failed epoch check is retried.
const EPOCH_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How often the write-ahead log is checkpointed.
const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(250);

pub struct Server {
    listener: TcpListener,
    router: Router,
    state: AppState,
    data_dir: DataDir,
}

impl Server {
    /// Opens the database, initializes a new installation, and binds the port.
    ///
    /// # Errors
    /// If the data directory, the database or the port cannot be used.
    pub async fn build(config: Config, clock: Clock, random: Random) -> anyhow::Result<Self> {
        let data_dir = DataDir::lock_shared(&config.storage)?;
        let (db, history) = open_database(&config, &data_dir, &random).await?;
        let listener = listener::bind(&config.address)
            .with_context(|| format!("cannot listen on port {}", config.address.port))?;
        let lifecycle = Lifecycle::new();
        let hub = Hub::start(Arc::new(realtime::protocol::encode), &lifecycle);

        let origin = ProcessId::new(&random);
        let rooms = Rooms::new(db.clone(), hub.clone(), clock.clone(), random.clone(), origin);
        let founded = rooms.ensure_lobby().await?;
        names::fill(&db).await?;
        let environment = (clock.clone(), random.clone());
        let policy = (config.signup, config.rate_limit);
        let accounts = Accounts::new(db.clone(), hub.clone(), environment, origin, policy);
        accounts.watch_revocations(&history, &lifecycle).await?;
        remote_changes::start(accounts.clone(), rooms.clone(), history.clone(), &lifecycle).await?;
        let about = site_info(&config, founded);
        let executable = config.executable.map_or_else(media::executable, Ok);
        let images = ImageEncoder::new(executable?, data_dir.path().to_owned());
        let clock_and_origin = (clock.clone(), origin);
        let messages =
            Messages::start(db.clone(), hub.clone(), clock_and_origin, &history, &lifecycle)
                .await?;
        let state = AppState::from(Services {
            accounts,
            avatars: AvatarEncoder::new(images),
            uploads: Uploads::new(data_dir.path().to_owned()),
            search: Search::start(db.clone(), rooms.clone(), &lifecycle).await?,
            rooms,
            messages,
            meanwhile: Sync::new(db.clone(), clock.clone()),
            presence: Presence::start(hub.clone(), clock.clone(), &lifecycle),
            jobs: Jobs::new(db.clone(), clock.clone(), random.clone()),
            audit: Audit::new(db.clone()),
            bell: hub,
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
        if state.accounts.sign_up_state().await?.first {
            tracing::info!("no accounts yet: the first user to register becomes the administrator");
        }
        let worker = state.clone();
        state.jobs.start(&state.lifecycle, move |job| run_job(worker.clone(), job)).await?;
        spawn_maintenance(&state);
        Ok(Self { listener, router: router(&state).with_state(state.clone()), state, data_dir })
    }

    /// Returns the address that the server listens on.
    ///
    /// # Errors
    /// If the operating system does not know it.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub fn lifecycle(&self) -> Lifecycle {
        self.state.lifecycle.clone()
    }

    /// Returns the application state, for code that acts in this process and not over the network.
    pub fn site(&self) -> AppState {
        self.state.clone()
    }

    /// Serves until the shutdown starts, and finishes it.
    pub async fn run(self) {
        let Self { listener, router, state, data_dir } = self;
        let trusted = &state.about.trusted_proxies;
        listener::serve(listener, router, &state.lifecycle, trusted).await;
        state.lifecycle.finish().await;
        state.db.close().await;
        // The lock goes last: until here the database is in use.
        drop(data_dir);
    }
}

fn router(state: &AppState) -> Router<AppState> {
    let live = api::router(state).merge(realtime::router(state));
    Router::new()
        .merge(pages::router(state, realtime::polling_router()))
        .nest("/api/v1", live)
        .merge(health::router().merge(metrics::router()).layer(from_fn(timeout::keep)))
        .layer(DefaultBodyLimit::max(limits::request::BODY))
        .layer(map_response(add_retry_after))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::internal(&"a handler panicked").into_response()
        }))
        // A page is compressed for one user: a better level would cost more than rendering it.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(from_fn(encoding::choose))
        .layer(from_fn_with_state(state.clone(), metrics::observe))
        .layer(from_fn_with_state(state.clone(), client_info::identify))
}

/// Adds `Retry-After` to every 503 that does not have it.
async fn add_retry_after(mut response: Response) -> Response {
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        let seconds = HeaderValue::from_static("5");
        response.headers_mut().entry(RETRY_AFTER).or_insert(seconds);
    }
    response
}

/// Runs a job: one function for each kind.
async fn run_job(state: AppState, job: Job) -> Result<(), ServiceError> {
    match job {
        Job::ReassignRooms(user) => state.rooms.reassign_owned_rooms(user).await,
        Job::EraseMessages(user) => state.messages.erase(user).await,
        Job::PurgeRoom(room) => {
            // A large room needs several runs: `purge_room` returns false and adds the job again.
            if state.rooms.begin_purge(room).await? && state.messages.purge_room(room).await? {
                state.rooms.finish_purge(room).await?;
            }
            Ok(())
        }
        Job::Prune => {
            state.accounts.prune().await?;
            state.messages.prune().await
        }
    }
}

/// Opens the database and loads its epoch.
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

/// Starts the periodic background tasks.
fn spawn_maintenance(state: &AppState) {
    spawn_idle_cleanup(state);
    spawn_checkpoints(state);
    spawn_epoch_check(state);
}

/// Periodically drops this process's full token buckets and idle database connections.
fn spawn_idle_cleanup(state: &AppState) {
    let rates = state.rates.clone();
    let accounts = state.accounts.clone();
    let db = state.db.clone();
    let closing = state.lifecycle.closing();
    state.lifecycle.spawn_worker(async move {
        let mut interval = tokio::time::interval(IDLE_CLEANUP_INTERVAL);
        while closing.run_until_cancelled(interval.tick()).await.is_some() {
            rates.prune();
            accounts.rest();
            db.close_idle().await;
        }
    });
}

/// Checks whether the database was replaced, whenever that is suspected. If so, disconnects all clients, so
/// that they reconnect and learn the new epoch.
fn spawn_epoch_check(state: &AppState) {
    let worker = state.clone();
    let closing = state.lifecycle.closing();
    state.lifecycle.spawn_worker(async move {
        while closing.run_until_cancelled(worker.history.suspected()).await.is_some() {
            match worker.db.check_epoch(&worker.history, &worker.random).await {
                Ok(true) => worker.bell.disconnect_all(),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, "could not check whether the database was replaced");
                    tokio::time::sleep(EPOCH_CHECK_INTERVAL).await;
                    worker.history.suspect();
                }
            }
        }
    });
}

/// Periodically checkpoints the database.
fn spawn_checkpoints(state: &AppState) {
    let db = state.db.clone();
    let closing = state.lifecycle.closing();
    state.lifecycle.spawn_worker(async move {
        let mut interval = tokio::time::interval(CHECKPOINT_INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while closing.run_until_cancelled(interval.tick()).await.is_some() {
            if let Err(error) = db.checkpoint().await {
                tracing::warn!(%error, "the SQLite checkpoint failed");
            }
        }
    });
}
