//! Choosing several users: the form that opens their group.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use crate::chat::accounts::Accounts;
use crate::chat::accounts::model::{Authenticated, User};
use crate::chat::rooms::Rooms;
use crate::chat::rooms::model::FixedMembers;
use crate::http::rate_limit::{RateLimiter, open_fixed};
use crate::http::state::from_state;
use crate::http::{AppState, FormBody, Problem, Viewer};
use crate::kernel::FieldError;
use crate::limits::group::MEMBERS;
use crate::pages::layout::form_state::FormState;
use crate::pages::layout::page::{Page, again, html, to_room};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder};

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/direct", get(ask).post(create))
}

#[derive(Template)]
#[template(path = "people/group.html")]
struct GroupPage {
    page: Page,
    side: Sidebar,
    form: FormState,
    /// How many others can be chosen.
    most: usize,
}

/// What opens groups, and renders the form for them.
struct GroupServices {
    accounts: Accounts,
    rooms: Rooms,
    rate_limiter: RateLimiter,
    sidebar: SidebarBuilder,
}

from_state!(GroupServices { accounts, rooms, rate_limiter, sidebar });

async fn ask(
    State(services): State<GroupServices>,
    Viewer(me): Viewer,
    page: Page,
) -> Result<Response, Problem> {
    services.render(&me, page, FormState::default()).await
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct GroupForm {
    /// Handles, with commas or spaces between them.
    names: String,
}

async fn create(
    State(services): State<GroupServices>,
    Viewer(me): Viewer,
    page: Page,
    FormBody(typed): FormBody<GroupForm>,
) -> Result<Response, Problem> {
    let refused = match services.members(&me, &typed.names).await? {
        Ok(members) => {
            let GroupServices { rooms, rate_limiter, .. } = &services;
            return Ok(to_room(open_fixed(rooms, rate_limiter, &me.user, &members).await?.room()));
        }
        Err(error) => error,
    };
    let form = FormState::default().with("names", &typed.names).add_error(page.t, &[refused]);
    let page = services.render(&me, page, form).await?;
    Ok(again(StatusCode::UNPROCESSABLE_ENTITY, page))
}

impl GroupServices {
    async fn members(
        &self,
        me: &Authenticated,
        names: &str,
    ) -> Result<Result<FixedMembers, FieldError>, Problem> {
        let names = names.split([',', ' ']).filter(|name| !name.is_empty());
        let mut others: Vec<User> = Vec::new();
        for name in names.take(MEMBERS) {
            match self.accounts.find(name.trim_start_matches('@')).await? {
                Some(user) => others.push(user),
                None => return Ok(Err(FieldError::new("names", "group-unknown"))),
            }
        }
        Ok(FixedMembers::group(&me.user, &others))
    }

    async fn render(
        &self,
        me: &Authenticated,
        mut page: Page,
        form: FormState,
    ) -> Result<Response, Problem> {
        page.set_path("/direct".to_owned());
        let side = self.sidebar.build(&me.user, None, &page).await?;
        Ok(html(&GroupPage { side, form, most: MEMBERS - 1, page }))
    }
}
