//! The nodes of the installation as a page for administrators, with what is wrong among them. Other pages link to it
//! only where there are several.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::chat::doorbell::BusState;
use crate::chat::nodes::Nodes;
use crate::chat::nodes::model::{Durability, Node, Standby, Warning, all_lack_bus, warnings};
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
    /// Whether NATS would make several machines faster.
    all_lack_bus: bool,
    machines: Vec<MachineRow>,
    /// What is known of the database: names and values.
    database: Vec<(&'static str, String)>,
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
    look_age: String,
    repaired: String,
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
            look_age: shown(node.look_age.map(|age| duration(age.unsigned_abs()))),
            // Without a bus there is nothing to repair.
            repaired: shown(node.repaired.filter(|_| node.bus != BusState::Off)),
        }
    }
}

fn shown(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}

/// How far a clock is behind that of the database, in words.
fn clock(offset: i64, t: Language) -> String {
    let time = duration(offset.unsigned_abs());
    match offset {
        0 => t.text("clock-right").to_owned(),
        1.. => t.name("clock-behind", time),
        _ => t.name("clock-ahead", time),
    }
}

fn duration(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        _ => format!("{} s", millis / 1_000),
    }
}

fn facts(
    Durability { standby, timeline, .. }: Durability,
    t: Language,
) -> Vec<(&'static str, String)> {
    let standby = match standby {
        Standby::Unknown => "standby-unknown",
        Standby::None => "standby-none",
        Standby::Missing => "standby-missing",
        Standby::Synchronous => "standby-connected",
    };
    let standby = (t.text("standby"), t.text(standby).to_owned());
    let timeline = timeline.map(|timeline| (t.text("timeline"), timeline.to_string()));
    std::iter::once(standby).chain(timeline).collect()
}

fn sentence(warning: Warning<'_>, calendar: &Calendar) -> String {
    let t = calendar.t;
    match warning {
        Warning::Fsync => t.text("machines-fsync").to_owned(),
        Warning::Commits(setting) => t.name("machines-commits", setting),
        Warning::NoStandby => t.text("machines-no-standby").to_owned(),
        Warning::StandbyMissing => t.text("machines-standby-missing").to_owned(),
        Warning::Versions => t.text("machines-versions").to_owned(),
        Warning::Clock(node) => t.name("machines-clock", &node.name),
        Warning::WithoutBus(node) => t.name("machines-without-bus", &node.name),
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
    let durability = renderer.nodes.durability(&admin).await?;
    let (calendar, now) = (page.calendar(), renderer.clock.now());
    let warnings = warnings(&nodes, durability.as_ref(), now);
    let warnings = warnings.into_iter().map(|warning| sentence(warning, &calendar)).collect();
    let all_lack_bus = all_lack_bus(&nodes, now);
    let database = durability.map_or_else(Vec::new, |known| facts(known, page.t));
    let machines = nodes.into_iter().map(|node| MachineRow::new(node, &calendar)).collect();
    let side = renderer.sidebar.build(&me.user, None, &page).await?;
    Ok(html(&MachinesPage { page, side, warnings, all_lack_bus, machines, database }))
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
