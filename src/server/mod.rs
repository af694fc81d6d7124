//! Builds all parts of the server, connects them, and runs them until the shutdown. The only module that knows
//! all others.

mod files;
mod jobs;
mod machines;
mod upkeep;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::RETRY_AFTER;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tower::ServiceBuilder;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate as _};

use self::jobs::JobServices;
use crate::attempts::Attempts;
use crate::changefeed::model::ProcessId;
use crate::chat::accounts::{AccountSettings, Accounts, AvatarEncoder};
use crate::chat::audit::Audit;
use crate::chat::doorbell::{Doorbell, PresenceNotice};
use crate::chat::drafts::Drafts;
use crate::chat::emoji::CustomEmoji;
use crate::chat::events::{Event, EventHub};
use crate::chat::link_previews::{Fetcher, LinkPreviews};
use crate::chat::messages::{Delivery, Messages};
use crate::chat::names;
use crate::chat::nodes::Nodes;
use crate::chat::presence::{Others, Presence};
use crate::chat::rooms::Rooms;
use crate::chat::saved::SavedMessages;
use crate::chat::search::Search;
use crate::chat::sync::Sync;
use crate::chat::sync::remote_changes::{self, Personal, Sources};
use crate::config::{Config, DrainSettings};
use crate::data_dir::DataDir;
use crate::db::{Db, EpochGuard};
use crate::http::admission::Admission;
use crate::http::health::{self, Readiness};
use crate::http::listener::timeout;
use crate::http::metrics::{self, Metrics, Requests};
use crate::http::rate_limit::RateLimiter;
use crate::http::request::client_info;
use crate::http::request::uploads::Uploads;
use crate::http::response::encoding;
use crate::http::response::pending_answers::PendingAnswers;
use crate::http::response::streamed::Streamed;
use crate::http::site::SiteInfo;
use crate::http::state::Services;
use crate::http::{AppState, Problem, access_log, listener};
use crate::jobs::Jobs;
use crate::kernel::{Clock, Random, ServiceError, Timestamp};
use crate::lifecycle::Lifecycle;
use crate::media::{self, ImageEncoder};
use crate::outgoing::HttpClient;
use crate::pubsub::Hub;
use crate::{api, limits, pages, realtime};

pub struct Server {
    listener: TcpListener,
    router: Router,
    state: AppState,
    foundation: Foundation,
    data_dir: DataDir,
    drain: DrainSettings,
}

/// What the services are built from. Handlers cannot reach it.
struct Foundation {
    db: Db,
    hub: EventHub,
    epoch: EpochGuard,
    lifecycle: Lifecycle,
    clock: Clock,
    random: Random,
    client: HttpClient,
}

impl Server {
    /// Opens the database, initializes a new installation, and binds the port.
    ///
    /// # Errors
    /// If the data directory, the database or the port cannot be used.
    pub async fn build(config: Config, clock: Clock, random: Random) -> anyhow::Result<Self> {
        Self::build_with(config, clock, random, HttpClient::new()).await
    }

    /// The same with another way to other servers, for tests.
    pub async fn build_with(
        config: Config,
        clock: Clock,
        random: Random,
        client: HttpClient,
    ) -> anyhow::Result<Self> {
        let data_dir = DataDir::lock_shared(&config.storage)?;
        let (db, epoch) = open_database(&config, &data_dir, &random).await?;
        let listener = listener::bind(&config.address)
            .with_context(|| format!("cannot listen on port {}", config.address.port))?;
        let lifecycle = Lifecycle::new();
        let drain = config.machines.drain();
        db.follow_clock(&clock, &lifecycle).await?;
        let encoding_clock = clock.clone();
        let encode = move |event: &Event, encoding| {
            realtime::protocol::encode(event, encoding, encoding_clock.now())
        };
        let hub = Hub::start(Arc::new(encode), drain.over, &lifecycle);
        let foundation = Foundation { db, hub, epoch, lifecycle, clock, random, client };
        // Boxed: it contains the start of each service.
        let services = Box::pin(foundation.start_services(config, data_dir.path())).await?;
        if services.accounts.sign_up_state().await?.first {
            tracing::info!("no accounts yet: the first user to register becomes the administrator");
        }
        foundation.start_jobs(&services).await?;
        foundation.spawn_idle_cleanup(&services);
        foundation.spawn_checkpoints();
        foundation.spawn_epoch_check();
        let state = AppState::from(services);
        let router = router(&state, &foundation).with_state(state.clone());
        Ok(Self { listener, router, state, foundation, data_dir, drain })
    }

