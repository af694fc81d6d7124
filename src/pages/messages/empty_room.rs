//! The next steps that an empty room suggests.

use crate::chat::accounts::model::Role;
use crate::chat::rooms::model::{Reader, may_change};
use crate::http::Language;

/// A link. The first step is the primary one.
pub(in crate::pages) struct Step {
    pub href: String,
    pub icon: &'static str,
    pub text: &'static str,
}

impl Step {
    fn new(href: impl Into<String>, icon: &'static str, text: &'static str) -> Self {
        Self { href: href.into(), icon, text }
    }

    /// A link to the composer. It works without JavaScript and moves the focus of screen readers.
    fn write(t: Language) -> Self {
        Self::new("#body", "pencil", t.text("write-first"))
    }
}

/// For a direct message or a group without messages.
pub(in crate::pages) fn unwritten(t: Language) -> Vec<Step> {
    vec![Step::write(t)]
}

/// For a room: members who can invite others see how, other users see what they can do.
pub(in crate::pages) fn steps(reader: &Reader, t: Language) -> Vec<Step> {
    let user = reader.user();
    let room = reader.room();
    let settings = |part: &str| format!("/rooms/{}/settings#{part}", room.id);
    let invite = |href: String| Step::new(href, "person-plus", t.text("invite"));
    if room.visibility.has_fixed_members() || !room.is_member() {
        return unwritten(t);
    }
    if room.lobby {
        return match user.role {
            Role::Admin => vec![invite("/admin#sign-up".to_owned()), Step::write(t)],
            Role::Member => {
                vec![Step::write(t), Step::new("/rooms#make", "plus", t.text("create-room"))]
            }
        };
    }
    let second = if may_change(user, room) && room.topic.is_empty() {
        Step::new(settings("about"), "pencil", t.text("add-topic"))
    } else {
        Step::write(t)
    };
    vec![invite(settings("invite")), second]
}
