//! Writes HTML. It is the only place that writes tags, and it writes none but these; text and addresses are
//! escaped. So no input can create a tag.

use html_escape::{encode_double_quoted_attribute, encode_text};

use super::language::Language;
use crate::text::emoji::is_of_codes;

/// The tags around a paragraph.
pub(super) const OPEN: &str = "<p>";
pub(super) const CLOSE: &str = "</p>";
/// The tag of a custom emoji, up to its name: its beginning, and the folder of the images.
const EMOJI: &str = "<img class=\"emoji\" src=\"/emoji/";
const IMAGE: &str = "<img class=\"emoji\" src=\"";

/// What follows an at sign to mention many. No user has one of these names.
const WIDE: [&str; 2] = ["room", "here"];
const OPEN_WIDE: &str = "<strong class=\"mention mention--wide\">";

/// What has a beginning and an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Paragraph,
    /// A paragraph of a few emoji and nothing else.
    LargeEmoji,
    /// A paragraph that looks like a heading: real ones would be headings of the page around it.
    Heading(Size),
    Quote,
    Bullets,
    /// With the first number.
    Numbers(u64),
    Item,
    /// The first row follows as its head.
    Table,
    TableHead,
    TableRow,
    HeadCell(Align),
    Cell(Align),
    Emphasis,
    Strong,
    Struck,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Large,
    Medium,
    Small,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Start,
    Center,
    Right,
}

/// HTML that is being written.
#[derive(Debug)]
pub(super) struct Html(String);

impl Html {
    /// For a text of this many bytes.
    pub fn for_text(bytes: usize) -> Self {
        Self(String::with_capacity(bytes + bytes / 4 + 16))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn into_string(self) -> String {
        self.0
    }

    pub fn open(&mut self, element: Element) {
        let tag = match element {
            Element::Paragraph => OPEN,
            Element::LargeEmoji => "<p class=\"emoji-large\">",
            Element::Heading(Size::Large) => "<p class=\"h1\">",
            Element::Heading(Size::Medium) => "<p class=\"h2\">",
            Element::Heading(Size::Small) => "<p class=\"h3\">",
            Element::Quote => "<blockquote>",
            Element::Bullets => "<ul>",
            Element::Numbers(1) => "<ol>",
            Element::Numbers(first) => {
                self.push(&["<ol start=\"", &first.to_string(), "\">"]);
                return;
            }
            Element::Item => "<li>",
            Element::Table => "<div class=\"table\"><table>",
            Element::TableHead => "<thead><tr>",
            Element::TableRow => "<tr>",
            Element::HeadCell(Align::Start) => "<th>",
            Element::HeadCell(Align::Center) => "<th class=\"center\">",
            Element::HeadCell(Align::Right) => "<th class=\"right\">",
            Element::Cell(Align::Start) => "<td>",
            Element::Cell(Align::Center) => "<td class=\"center\">",
            Element::Cell(Align::Right) => "<td class=\"right\">",
            Element::Emphasis => "<em>",
            Element::Strong => "<strong>",
            Element::Struck => "<s>",
        };
        self.0.push_str(tag);
    }

    pub fn close(&mut self, element: Element) {
        self.0.push_str(match element {
            Element::Paragraph | Element::LargeEmoji | Element::Heading(_) => CLOSE,
            Element::Quote => "</blockquote>",
            Element::Bullets => "</ul>",
            Element::Numbers(_) => "</ol>",
            Element::Item => "</li>",
            Element::Table => "</tbody></table></div>",
            Element::TableHead => "</tr></thead><tbody>",
            Element::TableRow => "</tr>",
            Element::HeadCell(_) => "</th>",
            Element::Cell(_) => "</td>",
            Element::Emphasis => "</em>",
            Element::Strong => "</strong>",
            Element::Struck => "</s>",
        });
    }

    pub fn text(&mut self, text: &str) {
        self.0.push_str(&encode_text(text));
    }

    pub fn line_break(&mut self) {
        self.0.push_str("<br>");
    }

    pub fn rule(&mut self) {
        self.0.push_str("<hr>");
    }

    /// The box before a task. It is text, because a check box that changes nothing misleads.
    pub fn task_box(&mut self, done: bool) {
        self.0.push_str(if done {
            "<span class=\"task task--done\">☑</span> "
        } else {
            "<span class=\"task\">☐</span> "
        });
    }

    pub fn code(&mut self, code: &str) {
        self.push(&["<code>", &encode_text(code), "</code>"]);
    }

    pub fn code_block(&mut self, language: Option<&Language>, code: &str) {
        match language {
            Some(language) => {
                let name = encode_double_quoted_attribute(language.as_str());
                self.push(&["<pre class=\"code\" data-lang=\"", &name, "\"><code>"]);
            }
            None => self.0.push_str("<pre><code>"),
        }
        self.push(&[&encode_text(code), "</code></pre>"]);
    }

    /// `href` begins with `http:`, `https:` or `mailto:`.
    pub fn open_link(&mut self, href: &str) {
        // `noopener noreferrer`: the other site gets neither a window handle nor the address of the
        // room.
        let rest = if href.starts_with("mailto:") {
            "\">"
        } else {
            "\" target=\"_blank\" rel=\"noopener noreferrer nofollow ugc\">"
        };
        self.push(&["<a href=\"", &encode_double_quoted_attribute(href), rest]);
    }

    pub fn close_link(&mut self) {
        self.0.push_str("</a>");
    }

    /// A handle that is typed after an at sign, or one of the [`WIDE`] words.
    pub fn mention(&mut self, sign: &str, typed: &str, name: &str) {
        if WIDE.contains(&name) {
            self.push(&[OPEN_WIDE, sign, &encode_text(typed), "</strong>"]);
            return;
        }
        let name = encode_double_quoted_attribute(name);
        let typed = encode_text(typed);
        self.push(&["<a class=\"mention\" href=\"/direct/", &name, "\">", sign, &typed, "</a>"]);
    }

    /// The image of a custom emoji. `name` and `version` are parts of a path.
    pub fn custom_emoji(&mut self, name: &str, version: &str) {
        self.push(&[EMOJI, name, ".", version, "\" alt=\":", name, ":\">"]);
    }

    fn push(&mut self, parts: &[&str]) {
        for part in parts {
            self.0.push_str(part);
        }
    }
}

/// The text of rendered HTML, without marks: for excerpts, notifications and search results. Blocks and lines
/// end in `\n`, cells in a tab.
pub fn text_of(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, tag_and_rest)) = rest.split_once('<') {
        push_unescaped(&mut text, before);
        let Some((tag, behind)) = tag_and_rest.split_once('>') else { break };
        match tag {
            "br" | "/p" | "/li" | "/tr" | "/pre" | "hr" => end_with(&mut text, '\n', tag == "br"),
            "/th" | "/td" => text.push('\t'),
            // A list inside an item.
            "ul" => end_with(&mut text, '\n', false),
            _ if tag.starts_with("img") => {
                let alt = tag.split_once("alt=\"").and_then(|(_, alt)| alt.split_once('"'));
                text.push_str(alt.map_or("", |(alt, _)| alt));
            }
            _ if tag.starts_with("ol") => end_with(&mut text, '\n', false),
            _ => {}
        }
        rest = behind;
    }
    push_unescaped(&mut text, rest);
    text.truncate(text.trim_end().len());
    text
}

