//! The one place that knows all parts: builds them, wires them, runs them until told to stop.

use std::fs::DirBuilder;
use std::future::IntoFuture;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::serve::ListenerExt;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;

use crate::chat::accounts::Accounts;
use crate::chat::messages::Messages;
use crate::chat::presence::Presence;
use crate::chat::rooms::Rooms;
use crate::config::{Address, Config};
use crate::db::Db;
use crate::http::limits::Throttle;
use crate::http::site::About;
use crate::http::{Problem, Site, body, client, health};
use crate::kernel::{Clock, Random};
use crate::lifecycle::Lifecycle;
use crate::live::Hub;
use crate::{api, pages, socket};

/// How long a request may take. The slowest, signing in, waits its turn for a few seconds.
const REQUEST_WITHIN: Duration = Duration::from_secs(30);
/// How often what has run out is forgotten.
const TIDY_EVERY: Duration = Duration::from_secs(3600);
const BACKLOG: i32 = 4096;

pub struct App {
    listener: TcpListener,
    router: Router,
    lifecycle: Lifecycle,
    db: Db,
}

impl App {
    /// Opens the database, makes what a new installation needs, and binds the port.
    ///
    /// # Errors
    /// When the directory, the database or the port cannot be used.
    pub async fn build(config: Config, clock: Clock, random: Random) -> anyhow::Result<Self> {
        make_directory(&config.data_dir)?;
        let db = Db::open(config.database_url.as_ref(), &config.data_dir).await?;
        let listener = bind(&config.address)?;
        let lifecycle = Lifecycle::new();
        let bell = Hub::new(Arc::new(socket::frames::encode));

        let rooms = Rooms::new(db.clone(), bell.clone(), clock.clone());
        rooms.ensure_lobby().await?;
        let accounts =
            Accounts::new(db.clone(), bell.clone(), clock.clone(), random.clone(), config.signup);
        let about = About {
            name: config.site_name,
            epoch: db.epoch(&random.token()).await?,
            base_url: config.base_url,
            trusted_proxies: config.trusted_proxies,
        };
        let site = Site {
            accounts,
            rooms,
            messages: Messages::start(db.clone(), bell.clone(), clock.clone(), &lifecycle),
            presence: Presence::start(bell.clone(), clock, &lifecycle),
            bell,
            db: db.clone(),
            random,
            lifecycle: lifecycle.clone(),
            throttle: Throttle::new(config.rate_limit),
            about: Arc::new(about),
        };
        if site.accounts.sign_up_state().await?.first {
            tracing::info!(
                "nobody has an account yet: the first to register becomes administrator"
            );
        }
        tidy_up(site.clone());
        Ok(Self { listener, router: router(&site).with_state(site), lifecycle, db })
    }

    /// # Errors
    /// When the operating system cannot tell.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub fn lifecycle(&self) -> Lifecycle {
        self.lifecycle.clone()
    }

    /// Serves until the lifecycle is told to stop, and ends in order.
    ///
    /// # Errors
    /// When the port cannot be served.
    pub async fn run(self) -> anyhow::Result<()> {
        let Self { listener, router, lifecycle, db } = self;
        // Small frames go out at once: waiting for more (Nagle) would delay each by up to 40 ms.
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection keeps its delay");
            }
        });
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let stopping = lifecycle.stopping();
        let server = axum::serve(listener, service)
            .with_graceful_shutdown(stopping.clone().cancelled_owned())
            .into_future();
        let too_long = async {
            stopping.cancelled().await;
            tokio::time::sleep(Duration::from_secs(2)).await;
        };
        tokio::select! {
            served = server => served.context("the server failed")?,
            () = too_long => tracing::debug!("some requests are cut"),
        }
        lifecycle.finish().await;
        db.close().await;
        Ok(())
    }
}

fn router(site: &Site) -> Router<Site> {
    let live = api::router(site).merge(socket::router(site));
    Router::new()
        .merge(pages::router(site))
        .nest("/api/v1", live)
        .merge(health::router())
        .layer(DefaultBodyLimit::max(body::LARGEST))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_WITHIN))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::internal(&"a handler panicked").into_response()
        }))
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(site.clone(), client::identify))
}

fn make_directory(path: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot make the data directory {}", path.display()))
}

fn bind(address: &Address) -> anyhow::Result<TcpListener> {
    let wanted = SocketAddr::new(address.listen, address.port);
    let bound = listen(wanted).or_else(|error| match wanted.ip() {
        // "Everywhere", on a machine without IPv6.
        IpAddr::V6(ip) if ip.is_unspecified() && error.kind() != std::io::ErrorKind::AddrInUse => {
            listen(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port)))
        }
        _ => Err(error),
    });
    bound.with_context(|| format!("cannot listen on {wanted}"))
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // A restart may take over the port from connections that still say goodbye.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Forgets, now and then, what has run out.
fn tidy_up(site: Site) {
    let lifecycle = site.lifecycle.clone();
    let closing = lifecycle.closing();
    lifecycle.spawn_worker(async move {
        let mut beat = tokio::time::interval(TIDY_EVERY);
        beat.tick().await;
        while closing.run_until_cancelled(beat.tick()).await.is_some() {
            site.throttle.prune();
            let pruned = site.accounts.prune().await.and(site.messages.prune().await);
            if let Err(error) = pruned {
                tracing::error!(%error, "what has run out could not be removed");
            }
        }
    });
}
