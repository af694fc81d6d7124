//! What rendered HTML may consist of: the reader of the writer, for tests and for the fuzzer. It knows two
//! users, `ana` and `luis`, and a custom emoji, `party`.

use super::super::Place;

/// What the renderer asks for: two users and a custom emoji.
pub fn find(name: &str, place: Place) -> Option<String> {
    match place {
        Place::Code => (name == "party").then(|| "1a2b3c4d".to_owned()),
        _ => ["ana", "luis"].into_iter().find(|known| *known == name).map(str::to_owned),
    }
}

/// The element with its attributes, as the renderer may write it.
fn is_allowed(tag: &str) -> bool {
    let link = " target=\"_blank\" rel=\"noopener noreferrer nofollow ugc\"";
    let within = |before: &str, behind: &str| {
        tag.strip_prefix(before).and_then(|rest| rest.strip_suffix(behind))
    };
    let is_quoted = |value: &str| !value.contains(['"', '<', '>']);
    let web = within("a href=\"", &format!("\"{link}"));
    let mail = within("a href=\"mailto:", "\"").is_some_and(is_quoted);
    let number = within("ol start=\"", "\"");
    let language = within("pre class=\"code\" data-lang=\"", "\"");
    let of_language = |c: char| c.is_ascii_alphanumeric() || "+#-".contains(c);
    [
        "p",
        "p class=\"emoji-large\"",
        "img class=\"emoji\" src=\"/emoji/party.1a2b3c4d\" alt=\":party:\"",
        "p class=\"h1\"",
        "p class=\"h2\"",
        "p class=\"h3\"",
        "br",
        "hr",
        "strong",
        "strong class=\"mention mention--wide\"",
        "em",
        "s",
        "code",
        "pre",
        "ul",
        "ol",
        "li",
        "blockquote",
        "div class=\"table\"",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "th class=\"center\"",
        "th class=\"right\"",
        "td class=\"center\"",
        "td class=\"right\"",
        "span class=\"task\"",
        "span class=\"task task--done\"",
        "a class=\"mention\" href=\"/direct/ana\"",
        "a class=\"mention\" href=\"/direct/luis\"",
    ]
    .contains(&tag)
        || web.is_some_and(|href| href.to_ascii_lowercase().starts_with("http") && is_quoted(href))
        || mail
        || number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        || language.is_some_and(|name| name.chars().all(of_language))
}

/// Whether the tags are the allowed ones, each closed in its place, and blocks and links where they may be.
pub fn check(html: &str) -> Result<(), String> {
    const INLINE: [&str; 6] = ["p", "a", "em", "strong", "s", "code"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some((text, behind)) = rest.split_once('<') {
        let (tag, behind) = behind.split_once('>').ok_or("an open tag")?;
        rest = behind;
        if text.contains('>') {
            return Err(format!("a bare > in {text}"));
        }
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("{name} is closed out of place"));
            }
            continue;
        }
        let name = tag.split(' ').next().unwrap_or_default();
        let is_in = |names: &[&str]| open.iter().any(|open| names.contains(open));
        let is_misplaced = match name {
            "p" | "ul" | "ol" | "blockquote" | "pre" | "div" | "hr" => is_in(&INLINE),
            "li" => !matches!(open.last(), Some(&("ul" | "ol"))),
            "a" => is_in(&["a", "code"]),
            "em" | "strong" | "s" | "br" | "img" => is_in(&["code"]),
            _ => false,
        };
        if !is_allowed(tag) || is_misplaced || open.len() > 64 {
            return Err(format!("{tag} in {open:?}"));
        }
        if !["br", "hr", "img"].contains(&name) {
            open.push(name);
        }
    }
    if open.is_empty() && !rest.contains('>') {
        Ok(())
    } else {
        Err(format!("{open:?} stays open"))
    }
}
