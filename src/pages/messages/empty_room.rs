//! What a room offers in which nothing was said yet: the next step, and perhaps another one beside it.

use crate::chat::accounts::model::Role;
use crate::chat::rooms::model::{Reader, Visibility, may_change};
use crate::http::Language;

/// A link; where one has to go first stands first.
pub(in crate::pages) struct Step {
    pub href: String,
    pub icon: &'static str,
    pub text: &'static str,
}

impl Step {
    fn new(href: impl Into<String>, icon: &'static str, text: &'static str) -> Self {
        Self { href: href.into(), icon, text }
    }

    /// The field stands below: this leads to it without scripts, too, and screen readers along.
    fn write(t: Language) -> Self {
        Self::new("#body", "pencil", t.say("write-first"))
    }
}

/// In a conversation that nobody has begun.
pub(in crate::pages) fn unwritten(t: Language) -> Vec<Step> {
    vec![Step::write(t)]
}

/// In a room: to those who may let others in that, to others what they may do.
pub(in crate::pages) fn steps(reader: &Reader, t: Language) -> Vec<Step> {
    let (person, room) = (reader.user(), reader.room());
    let settings = |part: &str| format!("/rooms/{}/settings#{part}", room.id);
    let invite = |href: String| Step::new(href, "person-plus", t.say("invite"));
    if room.visibility == Visibility::Direct || !room.is_member() {
        return unwritten(t);
    }
    if room.lobby {
        return match person.role {
            Role::Admin => vec![invite("/admin#sign-up".to_owned()), Step::write(t)],
            Role::Member => {
                vec![Step::write(t), Step::new("/rooms#make", "plus", t.say("create-room"))]
            }
        };
    }
    let second = if may_change(person, room) && room.topic.is_empty() {
        Step::new(settings("about"), "pencil", t.say("add-topic"))
    } else {
        Step::write(t)
    };
    vec![invite(settings("invite")), second]
}
