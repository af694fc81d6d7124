//! The profile of a user: a page, and as a card for pages that are open already.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use jiff::tz::TimeZone;

use crate::chat::accounts::Accounts;
use crate::chat::accounts::model::{Authenticated, KnownUser};
use crate::chat::presence::Presence;
use crate::chat::rooms::Rooms;
use crate::http::request::partial::Part;
use crate::http::state::from_state;
use crate::http::{AppState, Language, Problem, Viewer};
use crate::kernel::{Clock, Timestamp};
use crate::pages::layout::calendar::Moment;
use crate::pages::layout::page::{Page, html};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder, icon};
use crate::pages::layout::user_view::UserView;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/people/{name}", get(show))
}

#[derive(Template)]
#[template(path = "people/show.html")]
struct ProfilePage {
    page: Page,
    side: Sidebar,
    profile: Profile,
    rooms: Vec<CommonRoom>,
}

#[derive(Template)]
#[template(path = "people/_card.html")]
struct ProfileCard {
    t: Language,
    profile: Profile,
}

struct Profile {
    user: UserView,
    /// Whether the account is open.
    active: bool,
    /// The viewer's own.
    own: bool,
    about: String,
    /// When the status ends.
    until: Option<Moment>,
    /// The time where the user is, and how far that is from the viewer's; `None` if unknown.
    local_time: Option<LocalTime>,
}

struct LocalTime {
    clock: String,
    distance: String,
}

impl LocalTime {
    fn new(now: Timestamp, there: &TimeZone, here: &TimeZone, t: Language) -> Self {
        let (there, here) = (now.in_zone(there), now.in_zone(here));
        let minutes = here.until(there).map_or(0, |span| {
            i64::from(span.get_days()) * 24 * 60
                + i64::from(span.get_hours()) * 60
                + span.get_minutes()
        });
        let ahead = if minutes < 0 { "local-behind" } else { "local-ahead" };
        let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
        Self {
            clock: format!("{:02}:{:02}", there.hour(), there.minute()),
            distance: match (hours, rest) {
                (0, 0) => t.text("local-same").to_owned(),
                (hours, 0) => t.name(ahead, format!("{hours} h")),
                (hours, rest) => t.name(ahead, format!("{hours} h {rest} min")),
            },
        }
    }
}

struct CommonRoom {
    id: i64,
    name: String,
    icon: &'static str,
}

/// Renders profiles.
struct ProfileRenderer {
    accounts: Accounts,
    rooms: Rooms,
    presence: Presence,
    sidebar: SidebarBuilder,
    clock: Clock,
}

from_state!(ProfileRenderer { accounts, rooms, presence, sidebar, clock });

async fn show(
    State(renderer): State<ProfileRenderer>,
    Viewer(me): Viewer,
    Path(name): Path<String>,
    page: Page,
) -> Result<Response, Problem> {
    let known = renderer.accounts.known(&name).await?.ok_or_else(Problem::not_found)?;
    if page.wants(Part::Card) {
        let profile = renderer.profile(&me, known, &page);
        return Ok(html(&ProfileCard { t: page.t, profile }));
    }
    let common = renderer.rooms.common(&me.user, &known.user).await?;
    let rooms = common.iter().map(|room| CommonRoom {
        id: room.id.0,
        name: room.name.clone(),
        icon: icon(room),
    });
    Ok(html(&ProfilePage {
        side: renderer.sidebar.build(&me.user, None, &page).await?,
        rooms: rooms.collect(),
        profile: renderer.profile(&me, known, &page),
        page,
    }))
}

impl ProfileRenderer {
    fn profile(&self, me: &Authenticated, known: KnownUser, page: &Page) -> Profile {
        let now = self.clock.now();
        let KnownUser { user, zone, active } = known;
        let own = user.id == me.user.id;
        let status = user.profile.status(now);
        Profile {
            until: status.and_then(|status| status.until).map(|at| page.calendar().moment(at)),
            local_time: zone
                .filter(|_| active && !own)
                .map(|zone| LocalTime::new(now, &zone, &me.zone, page.t)),
            about: user.profile.about.as_str().to_owned(),
            own,
            active,
            user: UserView::new(user.clone(), self.presence.is_online(user.id), now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_says_how_far_it_is() {
        // 2026-07-01T06:30:00Z
        let now = Timestamp(1_782_887_400_000);
        for (there, here, expected) in [
            ("Europe/Madrid", "Europe/Paris", "08:30 as here"),
            ("Asia/Tokyo", "Europe/Madrid", "15:30 7 h ahead"),
            ("Europe/Madrid", "Asia/Tokyo", "08:30 7 h behind"),
            ("Asia/Kolkata", "UTC", "12:00 5 h 30 min ahead"),
            ("Pacific/Kiritimati", "Pacific/Pago_Pago", "20:30 25 h ahead"),
            ("Pacific/Pago_Pago", "Pacific/Kiritimati", "19:30 25 h behind"),
        ] {
            let zone = |name| TimeZone::get(name).expect("a zone");
            let local = LocalTime::new(now, &zone(there), &zone(here), Language::English);
            assert_eq!(format!("{} {}", local.clock, local.distance), expected, "{there} {here}");
        }
    }
}
