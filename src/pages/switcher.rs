//! Where one can go: the list behind the quick switcher, in the order in which it is shown. What is
//! unread the page knows better, so it is not in here.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::chat::accounts::model::User;
use crate::chat::rooms::model::Room;
use crate::http::{AppState, Language, Problem, Viewer};
use crate::pages::layout::page::html;
use crate::pages::layout::sidebar::icon;
use crate::pages::layout::user_view::PersonView;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/switcher", get(index))
}

#[derive(Template)]
#[template(path = "rooms/switcher.html")]
struct Switcher {
    t: Language,
    targets: Vec<Target>,
}

/// A room, or a person to write to.
struct Target {
    path: String,
    name: String,
    /// Whose avatar stands before the name; else it is the icon.
    person: Option<PersonView>,
    icon: &'static str,
    room: Option<i64>,
    /// A public room that one is not in.
    strange: bool,
}

impl Target {
    /// `other` is with whom the room is a conversation.
    fn room(room: &Room, other: Option<PersonView>) -> Self {
        Self {
            path: format!("/rooms/{}", room.id),
            name: room.name.clone(),
            person: other,
            icon: icon(room),
            room: Some(room.id.0),
            strange: !room.is_member(),
        }
    }

    fn person(person: PersonView) -> Self {
        Self {
            path: format!("/direct/{}", person.name),
            name: person.display_name.clone(),
            person: Some(person),
            icon: "at",
            room: None,
            strange: false,
        }
    }
}

/// One's own rooms and conversations, the public rooms one is not in, everybody else.
async fn index(
    State(site): State<AppState>,
    Viewer(me): Viewer,
    t: Language,
) -> Result<Response, Problem> {
    let here = site.presence.online();
    let view = |person: &User| PersonView::new(person.clone(), here.contains(&person.id));
    let mut people = site.accounts.users().await?;
    let rooms = site.rooms.list(&me.person).await?;
    let mut targets = Vec::with_capacity(rooms.len() + people.len());
    for room in &rooms {
        let other = people.iter().find(|person| Some(person.id) == room.other).map(view);
        targets.push(Target::room(room, other));
    }
    targets.sort_by_key(|target| target.strange);
    people.retain(|person| {
        person.id != me.person.id && rooms.iter().all(|room| room.other != Some(person.id))
    });
    targets.extend(people.iter().map(|person| Target::person(view(person))));
    Ok(html(&Switcher { t, targets }))
}
