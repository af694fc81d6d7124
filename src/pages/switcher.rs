//! The entries of the quick switcher, in display order. Unread counts are not included, because the
//! page has newer ones.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::chat::accounts::Accounts;
use crate::chat::accounts::model::User;
use crate::chat::presence::Presence;
use crate::chat::rooms::Rooms;
use crate::chat::rooms::model::Room;
use crate::http::{AppState, Language, Problem, Viewer};
use crate::pages::layout::page::html;
use crate::pages::layout::sidebar::icon;
use crate::pages::layout::user_view::UserView;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/switcher", get(index))
}

#[derive(Template)]
#[template(path = "rooms/switcher.html")]
struct Switcher {
    t: Language,
    targets: Vec<Target>,
}

/// A room or a user.
struct Target {
    path: String,
    name: String,
    /// The user whose avatar is shown; otherwise the icon is.
    user: Option<UserView>,
    icon: &'static str,
    room: Option<i64>,
    /// A public room that the user has not joined.
    strange: bool,
}

impl Target {
    /// `other` is the other user of a direct message.
    fn room(room: &Room, other: Option<UserView>) -> Self {
        Self {
            path: format!("/rooms/{}", room.id),
            name: room.name.clone(),
            user: other,
            icon: icon(room),
            room: Some(room.id.0),
            strange: !room.is_member(),
        }
    }

    fn user(user: UserView) -> Self {
        Self {
            path: format!("/direct/{}", user.name),
            name: user.display_name.clone(),
            user: Some(user),
            icon: "at",
            room: None,
            strange: false,
        }
    }
}

/// The user's rooms and direct messages, then public rooms the user has not joined, then all other
/// users.
async fn index(
    State(presence): State<Presence>,
    State(accounts): State<Accounts>,
    State(rooms): State<Rooms>,
    Viewer(me): Viewer,
    t: Language,
) -> Result<Response, Problem> {
    let online = presence.online();
    let view = |user: &User| UserView::plain(user.clone(), online.contains(&user.id));
    let mut users = accounts.users().await?;
    let rooms = rooms.list(&me.user).await?;
    let mut targets = Vec::with_capacity(rooms.len() + users.len());
    for room in &rooms {
        let other = users.iter().find(|user| Some(user.id) == room.other).map(view);
        targets.push(Target::room(room, other));
    }
    targets.sort_by_key(|target| target.strange);
    users.retain(|user| {
        user.id != me.user.id && rooms.iter().all(|room| room.other != Some(user.id))
    });
    targets.extend(users.iter().map(|user| Target::user(view(user))));
    Ok(html(&Switcher { t, targets }))
}
