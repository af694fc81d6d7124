//! Room settings: name, topic, invitations and members.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use qrcode::QrCode;
use qrcode::render::svg;
use serde::Deserialize;

use crate::chat::accounts::Accounts;
use crate::chat::presence::Presence;
use crate::chat::rooms::model::{
    Code, Reader, Room, RoomChange, RoomName, RoomTopic, SectionName, may_change, may_moderate,
};
use crate::chat::rooms::{RoomError, Rooms};
use crate::http::state::from_state;
use crate::http::{AppState, CanChange, CanModerate, CanRead, FormBody, Problem, Query};
use crate::kernel::{FieldError, RoomId, UserId};
use crate::pages::layout::form_state::FormState;
use crate::pages::layout::list::{ListLinks, ListQuery};
use crate::pages::layout::page::{Page, again, html, to_room};
use crate::pages::layout::sidebar::{Sidebar, SidebarBuilder, icon};
use crate::pages::layout::user_view::UserView;

pub(in crate::pages) fn router() -> Router<AppState> {
    Router::new()
        .route("/rooms/{id}/settings", get(show).post(update))
        .route("/rooms/{id}/code", post(renew_code))
        .route("/rooms/{id}/owner", post(hand_over))
        .route("/rooms/{id}/remove", post(remove))
        .route("/rooms/{id}/section", post(put_section))
        .route("/rooms/{id}/archive", post(archive))
}

