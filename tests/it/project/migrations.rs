//! The migrations of both engines.

use std::fs;
use std::path::Path;

use super::tidy::files;

#[test]
fn both_databases_have_the_same_migrations_and_tables() {
    let names = |folder: &str| -> Vec<_> {
        files(folder, "sql").iter().map(|file| file.file_name().map(ToOwned::to_owned)).collect()
    };
    assert_eq!(names("migrations/sqlite"), names("migrations/postgres"));
    for file in names("migrations/sqlite").into_iter().flatten() {
        let [sqlite, postgres] = ["migrations/sqlite", "migrations/postgres"]
            .map(|folder| tables_and_indexes(&Path::new(folder).join(&file)));
        assert!(!sqlite.is_empty());
        assert_eq!(sqlite, postgres, "{}", file.display());
    }
}

/// The tables of a migration with the names of their columns, and the indexes. Without the search index, for which
/// each engine has a table of its own.
fn tables_and_indexes(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).expect("text");
    let mut found: Vec<String> = Vec::new();
    let mut is_in_table = false;
    let text = text.replace("create unlogged table ", "create table ");
    for line in text.lines().map(|line| line.split("--").next().expect("text").trim_end()) {
        let is_definition =
            ["create table ", "create index ", "create unique index ", "alter table "]
                .iter()
                .any(|start| line.starts_with(start));
        if is_definition && !line.contains(" search") {
            found.push(line.to_owned());
            is_in_table = line.ends_with('(');
        } else if line.starts_with(')') {
            is_in_table = false;
        } else if is_in_table && let Some(column) = line.split_whitespace().next() {
            found.push(format!("  {column}"));
        }
    }
    found
}
