//! What a web page says of itself in its head: Open Graph (ogp.me), `twitter:*`, `description` and `<title>`.
//!
//! The tokenizer of html5gum reads tags, attributes and entities as browsers do. There is no tree: a head has none. A
//! page is a stranger's, so what is kept is counted and cut, and comes out as plain text.

mod charset;

use html5gum::{DefaultEmitter, HtmlString, StartTag, Token, Tokenizer};

use self::charset::decode;
use crate::limits::link_preview as limits;

/// What a page says of itself. Empty texts are what it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebPage {
    pub title: String,
    pub text: String,
    /// The name of the site.
    pub site: String,
    /// The address of a picture as it is written, which may be relative.
    pub image: String,
}

/// Reads the beginning of a page. `None` if its charset is not known. `content_type` is the header.
pub fn read(bytes: &[u8], content_type: &str) -> Option<WebPage> {
    let text = decode(bytes, content_type)?;
    let mut head = Head::default();
    let mut emitter = DefaultEmitter::default();
    // What is inside scripts, styles and the like is no tag.
    emitter.naively_switch_states(true);
    for Ok(token) in Tokenizer::new_with_emitter(&*text, emitter).take(limits::TOKENS) {
        if !head.take(token) {
            break;
        }
    }
    Some(head.page())
}

/// Whether these bytes contain the end of the head, so that the rest of the page need not be read. `from` is how much
/// of them was searched before.
pub fn has_whole_head(bytes: &[u8], from: usize) -> bool {
    let ends: [&[u8]; 2] = [b"</head", b"<body"];
    let longest = ends.iter().map(|end| end.len()).max().unwrap_or_default();
    let new = bytes.get(from.saturating_sub(longest - 1)..).unwrap_or_default();
    ends.iter().any(|end| new.windows(end.len()).any(|part| part.eq_ignore_ascii_case(end)))
}

/// Elements in which nothing counts: what is in them is no part of the head, although it may look so. An `svg` may have
/// a `title`.
const SKIPPED: [&[u8]; 4] = [b"noscript", b"object", b"svg", b"template"];

/// The head while it is read. The first value of each name counts.
#[derive(Default)]
struct Head {
    title: Option<String>,
    properties: Vec<(String, String)>,
    /// The text of the title is being read.
    in_title: bool,
    /// The element that is skipped, and how many of its kind are open.
    skipped: Option<(HtmlString, usize)>,
}

impl Head {
    /// Returns false at the end of the head.
    fn take(&mut self, token: Token) -> bool {
        if let Some((name, depth)) = &mut self.skipped {
            match token {
                Token::StartTag(tag) if tag.name == *name && !tag.self_closing => *depth += 1,
                Token::EndTag(tag) if tag.name == *name => *depth -= 1,
                _ => {}
            }
            if *depth == 0 {
                self.skipped = None;
            }
            return true;
        }
        match token {
            Token::StartTag(tag) => return self.start(&tag),
            Token::EndTag(tag) if tag.name.as_slice() == b"head" => return false,
            Token::EndTag(tag) if tag.name.as_slice() == b"title" => self.in_title = false,
            Token::String(text) if self.in_title => {
                self.title.get_or_insert_default().push_str(&String::from_utf8_lossy(&text));
            }
            _ => {}
        }
        true
    }

    fn start(&mut self, tag: &StartTag<()>) -> bool {
        match tag.name.as_slice() {
            b"body" => return false,
            b"title" => self.in_title = self.title.is_none(),
            b"meta" => self.meta(tag),
            name if SKIPPED.contains(&name) && !tag.self_closing => {
                self.skipped = Some((tag.name.clone(), 1));
            }
            _ => {}
        }
        true
    }

    fn meta(&mut self, tag: &StartTag<()>) {
        let value = |name: &str| {
            let value = tag.attributes.get(name.as_bytes())?;
            Some(String::from_utf8_lossy(value).into_owned())
        };
        let name = value("property").or_else(|| value("name"));
        let (Some(name), Some(content)) = (name, value("content")) else { return };
        if NAMES.iter().any(|known| known.contains(&&*name.to_ascii_lowercase()))
            && self.properties.len() < limits::PROPERTIES
        {
            self.properties.push((name.to_ascii_lowercase(), content));
        }
    }

    fn page(self) -> WebPage {
        let first = |names: &[&str]| {
            names.iter().find_map(|wanted| {
                let found = self.properties.iter().filter(|(name, _)| name == wanted);
                found.map(|(_, value)| value.trim()).find(|value| !value.is_empty())
            })
        };
        let [titles, texts, sites, images] = NAMES;
        WebPage {
            title: plain(
                first(titles).or(self.title.as_deref()).unwrap_or_default(),
                limits::TITLE,
            ),
            text: plain(first(texts).unwrap_or_default(), limits::TEXT),
            site: plain(first(sites).unwrap_or_default(), limits::SITE),
            image: first(images).unwrap_or_default().to_owned(),
        }
    }
}

/// The names of the title, the text, the site and the picture, the best first.
const NAMES: [&[&str]; 4] = [
    &["og:title", "twitter:title"],
    &["og:description", "twitter:description", "description"],
    &["og:site_name"],
    &["og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src"],
];

/// Characters that stand for bytes of another charset. A text with more of them is of no use.
const MAX_REPLACED: usize = 3;

/// One line of visible text with at most `most` characters: without controls, and without marks that turn the
/// direction of the text around it (Unicode TR 36, 3.2).
pub fn plain(text: &str, most: usize) -> String {
    // Much more than is kept, so that a text of a megabyte costs no more.
    let text: String = text.chars().take(8 * most).collect();
    if text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count() > MAX_REPLACED {
        return String::new();
    }
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words =
        words.map(|word| word.chars().filter(|c| !is_direction_mark(*c)).collect::<String>());
    let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let cut: String = line.chars().take(most - 1).collect();
    format!("{}…", cut.trim_end())
}

/// Marks, embeddings, overrides and isolates of direction, and the invisible characters beside them.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests;