#[derive(Template)]
#[template(path = "rooms/settings.html")]
struct SettingsPage {
    page: Page,
    side: Sidebar,
    room: RoomView,
    may_change: bool,
    may_delete: bool,
    may_moderate: bool,
    me: i64,
    form: FormState,
    invitation: Option<Invitation>,
    people: Vec<MemberView>,
    links: ListLinks,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a condition of the template")]
struct RoomView {
    id: i64,
    name: String,
    icon: &'static str,
    lobby: bool,
    wide_mentions_restricted: bool,
    link_previews: bool,
    archived: bool,
}

struct Invitation {
    code: String,
    link: String,
    /// The link as a QR code. The SVG is generated here from trusted text.
    qr: String,
}

struct MemberView {
    user: UserView,
    owner: bool,
}

async fn show(
    State(renderer): State<RoomSettingsRenderer>,
    CanRead(reader): CanRead,
    Query(list): Query<ListQuery>,
    page: Page,
) -> Result<Response, Problem> {
    let room = reader.room();
    let form = values(room);
    renderer.render(&reader, page, form, &list).await
}

/// What the forms show at first.
fn values(room: &Room) -> FormState {
    FormState::default()
        .with("name", &room.name)
        .with("topic", &room.topic)
        .with("section", &room.section)
}

/// Renders the settings of a room.
struct RoomSettingsRenderer {
    rooms: Rooms,
    presence: Presence,
    sidebar: SidebarBuilder,
}

from_state!(RoomSettingsRenderer { rooms, presence, sidebar });

impl RoomSettingsRenderer {
    async fn render(
        &self,
        reader: &Reader,
        mut page: Page,
        form: FormState,
        list: &ListQuery,
    ) -> Result<Response, Problem> {
        let room = reader.room();
        if room.visibility.has_fixed_members() || !room.is_member() {
            return Err(Problem::not_found());
        }
        let path = format!("/rooms/{}/settings", room.id);
        page.set_path(path.clone());
        let side = self.sidebar.build(reader.user(), None, &page).await?;
        let found = self.rooms.member_page(reader, &list.q, &list.start()).await?;
        let links = ListLinks::new(&path, &list.q, &found);
        let people = found.items.into_iter().map(|listed| MemberView {
            owner: room.owner_id == Some(listed.user.id),
            user: {
                let online = self.presence.is_online(listed.user.id);
                UserView::plain(listed.user, online)
            },
        });
        let invitation = room.code.as_ref().map(|code| invite(&page, code)).transpose()?;
        let template = SettingsPage {
            room: RoomView {
                id: room.id.0,
                name: room.name.clone(),
                icon: icon(room),
                lobby: room.lobby,
                wide_mentions_restricted: room.wide_mentions_restricted,
                link_previews: room.link_previews,
                archived: room.archived_at.is_some(),
            },
            may_change: may_change(reader.user(), room),
            may_delete: may_moderate(reader.user(), room) && !room.lobby,
            may_moderate: may_moderate(reader.user(), room),
            me: reader.user().id.0,
            people: people.collect(),
            links,
            page,
            side,
            form,
            invitation,
        };
        Ok(html(&template))
    }
}

fn invite(page: &Page, code: &Code) -> Result<Invitation, Problem> {
    let link = page.absolute(&format!("/join/{code}"));
    let qr = QrCode::new(&link).map_err(|error| Problem::internal(&error))?;
    let picture = qr.render::<svg::Color<'_>>().min_dimensions(160, 160).build();
    // Inline SVG must not have an XML declaration.
    let picture = picture.split_once("?>").map_or(picture.as_str(), |(_, svg)| svg).to_owned();
    Ok(Invitation { code: code.to_string(), link, qr: picture })
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ChangeForm {
    name: String,
    topic: String,
    /// Who may mention all members at once: `members` or [`OWNER`].
    wide_mentions: Option<String>,
    /// Whether links get previews: [`ON`] or `off`.
    link_previews: Option<String>,
}

/// Only the owner and administrators.
const OWNER: &str = "owner";
const ON: &str = "on";

async fn update(
    State(renderer): State<RoomSettingsRenderer>,
    State(rooms): State<Rooms>,
    CanChange(owner): CanChange,
    page: Page,
    FormBody(typed): FormBody<ChangeForm>,
) -> Result<Response, Problem> {
    let problems = match (RoomName::parse(&typed.name), RoomTopic::parse(&typed.topic)) {
        (Ok(name), Ok(topic)) => {
            let change = RoomChange {
                name: Some(name),
                topic: Some(topic),
                wide_mentions_restricted: typed.wide_mentions.map(|who| who == OWNER),
                link_previews: typed.link_previews.map(|setting| setting == ON),
            };
            match rooms.update(&owner, &change).await {
                Ok(()) => return Ok(to_settings(owner.room().id)),
                Err(RoomError::NameTaken) => vec![FieldError::new("name", "room-name-taken")],
                Err(error) => return Err(error.into()),
            }
        }
        (name, topic) => [name.err(), topic.err()].into_iter().flatten().collect(),
    };
    let form = FormState::default()
        .with("name", &typed.name)
        .with("topic", &typed.topic)
        .with("section", &owner.room().section)
        .add_error(page.t, &problems);
    let reader = rooms.reader(owner.user(), owner.room().id).await?;
    let taken = problems.iter().any(|problem| problem.code == "room-name-taken");
    let status = if taken { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(again(status, renderer.render(&reader, page, form, &ListQuery::default()).await?))
}

async fn renew_code(
    State(rooms): State<Rooms>,
    CanChange(owner): CanChange,
) -> Result<Response, Problem> {
    rooms.renew_code(&owner).await?;
    Ok(to_settings(owner.room().id))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SectionForm {
    section: String,
}

/// Puts the room into a section of the user's own sidebar.
async fn put_section(
    State(renderer): State<RoomSettingsRenderer>,
    State(rooms): State<Rooms>,
    CanRead(reader): CanRead,
    page: Page,
    FormBody(typed): FormBody<SectionForm>,
) -> Result<Response, Problem> {
    let room = reader.room();
    match SectionName::parse(&typed.section) {
        Ok(section) => {
            rooms.set_section(&reader, &section).await?;
            Ok(to_settings(room.id))
        }
        Err(problem) => {
            let problem = FieldError { field: "section", ..problem };
            let form = FormState::default()
                .with("name", &room.name)
                .with("topic", &room.topic)
                .with("section", &typed.section)
                .add_error(page.t, &[problem]);
            let page = renderer.render(&reader, page, form, &ListQuery::default()).await?;
            Ok(again(StatusCode::UNPROCESSABLE_ENTITY, page))
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ArchiveForm {
    archived: bool,
}

async fn archive(
    State(rooms): State<Rooms>,
    CanModerate(moderator): CanModerate,
    FormBody(form): FormBody<ArchiveForm>,
) -> Result<Response, Problem> {
    rooms.set_archived(&moderator, form.archived).await?;
    // A moderator does not have to be a member, and only members can open the settings.
    Ok(to_room(moderator.room().id))
}

#[derive(Deserialize)]
struct PersonForm {
    user: UserId,
}

async fn hand_over(
    State(rooms): State<Rooms>,
    CanChange(owner): CanChange,
    FormBody(form): FormBody<PersonForm>,
) -> Result<Response, Problem> {
    rooms.transfer_ownership(&owner, form.user).await?;
    Ok(to_settings(owner.room().id))
}

async fn remove(
    State(accounts): State<Accounts>,
    State(rooms): State<Rooms>,
    CanModerate(moderator): CanModerate,
    FormBody(form): FormBody<PersonForm>,
) -> Result<Response, Problem> {
    let user = accounts.by_id(form.user).await?.ok_or_else(Problem::not_found)?;
    rooms.remove(&moderator, &user).await?;
    let room = moderator.room();
    // A moderator does not have to be a member, and only members can open the settings.
    Ok(if room.is_member() { to_settings(room.id) } else { to_room(room.id) })
}

fn to_settings(room: RoomId) -> Response {
    Redirect::to(&format!("/rooms/{room}/settings?saved=1")).into_response()
}
