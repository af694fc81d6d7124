//! Rules for hx-* attributes. What they may do is decided in `templates/hypermedia.html` and
//! `static/js/hypermedia`; no other place has them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::tidy::files;

/// The templates that define macros with hx-* attributes.
const MACROS: [&str; 2] = ["hypermedia.html", "accounts/_field.html"];

const ATTRIBUTES: [&str; 9] = [
    "hx-boost",
    "hx-get",
    "hx-replace-url",
    "hx-select",
    "hx-select-oob",
    "hx-swap",
    "hx-sync",
    "hx-target",
    "hx-trigger",
];

/// What the server sends over live connections, to thousands of browsers, as the same bytes.
const DELIVERED: [&str; 3] = ["messages/_message.html", "rooms/_row.html", "rooms/_member.html"];

/// Forms that lead to another page, change language or theme, or belong to messages.
const PLAIN_FORMS: [&str; 29] = [
    "/admin/people/close",
    "/admin/people/erase",
    "/direct",
    "/join",
    "/join/{{ code }}",
    "/login",
    "/logout",
    "/messages/{{ id }}/delete",
    "/messages/{{ id }}/edit",
    "/messages/{{ id }}/pin",
    "/messages/{{ id }}/previews/{{ p.n }}/delete",
    "/messages/{{ id }}/reactions",
    "/messages/{{ id }}/unpin",
    "/messages/{{ id }}/unread",
    "/messages/{{ m.id }}/reactions",
    "/register",
    "/reset/{{ link }}",
    "/rooms",
    "/rooms/{{ room.id }}/archive",
    "/rooms/{{ room.id }}/delete",
    "/rooms/{{ room.id }}/favourite",
    "/rooms/{{ room.id }}/join",
    "/rooms/{{ room.id }}/leave",
    "/rooms/{{ room.id }}/members",
    "/rooms/{{ room.id }}/restore",
    "/settings/look",
    "/threads/{{ thread.head_id }}/follow",
    "{{ action }}",
    "{{ room.post_path }}",
];

/// Members of forms and elements that htmx or our scripts use. A control of that name hides the
/// member from them: `form.remove()` would call a button. Nothing reads `form.name`.
const MEMBERS: [&str; 30] = [
    "action",
    "addEventListener",
    "append",
    "attributes",
    "children",
    "childNodes",
    "classList",
    "closest",
    "contains",
    "dataset",
    "elements",
    "enctype",
    "firstChild",
    "focus",
    "getAttribute",
    "hasAttribute",
    "id",
    "isConnected",
    "matches",
    "method",
    "nextSibling",
    "noValidate",
    "parentNode",
    "querySelector",
    "remove",
    "reset",
    "setAttribute",
    "submit",
    "tagName",
    "target",
];

/// The templates with their paths below `templates`.
fn templates() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let read = |file: std::path::PathBuf| {
        let name = file.strip_prefix(&root).expect("below the root").display().to_string();
        (name, without_comments(&fs::read_to_string(&file).expect("text")))
    };
    files("templates", "html").into_iter().map(read).collect()
}

/// Comments may name what is forbidden.
fn without_comments(text: &str) -> String {
    let mut parts = text.split("{#");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + part.split_once("#}").expect("the end of a comment").1)
}

/// What stands between two marks, at each place.
fn between<'a>(text: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    text.split(from).skip(1).map(|rest| rest.split(to).next().unwrap_or_default()).collect()
}

/// The hx-* attributes of a text with their values.
fn attributes(text: &str) -> Vec<(String, &str)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-:_".contains(c);
    let found = text.match_indices("hx-").map(|(at, _)| {
        let (name, rest) = text
            .split_at(at)
            .1
            .split_at(text.split_at(at).1.find(|c| !is_name(c)).unwrap_or(text.len() - at));
        let value = rest.strip_prefix("=\"").and_then(|rest| rest.split('"').next());
        (name.to_owned(), value.unwrap_or_default())
    });
    found.collect()
}

#[test]
fn attributes_are_in_the_macros_only() {
    let mut used = BTreeSet::new();
    for (name, text) in templates() {
        let found = attributes(&text);
        let is_macro = MACROS.contains(&name.as_str());
        assert!(is_macro || found.is_empty(), "{name} has {found:?}: use a macro");
        for (attribute, value) in found {
            assert!(ATTRIBUTES.contains(&attribute.as_str()), "{name}: {attribute} is not allowed");
            let is_filtered = attribute == "hx-trigger" && value.contains('[');
            let runs = value.contains("js:") || value.contains("javascript:");
            assert!(!is_filtered && !runs, "{name}: {attribute}=\"{value}\" needs eval");
            used.insert(attribute);
        }
    }
    assert_eq!(used.len(), ATTRIBUTES.len(), "used: {used:?}");
}

#[test]
fn delivered_fragments_have_no_attributes() {
    let all = templates();
    let mut pending: Vec<&str> = DELIVERED.to_vec();
    let mut seen = BTreeSet::new();
    while let Some(name) = pending.pop() {
        if !seen.insert(name) {
            continue;
        }
        let (_, text) = all.iter().find(|(file, _)| file == name).expect("a template");
        assert!(!text.contains("hx-") && !text.contains("hx::"), "{name} is delivered");
        for tag in ["include \"", "import \"", "extends \""] {
            pending.extend(between(text, tag, "\""));
        }
    }
    assert!(seen.len() > DELIVERED.len(), "what they include is read, too: {seen:?}");
}

#[test]
fn every_form_that_writes_is_swapped_or_leads_elsewhere() {
    let mut swapped = 0;
    let mut plain = BTreeSet::new();
    for (name, text) in templates() {
        for form in between(&text, "<form", "</form>") {
            let tag = form.split('>').next().unwrap_or_default();
            if !tag.contains("method=\"post\"") {
                continue;
            }
            if tag.contains("{{ hx::form() }}") {
                swapped += 1;
                continue;
            }
            let action = between(tag, "action=\"", "\"").first().copied().unwrap_or_default();
            assert!(
                PLAIN_FORMS.contains(&action),
                "{name}: the form {action} has no {{{{ hx::form() }}}} and is not in the list"
            );
            plain.insert(action.to_owned());
        }
    }
    assert!(swapped > 15, "{swapped} forms");
    assert_eq!(plain.len(), PLAIN_FORMS.len(), "not all are there: {plain:?}");
}

#[test]
fn no_control_is_named_like_a_member_of_its_form() {
    let mut checked = 0;
    for (name, text) in templates() {
        let literal = between(&text, " name=\"", "\"");
        let macros = between(&text, "fields::", ")");
        let given = macros.iter().flat_map(|call| call.split('"').skip(1).step_by(2));
        for field in literal.into_iter().chain(given) {
            assert!(!MEMBERS.contains(&field), "{name}: a control is named {field}");
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked} names");
}

#[test]
fn one_module_imports_htmx() {
    let imports =
        |file: &std::path::PathBuf| fs::read_to_string(file).expect("text").contains("'htmx.org'");
    let found: Vec<_> = files("static/js", "js").into_iter().filter(imports).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].ends_with("hypermedia/bridge.js"), "{found:?}");
}
