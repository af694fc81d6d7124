//! What must stay true of the sources as a whole.
#![expect(clippy::string_slice, reason = "the sources are cut where a search found something")]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The rings, low to high. Parts on one line know nothing of each other.
const RINGS: [&[&str]; 12] = [
    &["limits"],
    &["kernel", "config", "lifecycle", "progress", "text"],
    &["data_dir", "i18n", "media", "websocket"],
    &["db", "pubsub"],
    &["changefeed", "jobs"],
    &["chat"],
    &["http"],
    &["pages", "api", "backup"],
    &["export", "realtime"],
    &["server"],
    &["cli"],
    &["main"],
];

/// The parts of `chat`, low to high. Models stand below the events, verbs above.
const CHAT: [&str; 14] = [
    "accounts::model",
    "names::model",
    "rooms::model",
    "messages::model",
    "events",
    "audit",
    "names",
    "accounts",
    "rooms",
    "sync",
    "search",
    "messages",
    "presence",
    "commands",
];

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{folder} has files");
    found
}

/// A file as a module path: `src/chat/rooms/mod.rs` is `[chat, rooms]`.
fn module(file: &Path) -> Vec<String> {
    let path =
        file.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("in src");
    let mut parts: Vec<_> = path
        .with_extension("")
        .iter()
        .map(|part| part.to_str().expect("text").to_owned())
        .collect();
    parts.retain(|part| part != "mod");
    parts
}

/// All modules that a file names by `crate::…` or `super::…`, as module paths.
fn imports(file: &Path, text: &str) -> BTreeSet<Vec<String>> {
    let here = module(file);
    let code: String = production(text)
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut found = BTreeSet::new();
    for (marker, base) in
        [("crate::", Vec::new()), ("super::", here[..here.len().saturating_sub(1)].to_vec())]
    {
        for (at, _) in code.match_indices(marker) {
            let before = code[..at].chars().next_back();
            // `pub(in crate::…)` says who may look, and uses nothing.
            let visibility = code[..at].ends_with("pub(in ");
            if visibility || before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let rest = &code[at + marker.len()..];
            let names: Vec<&str> = match rest.strip_prefix('{') {
                Some(list) => list.split('}').next().expect("text").split(',').collect(),
                None => vec![rest],
            };
            for name in names {
                let path = name.trim().split("::").map(|part| {
                    part.split(|c: char| !c.is_alphanumeric() && c != '_')
                        .next()
                        .expect("text")
                        .to_owned()
                });
                let small = path.take_while(|p| p.starts_with(|c: char| c.is_ascii_lowercase()));
                found.insert(base.iter().cloned().chain(small).collect());
            }
        }
    }
    found
}

