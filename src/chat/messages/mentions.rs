//! Whom a text speaks to. It is rendered when it is handed in, and once more only where it is found, while
//! it is stored, that a word behind an `@` is somebody's name.

use std::collections::HashMap;

use super::model::{MessageBody, Rendered};
use super::render;
use crate::kernel::UserId;

/// Renders a text, and lists the names in it.
pub(super) fn render(body: &MessageBody) -> Rendered {
    let mut names = Vec::new();
    let html = render::render(body.as_str(), |name| {
        names.push(name.to_owned());
        None
    });
    Rendered { html, names }
}

/// Whom folded names belong to, and how they write themselves.
#[derive(Default)]
pub(super) struct HandleIndex(HashMap<String, (UserId, String)>);

/// A text as HTML, and who is mentioned in it, each once.
pub(super) struct RenderedWithMentions {
    pub html: String,
    pub mentioned: Vec<UserId>,
}

impl HandleIndex {
    /// From folded names, ids, and names as they are written.
    pub fn new(people: impl IntoIterator<Item = (String, UserId, String)>) -> Self {
        Self(people.into_iter().map(|(folded, id, name)| (folded, (id, name))).collect())
    }

    /// What becomes of a text once it is known whose its names are.
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
