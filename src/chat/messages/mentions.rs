//! Resolves mentions. A body is rendered when it is submitted. It is rendered a second time, inside the
//! write transaction, only if a word after an `@` is a handle.

use std::collections::HashMap;

use super::model::{Markup, MessageBody, Post, Rendered};
use super::wide_mention::WideMention;
use crate::chat::accounts::model::Role;
use crate::chat::emoji::model::KnownEmoji;
use crate::kernel::{RoomId, UserId};
use crate::limits::mention::OUTSIDERS;
use crate::text::render::{self, Place};

/// Renders a body and lists the words after an `@` and the custom emoji in it. Many members are not mentioned in a quote.
pub(super) fn render(body: &MessageBody, markup: Markup, known: &KnownEmoji) -> Rendered {
    let (mut names, mut emoji) = (Vec::new(), HashMap::new());
    let html = render::render(body.as_str(), markup, |name, place| {
        if place == Place::Code {
            let version = known.find(name)?.version;
            emoji.insert(name.to_owned(), version.clone());
            return Some(version);
        }
        if place == Place::Text || WideMention::parse(name).is_none() {
            names.push(name.to_owned());
        }
        None
    });
    Rendered { html, markup, names, emoji, previews: false }
}

/// A handle as its user writes it.
pub(super) struct Handle {
    pub user: UserId,
    pub name: String,
    /// Whether the user is a member of the room in which the handle was found.
    pub is_member: bool,
}

/// A room in which many members may be mentioned at once.
pub(super) struct Audience {
    pub owner: Option<UserId>,
    /// Only the owner and administrators may mention all members.
    pub restricted: bool,
    pub members: Vec<UserId>,
}

/// Who writes a text, and where.
pub(super) struct Writing<'a> {
    pub room: RoomId,
    pub author: UserId,
    pub is_admin: bool,
    /// Who is online, in the order of their ids; empty unless the text mentions them.
    pub online: &'a [UserId],
    /// In a thread, nothing mentions many members of the room at once.
    pub is_in_thread: bool,
}

/// What words after an `@` mean, by room.
#[derive(Default)]
pub(super) struct MentionIndex {
    /// By the normalized form of the handle.
    pub handles: HashMap<RoomId, HashMap<String, Handle>>,
    pub audiences: HashMap<RoomId, Audience>,
}

/// A body as HTML, and the users it mentions, each once.
pub(super) struct RenderedWithMentions {
    pub html: String,
    pub markup: Markup,
    pub mentioned: Vec<UserId>,
    /// Those of them who are not members of the room and were mentioned by their handle, at most
    /// [`OUTSIDERS`].
    pub outsiders: Vec<UserId>,
    /// Whether it mentions those who are online.
    pub is_here: bool,
    /// As in [`Rendered`].
    pub previews: bool,
}

impl MentionIndex {
    /// Renders a new message with the mentions that this index knows.
    pub fn resolve_post(&self, post: &Post) -> RenderedWithMentions {
        let author = post.member.user();
        let writing = Writing {
            room: post.audience(),
            author: author.id,
            is_admin: author.role == Role::Admin,
            online: &post.online,
            is_in_thread: post.head().is_some(),
        };
        self.resolve(&writing, &post.draft.body, &post.rendered)
    }

    /// Renders the body with the mentions that this index knows.
    pub fn resolve(
        &self,
        writing: &Writing<'_>,
        body: &MessageBody,
        rendered: &Rendered,
    ) -> RenderedWithMentions {
        let (markup, previews) = (rendered.markup, rendered.previews);
        let handles = self.handles.get(&writing.room);
        let handle = |name: &str| handles.and_then(|handles| handles.get(name));
        let audience = self.audiences.get(&writing.room).filter(|_| !writing.is_in_thread);
        let wide = |name: &str| Some((audience?, WideMention::parse(name)?));
        if !rendered.names.iter().any(|name| handle(name).is_some() || wide(name).is_some()) {
            let html = rendered.html.clone();
            let (mentioned, outsiders) = (Vec::new(), Vec::new());
            let is_here = false;
            return RenderedWithMentions { html, markup, mentioned, outsiders, is_here, previews };
        }
        let mut mentioned = Vec::new();
        let mut outsiders = Vec::new();
        let mut is_here = false;
        let html = render::render(body.as_str(), markup, |name, place| {
            if place == Place::Code {
                return rendered.emoji.get(name).cloned();
            }
            if let Some((audience, wide)) = wide(name).filter(|_| place == Place::Text) {
                mentioned.extend(audience.reached(wide, writing)?);
                is_here |= wide == WideMention::Here;
                return Some(name.to_owned());
            }
            let handle = handle(name)?;
            if place == Place::Quote {
                return Some(handle.name.clone());
            }
            mentioned.push(handle.user);
            if !handle.is_member && handle.user != writing.author {
                outsiders.push(handle.user);
            }
            Some(handle.name.clone())
        });
        for users in [&mut mentioned, &mut outsiders] {
            users.sort_unstable();
            users.dedup();
        }
        outsiders.truncate(OUTSIDERS);
        RenderedWithMentions { html, markup, mentioned, outsiders, is_here, previews }
    }
}

impl Audience {
    /// The members whom a mention reaches, without its author; `None` if the author may not use it.
    fn reached<'a>(
        &'a self,
        wide: WideMention,
        writing: &'a Writing<'_>,
    ) -> Option<impl Iterator<Item = UserId> + 'a> {
        let may_reach_all =
            !self.restricted || writing.is_admin || self.owner == Some(writing.author);
        if wide == WideMention::Room && !may_reach_all {
            return None;
        }
        let is_reached = move |user: &UserId| {
            wide == WideMention::Room || writing.online.binary_search(user).is_ok()
        };
        let others = self.members.iter().copied().filter(|user| *user != writing.author);
        Some(others.filter(is_reached))
    }
}
