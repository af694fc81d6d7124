//! Resolves mentions. A body is rendered when it is submitted. It is rendered a second time, inside the
//! write transaction, only if a word after an `@` is a handle.

use std::collections::HashMap;

use super::model::{MessageBody, Rendered};
use super::render;
use crate::kernel::UserId;

/// Renders a body and lists the words after an `@`.
pub(super) fn render(body: &MessageBody) -> Rendered {
    let mut names = Vec::new();
    let html = render::render(body.as_str(), |name| {
        names.push(name.to_owned());
        None
    });
    Rendered { html, names }
}

/// Users by normalized handle, with the handle as its user writes it.
#[derive(Default)]
pub(super) struct HandleIndex(HashMap<String, (UserId, String)>);

/// A body as HTML, and the users it mentions, each once.
pub(super) struct RenderedWithMentions {
    pub html: String,
    pub mentioned: Vec<UserId>,
}

impl HandleIndex {
    /// From normalized handles, user ids, and handles as written.
    pub fn new(users: impl IntoIterator<Item = (String, UserId, String)>) -> Self {
        Self(users.into_iter().map(|(normalized, id, name)| (normalized, (id, name))).collect())
    }

    /// Renders the body with the mentions that this index knows.
    pub fn resolve(&self, body: &MessageBody, rendered: &Rendered) -> RenderedWithMentions {
        if !rendered.names.iter().any(|name| self.0.contains_key(name)) {
            return RenderedWithMentions { html: rendered.html.clone(), mentioned: Vec::new() };
        }
        let mut mentioned = Vec::new();
        let html = render::render(body.as_str(), |name| {
            let (id, name) = self.0.get(name)?;
            mentioned.push(*id);
            Some(name.clone())
        });
        mentioned.sort_unstable_by_key(|id| id.0);
        mentioned.dedup();
        RenderedWithMentions { html, mentioned }
    }
}
