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

/// A handle as its user writes it.
pub(super) struct Handle {
    pub user: UserId,
    pub name: String,
}

/// Handles by their normalized form.
#[derive(Default)]
pub(super) struct HandleIndex(HashMap<String, Handle>);

impl FromIterator<(String, Handle)> for HandleIndex {
    fn from_iter<I: IntoIterator<Item = (String, Handle)>>(handles: I) -> Self {
        Self(handles.into_iter().collect())
    }
}

/// A body as HTML, and the users it mentions, each once.
pub(super) struct RenderedWithMentions {
    pub html: String,
    pub mentioned: Vec<UserId>,
}

impl HandleIndex {
    /// Renders the body with the mentions that this index knows.
    pub fn resolve(&self, body: &MessageBody, rendered: &Rendered) -> RenderedWithMentions {
        if !rendered.names.iter().any(|name| self.0.contains_key(name)) {
            return RenderedWithMentions { html: rendered.html.clone(), mentioned: Vec::new() };
        }
        let mut mentioned = Vec::new();
        let html = render::render(body.as_str(), |name| {
            let handle = self.0.get(name)?;
            mentioned.push(handle.user);
            Some(handle.name.clone())
        });
        mentioned.sort_unstable();
        mentioned.dedup();
        RenderedWithMentions { html, mentioned }
    }
}
