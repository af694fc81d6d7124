//! Quotes: what a reply shows of the message that it replies to. A quote is read together with its
//! reply and never stored, so an edited or deleted text is left nowhere.

use serde::{Deserialize, Serialize};

use crate::chat::accounts::model::UserRef;
use crate::chat::messages::model::Message;
use crate::kernel::{MessageId, UserId};
use crate::text::render::text_of;

/// The longest excerpt, in characters.
const EXCERPT: usize = 140;

/// A message that is not deleted, as its replies show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    pub id: MessageId,
    pub author: UserRef,
    /// The beginning of the text, or of the names of its files: one line of at most 140 characters.
    pub excerpt: String,
}

impl Quote {
    /// What is shown of a message.
    pub fn of(message: &Message) -> Self {
        let Message { id, ref author, .. } = *message;
        Self { id, author: author.clone(), excerpt: message.excerpt() }
    }

    /// Reads the column that `QUOTE_COLUMN!` of the store selects: one line for each field, then the beginning of the
    /// HTML, or of the body where it is the same. The last field before it has the files of a message without text.
    pub(in crate::chat::messages) fn from_column(column: &str) -> Option<Self> {
        let mut fields = column.splitn(8, '\n');
        let mut next = || fields.next();
        Some(Self {
            id: MessageId(next()?.parse().ok()?),
            author: UserRef {
                id: UserId(next()?.parse().ok()?),
                bot: next()? == "1",
                name: next()?.to_owned(),
                display_name: next()?.to_owned(),
                avatar: next().filter(|name| !name.is_empty()).map(ToOwned::to_owned),
            },
            excerpt: match next()? {
                "" => excerpt(&text_of(next()?)),
                files => excerpt(files),
            },
        })
    }
}

impl Message {
    /// The text without marks, or the names of the files of a message that has only files.
    pub fn text_or_files(&self) -> String {
        let text = self.text();
        if !text.is_empty() {
            return text;
        }
        let names: Vec<&str> = self.attachments.iter().map(|file| file.name.as_str()).collect();
        names.join(", ")
    }

    /// The beginning of what lists and replies show of it.
    pub fn excerpt(&self) -> String {
        excerpt(&self.text_or_files())
    }
}

/// The first line of a text, at most 140 characters of it. An ellipsis stands for what is left out of it.
pub fn excerpt(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    match line.char_indices().nth(EXCERPT) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default().trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_restored_from_its_column() {
        let quote = Quote::from_column("9\n2\n0\nada\nAda L.\n\n\n Rain at four.\nAnd wind.");
        let author = UserRef {
            id: UserId(2),
            name: "ada".to_owned(),
            display_name: "Ada L.".to_owned(),
            bot: false,
            avatar: None,
        };
        let excerpt = "Rain at four.".to_owned();
        assert_eq!(quote, Some(Quote { id: MessageId(9), author, excerpt }));
        let bot = Quote::from_column("9\n2\n1\nada\nAda\npicture\na.png\n").expect("a quote");
        assert!(bot.author.bot);
        assert_eq!(bot.excerpt, "a.png");
        assert_eq!(bot.author.avatar.as_deref(), Some("picture"));
        assert_eq!(Quote::from_column("9\n2"), None);
    }

    #[test]
    fn an_excerpt_has_at_most_140_characters() {
        assert_eq!(excerpt(&"ñ".repeat(140)), "ñ".repeat(140));
        assert_eq!(excerpt(&"ñ".repeat(141)), format!("{}…", "ñ".repeat(140)));
    }
}
