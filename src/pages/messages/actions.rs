//! What a user can do with a message: the entries of its menu, in groups. This table says how an action is called and
//! which key runs it on the message with the focus; `static/js/message-actions/actions.js` says for which messages it is
//! offered and what it does.

use crate::http::Language;

/// An entry of the menu.
#[derive(Clone, Copy)]
pub struct MessageAction {
    /// Its name in `actions.js`.
    pub name: &'static str,
    pub icon: &'static str,
    /// The key of its text.
    pub label: &'static str,
    /// As `KeyboardEvent.key` has it, letters in lower case; empty without one.
    pub key: &'static str,
    /// Whether the toolbar over the message has it, too.
    pub in_toolbar: bool,
    /// Whether it destroys something.
    pub is_dangerous: bool,
}

impl MessageAction {
    /// The key as keyboards show it.
    pub fn key_label(&self, t: Language) -> String {
        match self.key {
            "Delete" => t.text("key-delete").to_owned(),
            key => key.to_uppercase(),
        }
    }
}

const fn action(
    name: &'static str,
    icon: &'static str,
    label: &'static str,
    key: &'static str,
) -> MessageAction {
    MessageAction { name, icon, label, key, in_toolbar: false, is_dangerous: false }
}

const fn quick(action: MessageAction) -> MessageAction {
    MessageAction { in_toolbar: true, ..action }
}

/// All actions.
pub const ACTIONS: [&[MessageAction]; 3] = [
    &[
        quick(action("react", "smile", "react", "+")),
        quick(action("reply", "reply", "reply", "r")),
        quick(action("thread", "thread", "thread-open", "t")),
        quick(action("save", "bookmark", "save-message", "s")),
        quick(action("unsave", "bookmark", "unsave-message", "s")),
    ],
    &[
        action("copy", "copy", "copy-text", "c"),
        action("select", "copy", "select-text", ""),
        action("link", "link", "copy-link", "l"),
        action("unread", "unread", "mark-unread", "u"),
        action("page", "find", "message-alone", ""),
    ],
    &[
        action("pin", "pin", "pin", "p"),
        action("unpin", "pin", "unpin", "p"),
        action("edit", "pencil", "edit-message", "e"),
        MessageAction { is_dangerous: true, ..action("delete", "bin", "delete-message", "Delete") },
    ],
];
