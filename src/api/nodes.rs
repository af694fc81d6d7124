//! The nodes of the installation, for administrators.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::schemas::Items;
use crate::chat::nodes::Nodes;
use crate::chat::nodes::model::Node;
use crate::http::request::auth::CanAdminister;
use crate::http::{AppState, Problem};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(index))
}

/// One of several Patios that are one installation.
#[derive(Serialize, ToSchema)]
#[schema(as = Node, example = json!({
    "name": "patio-1", "version": "1.0.0", "started_at": "2026-11-21T10:00:00.000Z",
    "seen_at": "2026-11-27T09:05:00.120Z", "connections": 240, "bus": "connected"
}))]
struct NodeShape<'a> {
    /// Its `NODE_NAME`; by default the name of its machine.
    name: &'a str,
    version: &'a str,
    #[schema(format = DateTime)]
    started_at: String,
    /// When it last reported: every ten seconds, until it ends.
    #[schema(format = DateTime)]
    seen_at: String,
    /// Open connections, live connections included.
    connections: i64,
    /// Whether it notifies the others at once: `connected`, `away`, or `off` without `NATS_URL`.
    bus: &'static str,
}

impl<'a> From<&'a Node> for NodeShape<'a> {
    fn from(node: &'a Node) -> Self {
        Self {
            name: &node.name,
            version: &node.version,
            started_at: node.started_at.rfc3339(),
            seen_at: node.seen_at.rfc3339(),
            connections: node.connections,
            bus: node.bus.as_str(),
        }
    }
}

/// List the nodes of the installation
///
/// For administrators: the Patios that share one database, by name. One that ended without saying so is listed for a
/// day.
#[utoipa::path(
    get,
    path = "/nodes",
    tag = "people",
    responses(
        (status = 200, description = "The nodes.", body = Items<NodeShape<'static>>),
        (status = 403, description = "You are not an administrator."),
    ),
)]
async fn index(
    State(nodes): State<Nodes>,
    CanAdminister(admin): CanAdminister,
) -> Result<Response, Problem> {
    let found = nodes.list(&admin).await?;
    let items = found.iter().map(NodeShape::from).collect();
    Ok(Json(Items { items }).into_response())
}
