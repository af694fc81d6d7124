//! Rules for the sources as a whole.
#![expect(clippy::string_slice, reason = "the indices come from searches in the text")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The layers, from low to high. Modules of one layer do not import each other.
const LAYERS: [&[&str]; 12] = [
    &["limits"],
    &["kernel", "config", "lifecycle", "progress", "text"],
    &["data_dir", "i18n", "media", "outgoing", "websocket"],
    &["db", "pubsub"],
    &["attempts", "changefeed", "jobs"],
    &["chat"],
    &["http"],
    &["pages", "api", "backup"],
    &["export", "realtime"],
    &["server"],
    &["cli"],
    &["main"],
];

/// The modules of `chat`, from low to high. Models are below the events, operations above.
const CHAT: [&str; 23] = [
    "accounts::model",
    "emoji::model",
    "names::model",
    "rooms::model",
    "link_previews::model",
    "files::model",
    "messages::model",
    "drafts::model",
    "events",
    "presence",
    "audit",
    "names",
    "accounts",
    "emoji",
    "rooms",
    "search",
    "drafts",
    "files",
    "messages",
    "link_previews",
    "saved",
    "sync",
    "commands",
];

pub(super) fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
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
            // `pub(in crate::…)` limits visibility and imports nothing.
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

/// A file without its unit tests, which are always at the end.
fn production(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod tests {").next().expect("text")
}

fn layer(path: &[String]) -> Option<usize> {
    let name = path.first()?;
    LAYERS.iter().position(|layer| layer.contains(&name.as_str()))
}

fn layer_in_chat(path: &[String]) -> Option<usize> {
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
            let (Some(from), Some(to)) = (layer(&here), layer(&import)) else { continue };
            checked += 1;
            let same_part = here.first() == import.first();
            assert!(to < from || same_part, "{} uses {}", file.display(), import.join("::"));
            if let (Some(from), Some(to)) = (layer_in_chat(&here), layer_in_chat(&import)) {
                // A feature may import its own model, such as presence/model.rs.
                assert!(to <= from, "{} uses {}", file.display(), import.join("::"));
            }
        }
    }
    assert!(checked > 100, "the test sees the imports: {checked}");
}

/// All imports, as edges between the children of the closest module that both files share. In `chat` a
/// feature's model is a separate child: models are below the events, operations above.
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
fn sibling_modules_have_no_import_cycles() {
    let mut checked = 0;
    for (parent, mut edges) in sibling_imports() {
        checked += 1;
        // A module that imports none of the remaining modules is in no cycle.
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
fn handlers_cannot_reach_the_database_or_the_hub() {
    let mut checked = 0;
    for folder in ["src/api", "src/http", "src/pages", "src/realtime"] {
        for file in files(folder, "rs") {
            let text = fs::read_to_string(&file).expect("text");
            let uses = |part: &str| imports(&file, &text).iter().any(|path| path[0] == part);
            // `/ready` tests a write.
            let tests_writes = file.ends_with("src/http/health.rs");
            assert!(tests_writes || !uses("db"), "{} uses the database", file.display());
            // Live connections subscribe at the hub.
            let hub = uses("pubsub") || production(&text).contains("EventHub");
            assert!(folder == "src/realtime" || !hub, "{} uses the hub", file.display());
            let everything = text.contains("State<AppState>");
            assert!(!everything, "{}: a handler asks for each service", file.display());
            checked += 1;
        }
    }
    assert!(checked > 50, "the test sees the files: {checked}");
    let state = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/state.rs");
    let state = fs::read_to_string(state).expect("text");
    assert!(state.contains("\npub struct AppState(Arc<Services>);\n"), "its field is private");
    assert!(!state.contains("Deref"), "the state is no way to its services");
}

/// Handlers see a `Viewer` and know nothing of the library that finds it.
#[test]
fn one_module_knows_the_session_library() {
    let mut users = BTreeSet::new();
    for file in files("src", "rs") {
        let text = fs::read_to_string(&file).expect("text");
        if text.contains("tower_sessions::") {
            users.insert(module(&file).join("::"));
        }
    }
    assert_eq!(users.into_iter().collect::<Vec<_>>(), ["http::sessions", "http::sessions::store"]);
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

/// Small scripts belong to what they are a part of.
#[test]
fn scripts_have_at_most_sixty_two_files() {
    let count = files("static/js", "js").len();
    assert!(count <= 62, "{count} files");
}

#[test]
fn feature_models_and_stores_do_not_import_upwards() {
    for file in files("src/chat", "rs") {
        let text = fs::read_to_string(&file).expect("text");
        let code = production(&text);
        let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
        // A file with more operations of the feature.
        let verbs = ["Accounts", "Files", "Messages", "Presence", "Rooms"]
            .iter()
            .any(|n| code.contains(&format!("\nimpl {n} {{")));
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
            assert_eq!(up, None, "{} imports from its operations", file.display());
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
fn every_file_states_its_purpose_and_stays_short() {
    for file in files("src", "rs") {
        let text = fs::read_to_string(&file).expect("text");
        assert!(text.starts_with("//! "), "{} starts with its purpose", file.display());
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

/// The texts of a language: each key with the variables that it uses.
fn catalogue(language: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    let mut key = String::new();
    for file in files(&format!("locales/{language}"), "ftl") {
        for line in fs::read_to_string(&file).expect("text").lines() {
            if line.starts_with(|c: char| c.is_ascii_lowercase()) {
                line.split(" =").next().expect("a key").clone_into(&mut key);
                assert!(
                    found.insert(key.clone(), BTreeSet::new()).is_none(),
                    "{key} is defined twice"
                );
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

/// All quoted strings in the sources, each of which could be a key.
fn quoted_words() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files("src", "rs").into_iter().chain(files("templates", "html")) {
        let text = fs::read_to_string(&file).expect("text");
        found.extend(text.split('"').map(str::to_owned));
    }
    found
}

#[test]
fn both_languages_have_the_same_texts_and_variables() {
    assert_eq!(catalogue("en"), catalogue("es"));
}

/// Calls that take the key of a text, and how many quoted words precede it.
const CALLS: [(&str, usize); 6] = [
    (".text(\"", 0),
    (".name(\"", 0),
    ("count(\"", 0),
    ("refuse(\"", 0),
    ("with_detail(StatusCode::", 0),
    ("FieldError::new(\"", 1),
];

#[test]
fn catalogue_has_exactly_the_texts_that_are_used() {
    let known: BTreeSet<String> = catalogue("en").into_keys().collect();
    let words = quoted_words();
    for key in &known {
        assert!(words.contains(key), "{key} is used nowhere");
    }
    let sources: Vec<_> =
        files("src", "rs").into_iter().chain(files("templates", "html")).collect();
    for (call, preceding) in CALLS {
        let mut checked = 0;
        for file in &sources {
            let text = fs::read_to_string(file).expect("text");
            for (at, _) in text.match_indices(call) {
                let key = text[at..].split('"').nth(2 * preceding + 1).expect("a key");
                assert!(known.contains(key), "{}: {key} is not in the catalogue", file.display());
                checked += 1;
            }
        }
        assert!(checked > 5, "the test sees the calls of {call}: {checked}");
    }
}