    /// Returns the address that the server listens on.
    ///
    /// # Errors
    /// If the operating system does not know it.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub fn lifecycle(&self) -> Lifecycle {
        self.foundation.lifecycle.clone()
    }

    /// Returns the services, for code that acts in this process and not over the network.
    pub fn state(&self) -> AppState {
        self.state.clone()
    }

    /// Serves until the shutdown starts, and finishes it.
    pub async fn run(self) {
        let Self { listener, router, state, foundation, data_dir, drain } = self;
        let Foundation { db, lifecycle, .. } = foundation;
        let (site, nodes): (Arc<SiteInfo>, Nodes) = (state.service(), state.service());
        let notice = || if nodes.are_several() { drain.notice } else { Duration::ZERO };
        tokio::join!(
            listener::serve(listener, router, &lifecycle, &site.trusted_proxies),
            lifecycle.drain(notice, drain.over)
        );
        lifecycle.finish().await;
        db.close().await;
        // The lock goes last: until here the database is in use.
        drop(data_dir);
    }
}

impl Foundation {
    /// Builds all services and starts their background tasks.
    async fn start_services(&self, config: Config, data_dir: &Path) -> anyhow::Result<Services> {
        let Self { db, hub, epoch, lifecycle, clock, random, .. } = self;
        let origin = ProcessId::new(random);
        let (doorbell, notices) = machines::start(self, &config).await?;
        let rooms = self.rooms(origin, &doorbell);
        let founded = rooms.ensure_lobby().await?;
        names::fill(db).await?;
        let accounts = self.accounts(origin, &config);
        let images = images(&config, data_dir)?;
        let emoji = self.load_emoji(origin, &images).await?;
        let presence = self.presence(origin, &doorbell, notices.presence);
        let delivery = Delivery {
            hub: hub.clone(),
            doorbell: doorbell.clone(),
            notices: notices.messages,
            presence: presence.clone(),
            rate_limit: config.rate_limit,
            emoji: emoji.known(),
            link_previews: config.link_previews,
        };
        let (messages, remote) =
            Messages::start(db.clone(), delivery, clock.clone(), origin, epoch, lifecycle).await?;
        let personal = self.personal(&messages, origin);
        let link_previews = self.link_previews(&messages, &images, &config, data_dir);
        let shared = (accounts.clone(), rooms.clone(), emoji.clone(), personal.clone());
        let sources = Sources { hub: hub.clone(), messages: remote, notices: notices.changes };
        let look = remote_changes::start(shared, sources, epoch.clone(), lifecycle).await?;
        let jobs = Jobs::new(db.clone(), clock.clone(), random.clone());
        let nodes = machines::list(self, origin, (&doorbell, &presence), look, &config).await?;
        let measured = (accounts.clone(), jobs.clone(), messages.clone(), presence.clone());
        let metrics = self.metrics(measured, (doorbell.clone(), nodes.clone()), &config);
        Ok(Services {
            readiness: self.readiness(&rooms, &messages),
            accounts,
            admission: metrics.admission.clone(),
            audit: Audit::new(db.clone()),
            avatars: AvatarEncoder::new(images.clone()),
            clock: clock.clone(),
            doorbell,
            drafts: personal.drafts,
            emoji,
            files: files::start(self, images, data_dir, &config)?,
            jobs,
            link_previews,
            messages,
            metrics: Arc::new(metrics),
            nodes,
            pending_answers: PendingAnswers::default(),
            presence,
            proxy_warnings: Arc::default(),
            random: random.clone(),
            rate_limiter: self.rate_limiter(&config),
            search: Search::start(db.clone(), rooms.clone(), lifecycle).await?,
            rooms,
            saved: personal.saved,
            site: Arc::new(site_info(config, founded)),
            sync: Sync::new(db.clone(), clock.clone(), epoch.clone()),
            uploads: Uploads::new(data_dir),
        })
    }

    fn presence(
        &self,
        process: ProcessId,
        doorbell: &Doorbell,
        notices: mpsc::Receiver<PresenceNotice>,
    ) -> Presence {
        let Self { hub, lifecycle, clock, .. } = self;
        let others = Others { doorbell: doorbell.clone(), process, notices };
        Presence::start(hub.clone(), clock.clone(), others, lifecycle)
    }

    fn rooms(&self, origin: ProcessId, doorbell: &Doorbell) -> Rooms {
        let Self { db, hub, clock, random, lifecycle, .. } = self;
        let (db, hub, clock) = (db.clone(), hub.clone(), clock.clone());
        let rooms = Rooms::new(db, hub, clock, random.clone(), origin, doorbell.clone());
        rooms.start_storing_reads(lifecycle);
        rooms
    }

    fn rate_limiter(&self, config: &Config) -> RateLimiter {
        let Self { db, clock, .. } = self;
        RateLimiter::new(config.rate_limit, clock.clone(), Attempts::new(clock.clone(), db))
    }

    fn readiness(&self, rooms: &Rooms, messages: &Messages) -> Readiness {
        let Self { db, lifecycle, clock, .. } = self;
        let asked = (rooms.clone(), messages.clone());
        Readiness::new(db.clone(), asked, clock.clone(), lifecycle.stopping())
    }