/// Ends a line, unless it is empty and has ended already.
fn end_with(text: &mut String, end: char, always: bool) {
    if text.ends_with('\t') {
        text.pop();
    }
    if always || !(text.is_empty() || text.ends_with(end)) {
        text.push(end);
    }
}

fn push_unescaped(text: &mut String, escaped: &str) {
    if escaped.contains('&') {
        text.push_str(&html_escape::decode_html_entities(escaped));
    } else {
        text.push_str(escaped);
    }
}

/// The handles that rendered HTML links, as their users write them.
pub fn linked_handles(html: &str) -> impl Iterator<Item = String> {
    html.split("<a class=\"mention\" href=\"/direct/").skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('"')?;
        Some(html_escape::decode_html_entities(name).into_owned())
    })
}

/// The web addresses that rendered HTML links outside of quotes, in their order.
pub fn web_links(html: &str) -> impl Iterator<Item = String> {
    let mut quotes = 0_usize;
    html.split('<').skip(1).filter_map(move |tag| {
        if tag.starts_with("blockquote>") {
            quotes += 1;
        } else if tag.starts_with("/blockquote>") {
            quotes = quotes.saturating_sub(1);
        }
        let (address, _) = tag.strip_prefix("a href=\"")?.split_once('"')?;
        let is_own = quotes == 0 && !address.starts_with("mailto:");
        is_own.then(|| html_escape::decode_html_entities(address).into_owned())
    })
}

/// The custom emoji in rendered HTML: the name and the version of each. What is no name and no version is left
/// out, because an import may hold any HTML.
pub fn custom_emoji(html: &str) -> impl Iterator<Item = (String, String)> {
    html.split(EMOJI).skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once('.')?;
        let (version, _) = rest.split_once('"')?;
        is_custom_emoji(name, version).then(|| (name.to_owned(), version.to_owned()))
    })
}

/// Rendered HTML whose custom emoji are files of a folder, `NAME.VERSION.png` each. The folder is a part of an
/// attribute.
pub fn with_emoji_files(html: &str, folder: &str) -> String {
    let mut parts = html.split(EMOJI);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (file, rest) = part.split_once('"').unwrap_or((part, ""));
        for text in [IMAGE, folder, file, ".png\"", rest] {
            result.push_str(text);
        }
    }
    result
}

/// Whether these may be the name of a custom emoji and the version of its image.
pub fn is_custom_emoji(name: &str, version: &str) -> bool {
    (2..=32).contains(&name.len())
        && name.chars().all(is_of_codes)
        && version.len() == 8
        && version.bytes().all(|byte| byte.is_ascii_hexdigit())
}