/// A file without its unit tests, which are always the last thing in it.
fn production(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod tests {").next().expect("text")
}

fn ring(path: &[String]) -> Option<usize> {
    let name = path.first()?;
    RINGS.iter().position(|ring| ring.contains(&name.as_str()))
}

fn place_in_chat(path: &[String]) -> Option<usize> {
    let inside = path.strip_prefix(&["chat".to_owned()])?;
    let two = inside.get(..2).map(|names| names.join("::"));
    let one = inside.first()?;
    CHAT.iter()
        .position(|part| Some(*part) == two.as_deref())
        .or_else(|| CHAT.iter().position(|part| part == one))
}

#[test]
fn imports_point_down() {
    let mut checked = 0;
    for file in files("src", "rs") {
        let text = fs::read_to_string(&file).expect("text");
        let here = module(&file);
        for import in imports(&file, &text) {
            let (Some(from), Some(to)) = (ring(&here), ring(&import)) else { continue };
            checked += 1;
            let same_part = here.first() == import.first();
            assert!(to < from || same_part, "{} uses {}", file.display(), import.join("::"));
            if let (Some(from), Some(to)) = (place_in_chat(&here), place_in_chat(&import)) {
                // presence/model.rs and the like: a feature's own model is part of it.
                assert!(to <= from, "{} uses {}", file.display(), import.join("::"));
            }
        }
    }
    assert!(checked > 100, "the test sees the imports: {checked}");
}

/// What is imported, as edges between the children of the module that importer and imported share. In
/// `chat` a feature's model is a child of its own: models stand below the events, verbs above.
fn sibling_imports() -> BTreeMap<Vec<String>, BTreeMap<String, BTreeSet<String>>> {
    let modules: BTreeSet<Vec<String>> = files("src", "rs").iter().map(|f| module(f)).collect();
    let mut found: BTreeMap<_, BTreeMap<_, BTreeSet<_>>> = BTreeMap::new();
    for file in files("src", "rs") {
        let here = module(&file);
        for mut import in imports(&file, &fs::read_to_string(&file).expect("text")) {
            while !modules.contains(&import) && import.pop().is_some() {}
            let shared = here.iter().zip(&import).take_while(|(a, b)| a == b).count();
            if shared == here.len() || shared == import.len() {
                continue;
            }
            let parent = here[..shared].to_vec();
            let child = |path: &[String]| match path.get(shared + 1) {
                Some(model) if parent == ["chat"] && model == "model" => {
                    format!("{}::model", path[shared])
                }
                _ => path[shared].clone(),
            };
            let edge = (child(&here), child(&import));
            found.entry(parent).or_default().entry(edge.0).or_default().insert(edge.1);
        }
    }
    found
}

#[test]
fn no_module_imports_itself_by_way_of_its_siblings() {
    let mut checked = 0;
    for (parent, mut edges) in sibling_imports() {
        checked += 1;
        // Whatever imports nothing that is left is in no cycle.
        loop {
            let left: BTreeSet<String> = edges.keys().cloned().collect();
            for targets in edges.values_mut() {
                targets.retain(|target| left.contains(target));
            }
            let before = edges.len();
            edges.retain(|_, targets| !targets.is_empty());
            if edges.len() == before {
                break;
            }
        }
        assert!(edges.is_empty(), "a cycle in {}: {edges:?}", parent.join("::"));
    }
    assert!(checked > 10, "the test sees the modules: {checked}");
}

#[test]
fn no_folder_has_more_than_twelve_files() {
    for (root, extension) in
        [("src", "rs"), ("static", "css"), ("static", "js"), ("templates", "html"), ("tests", "rs")]
    {
        let mut count: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for file in files(root, extension).iter().filter(|file| !file.ends_with("mod.rs")) {
            *count.entry(file.parent().expect("a folder").to_owned()).or_default() += 1;
        }
        for (folder, count) in count {
            assert!(count <= 12, "{} has {count} files", folder.display());
        }
    }
}

#[test]
fn in_a_feature_models_know_no_store_and_stores_know_no_verb() {
    for file in files("src/chat", "rs") {
        let text = fs::read_to_string(&file).expect("text");
        let code = production(&text);
        let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
        // More verbs of the feature, in a file of their own.
        let verbs = ["Accounts", "Rooms"].iter().any(|n| code.contains(&format!("\nimpl {n} {{")));
        if name != "mod.rs" && !verbs && !file.iter().any(|part| part == "store") {
            let up = code.lines().find(|line| {
                line.contains("use super::{") || {
                    line.contains("use super::")
                        && line
                            .split("super::")
                            .nth(1)
                            .is_some_and(|rest| rest.starts_with(char::is_uppercase))
                }
            });
            assert_eq!(up, None, "{} uses what its verbs define", file.display());
        }
        let sql = code.contains("sqlx::query");
        let store = name == "store.rs" || file.iter().any(|part| part == "store");
        assert!(!sql || store, "{} has SQL", file.display());
        if name == "model.rs" {
            assert!(!code.contains("store::") && !code.contains("crate::db"), "{}", file.display());
        }
    }
}

#[test]
fn every_file_says_what_it_is_for_and_has_one_reason_to_exist() {
    for file in files("src", "rs") {
        let text = fs::read_to_string(&file).expect("text");
        assert!(text.starts_with("//! "), "{} begins with what it is for", file.display());
        let lines = production(&text).lines().count();
        assert!(lines <= 400, "{} has {lines} lines", file.display());
    }
}

#[test]
fn the_first_two_pages_of_documentation_are_short() {
    for page in ["README.md", "ARCHITECTURE.md"] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page));
        let lines = text.expect("text").lines().count();
        assert!(lines <= 200, "{page} has {lines} lines");
    }
}