    async fn load_emoji(
        &self,
        origin: ProcessId,
        images: &ImageEncoder,
    ) -> Result<CustomEmoji, ServiceError> {
        let Self { db, hub, clock, .. } = self;
        CustomEmoji::load(db.clone(), hub.clone(), clock.clone(), origin, images.clone()).await
    }

    fn metrics(
        &self,
        (accounts, jobs, messages, presence): (Accounts, Jobs, Messages, Presence),
        (doorbell, nodes): (Doorbell, Nodes),
        config: &Config,
    ) -> Metrics {
        Metrics {
            accounts,
            admission: Admission::new(self.db.connections()),
            doorbell,
            jobs,
            lifecycle: self.lifecycle.clone(),
            messages,
            nodes,
            presence,
            requests: Requests::default(),
            sockets: self.hub.metrics().clone(),
            token: config.metrics_token.clone().or_else(|| config.metrics_token_file.clone()),
        }
    }

    fn accounts(&self, origin: ProcessId, config: &Config) -> Accounts {
        let Self { db, hub, clock, random, .. } = self;
        let settings = AccountSettings {
            signup: config.signup,
            rate_limit: config.rate_limit,
            password_cost: config.password_cost,
        };
        let (db, hub, clock) = (db.clone(), hub.clone(), clock.clone());
        let accounts = Accounts::new(db, hub, clock, random.clone(), origin, settings);
        accounts.watch_expiry(&self.lifecycle);
        accounts
    }

    fn link_previews(
        &self,
        messages: &Messages,
        images: &ImageEncoder,
        config: &Config,
        data_dir: &Path,
    ) -> LinkPreviews {
        let fetcher = Fetcher::new(self.client.clone(), images.clone(), data_dir.to_owned());
        let (db, clock, messages) = (self.db.clone(), self.clock.clone(), messages.clone());
        let base_url = config.base_url.clone();
        LinkPreviews::new(db, clock, messages, fetcher, config.rate_limit, base_url)
    }

    fn personal(&self, messages: &Messages, origin: ProcessId) -> Personal {
        let Self { db, hub, clock, random, .. } = self;
        let (db, hub, clock) = (db.clone(), hub.clone(), clock.clone());
        Personal {
            drafts: Drafts::new(db.clone(), hub.clone(), clock.clone(), random.clone(), origin),
            saved: SavedMessages::new(db, hub, clock, origin, messages.clone()),
        }
    }

    async fn start_jobs(&self, services: &Services) -> Result<(), ServiceError> {
        let work = JobServices::of(services);
        services.jobs.start(&self.lifecycle, move |job| work.clone().run(job)).await
    }
}

fn images(config: &Config, data_dir: &Path) -> std::io::Result<ImageEncoder> {
    let executable = config.executable.clone().map_or_else(media::executable, Ok)?;
    Ok(ImageEncoder::new(executable, data_dir.to_owned()))
}

fn router(state: &AppState, foundation: &Foundation) -> Router<AppState> {
    let Foundation { hub, lifecycle, .. } = foundation;
    let live = realtime::router(state, hub.clone(), lifecycle.clone());
    let api = api::router(state).merge(live);
    let is_built = |_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions| {
        extensions.get::<Streamed>().is_none()
    };
    let compressed = DefaultPredicate::new().and(is_built);
    // The outermost first.
    let middleware = ServiceBuilder::new()
        .layer(from_fn_with_state(state.clone(), metrics::observe))
        .layer(from_fn(encoding::choose))
        // A page is compressed for one user: a better level would cost more than rendering it.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(compressed))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::internal(&"a handler panicked").into_response()
        }))
        .layer(map_response(add_retry_after))
        .layer(DefaultBodyLimit::max(limits::request::BODY));
    let router = Router::new()
        .merge(pages::router(state, realtime::polling_router()))
        .nest("/api/v1", api)
        .merge(health::router().merge(metrics::router()).layer(from_fn(timeout::keep)))
        .layer(middleware);
    access_log::for_all(router, foundation.random.clone())
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

/// Opens the database and loads its epoch.
async fn open_database(
    config: &Config,
    data_dir: &DataDir,
    random: &Random,
) -> anyhow::Result<(Db, EpochGuard)> {
    let epoch = EpochGuard::default();
    let db = Db::open_with_retry(config.storage.database(), data_dir.path(), &epoch).await?;
    db.load_epoch(&epoch, data_dir.path(), random).await?;
    Ok((db, epoch))
}

fn site_info(config: Config, founded: Timestamp) -> SiteInfo {
    let Config { site_name, base_url, trusted_proxies, .. } = config;
    SiteInfo {
        name: site_name,
        founded,
        base_url,
        trusted_proxies,
        reference: LazyLock::new(|| Arc::new(api::document())),
    }
}
