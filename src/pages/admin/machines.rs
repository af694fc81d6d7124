//! The nodes of the installation as a page for administrators, with what is wrong among them. Other pages link to it
//! only where there are several.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::chat::doorbell::BusState;
use crate::chat::nodes::Nodes;
use crate::chat::nodes::model::{Node, Warning, warnings};
use crate::http::request::auth::CanAdminister;
use crate::http::state::from_state;
use crate::http::{AppState, Language, Problem, Viewer};
use crate::kernel::Clock;
use crate::pages::layout::calendar::Calendar;
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder};

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new().route("/admin/machines", get(show))
}

#[derive(Template)]
#[template(path = "admin/machines.html")]
struct MachinesPage {
    page: Page,
    side: Sidebar,
    warnings: Vec<String>,
    machines: Vec<MachineRow>,
}

struct MachineRow {
    name: String,
    version: String,
    since: String,
    since_iso: String,
    connections: i64,
    users_online: i64,
    clock: String,
    bus: &'static str,
    is_away: bool,
}

impl MachineRow {
    fn new(node: Node, calendar: &Calendar) -> Self {
        let t = calendar.t;
        Self {
            name: node.name,
            version: node.version,
            since: calendar.figures(node.started_at),
            since_iso: node.started_at.rfc3339(),
            connections: node.connections,
            users_online: node.users_online,
            clock: clock(node.clock_offset, t),
            bus: match node.bus {
                BusState::Off => t.text("bus-off"),
                BusState::Connected => t.text("bus-connected"),
                BusState::Away => t.text("bus-away"),
            },
            is_away: node.bus == BusState::Away,
        }
    }
}

/// How far a clock is behind that of the database, in words.
fn clock(offset: i64, t: Language) -> String {
    let millis = offset.unsigned_abs();
    let time = match millis {
        0..1_000 => format!("{millis} ms"),
        _ => format!("{} s", millis / 1_000),
    };
    match offset {
        0 => t.text("clock-right").to_owned(),
        1.. => t.name("clock-behind", time),
        _ => t.name("clock-ahead", time),
    }
}

fn sentence(warning: Warning<'_>, calendar: &Calendar) -> String {
    let t = calendar.t;
    match warning {
        Warning::Versions => t.text("machines-versions").to_owned(),
        Warning::Clock(node) => t.name("machines-clock", &node.name),
        Warning::BusAway(node) => t.name("machines-bus-away", &node.name),
        Warning::Silent(node) => {
            let seen_at = calendar.figures(node.seen_at);
            t.fill("machines-silent", [("name", node.name.as_str()), ("time", seen_at.as_str())])
        }
    }
}

/// Shows the page.
struct MachinesRenderer {
    nodes: Nodes,
    clock: Clock,
    sidebar: SidebarBuilder,
}

from_state!(MachinesRenderer { nodes, clock, sidebar });

async fn show(
    State(renderer): State<MachinesRenderer>,
    Viewer(me): Viewer,
    CanAdminister(admin): CanAdminister,
    page: Page,
) -> Result<Response, Problem> {
    let nodes = renderer.nodes.list(&admin).await?;
    let calendar = page.calendar();
    let warnings = warnings(&nodes, renderer.clock.now());
    let warnings = warnings.into_iter().map(|warning| sentence(warning, &calendar)).collect();
    let machines = nodes.into_iter().map(|node| MachineRow::new(node, &calendar)).collect();
    let side = renderer.sidebar.build(&me.user, None, &page).await?;
    Ok(html(&MachinesPage { page, side, warnings, machines }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_right_behind_or_ahead() {
        for (offset, expected) in [
            (0, "right"),
            (999, "999 ms behind"),
            (-61_999, "61 s ahead"),
            (i64::MIN, "9223372036854775 s ahead"),
        ] {
            let words = clock(offset, Language::English);
            assert_eq!(words.replace(['\u{2068}', '\u{2069}'], ""), expected);
        }
    }
}