#[test]
fn templates_have_short_lines() {
    for file in files("templates", "html").into_iter().chain(files("templates", "css")) {
        let text = fs::read_to_string(&file).expect("text");
        for (number, line) in text.lines().enumerate() {
            let length = line.chars().count();
            assert!(length <= 120, "{}:{}: {length} columns", file.display(), number + 1);
        }
    }
}

/// The messages of a language: key and the variables it uses.
fn catalogue(language: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    let mut key = String::new();
    for file in files(&format!("locales/{language}"), "ftl") {
        for line in fs::read_to_string(&file).expect("text").lines() {
            if line.starts_with(|c: char| c.is_ascii_lowercase()) {
                line.split(" =").next().expect("a key").clone_into(&mut key);
                assert!(found.insert(key.clone(), BTreeSet::new()).is_none(), "{key} stands twice");
            }
            if let Some(variables) = found.get_mut(&key) {
                let names = line.split('$').skip(1).map(|rest| {
                    rest.split(|c: char| !c.is_alphanumeric()).next().expect("a name").to_owned()
                });
                variables.extend(names);
            }
        }
    }
    found
}

/// Everything in quotes in the sources that could be a key.
fn quoted_words() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files("src", "rs").into_iter().chain(files("templates", "html")) {
        let text = fs::read_to_string(&file).expect("text");
        found.extend(text.split('"').map(str::to_owned));
    }
    found
}

#[test]
fn both_languages_say_everything_with_the_same_variables() {
    assert_eq!(catalogue("en"), catalogue("es"));
}

#[test]
fn the_catalogue_has_every_text_that_is_used_and_no_other() {
    let known: BTreeSet<String> = catalogue("en").into_keys().collect();
    let words = quoted_words();
    for key in &known {
        assert!(words.contains(key), "{key} is used nowhere");
    }
    for file in files("src", "rs").into_iter().chain(files("templates", "html")) {
        let text = fs::read_to_string(&file).expect("text");
        for call in ["say(\"", ".name(\"", "count(\"", "field\", \"", "saying(StatusCode::"] {
            for (at, _) in
                text.match_indices(call).filter(|(at, _)| !text[*at..].starts_with("field\", \"}"))
            {
                let rest = &text[at + call.len()..];
                let rest = if call.starts_with("saying") {
                    rest.split('"').nth(1).unwrap_or_default()
                } else {
                    rest.split('"').next().expect("text")
                };
                assert!(known.contains(rest), "{}: {rest} is not in the catalogue", file.display());
            }
        }
        for (at, _) in text.match_indices("Invalid::new(\"") {
            let reason = text[at..].split('"').nth(3).expect("a reason");
            assert!(known.contains(reason), "{}: {reason} is not in the catalogue", file.display());
        }
        for (at, _) in text.match_indices("refuse(\"") {
            let reason = text[at..].split('"').nth(1).expect("a reason");
            assert!(known.contains(reason), "{}: {reason} is not in the catalogue", file.display());
        }
    }
}

#[test]
fn both_databases_have_the_same_migrations_and_tables() {
    let names = |folder: &str| -> Vec<_> {
        files(folder, "sql").iter().map(|file| file.file_name().map(ToOwned::to_owned)).collect()
    };
    assert_eq!(names("migrations/sqlite"), names("migrations/postgres"));
    // One line of SQL is one of the other's; a file of comments says that there is nothing to do.
    let first_words = |folder: &str, file: &Option<OsString>| -> Vec<String> {
        let path = Path::new(folder).join(file.as_ref().expect("a name"));
        let text = fs::read_to_string(path).expect("text");
        let code = text.lines().map(|line| line.split("--").next().expect("text").trim());
        let words = code.filter_map(|line| line.split_whitespace().next());
        words.map(|word| word.trim_end_matches(';').to_owned()).collect()
    };
    for file in &names("migrations/sqlite") {
        let both = ["migrations/sqlite", "migrations/postgres"].map(|at| first_words(at, file));
        if both.iter().all(|words| !words.is_empty()) {
            assert_eq!(both[0], both[1], "{file:?}");
        }
    }
}
